"""Orders on exchanges: intentions with each bot's part, the mark before one leaves, trades, and what is not over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from sqlalchemy import BindParameter, Connection, Select, Update, bindparam, exists, func, select, update

from shared.enums import OrderStatus, OrderStyle, Side
from shared.tables import Heartbeat, Order, OrderShare, Trade
from worker.store.orders import OrderRow, load_open_orders
from worker.store.rows import insert_rows


@dataclass(slots=True)
class ShareRow:
    """A bot's part of an order, signed whole units."""

    client_order_id: str
    bot_id: int
    units: int
    filled_units: int = 0


@dataclass(slots=True)
class TradeRow:
    """A trade as the exchange told it; decimals in text."""

    account: str
    symbol: str
    trade_id: str
    exchange_id: str
    client_order_id: str
    side: Side
    units: int
    quantity: str
    price: str
    fee: str
    fee_coin: str
    fee_quote: float
    is_maker: int
    time_ms: int


@dataclass(slots=True)
class StoredOrder:
    """An order whose fate is not final, each bot's part by id, and the trades of it that are booked."""

    row: OrderRow
    shares: list[ShareRow] = field(default_factory=list)
    trade_ids: set[str] = field(default_factory=set)
    # what its trades came to, and their fees, in quote
    filled_quote: Decimal = Decimal(0)
    fee_quote: Decimal = Decimal(0)


def save_shares(connection: Connection, shares: Sequence[ShareRow]) -> None:
    """Append each bot's part of orders."""
    insert_rows(connection, OrderShare, shares)


def restamp(connection: Connection, client_order_ids: Sequence[str], token: int) -> None:
    """Let intentions be those of the lease with this number."""
    if client_order_ids:
        connection.execute(_restamping(), {"ids": client_order_ids, "token": token})


def let_rest(connection: Connection, client_order_ids: Sequence[str], style: OrderStyle, until_ms: int) -> None:
    """Note how orders ask to be filled, and until which wall time they may rest."""
    own = Order.__table__.c
    changes = {"style": style.name, "rests_until_ms": until_ms}
    connection.execute(update(Order).where(own.client_order_id.in_(client_order_ids)).values(**changes))


def mark_submitted(
    connection: Connection,
    portfolio_id: int,
    client_order_id: str,
    token: int,
    sent_ms: int,
    price: float | None,
    limit_price: float | None = None,
) -> bool:
    """Mark that an order leaves now; false where the lease is not this worker's any more, or it is no intention.

    `price` is that at sending. One that provably never arrived may be marked again.
    """
    order = {"portfolio": portfolio_id, "order": client_order_id, "token": token}
    changes = {"status": OrderStatus.SUBMITTED.name, "sent_ms": sent_ms, "reference_price": price}
    changes |= {"limit_price": limit_price}
    return connection.execute(_marking(), {**order, **changes}).rowcount == 1


def note_look(connection: Connection, portfolio_id: int, client_order_id: str, looks: int, look_ms: int) -> None:
    """Note how often an order of which nothing is known was looked up, and when it is the next time (wall)."""
    own = Order.__table__.c
    mine = update(Order).where(own.portfolio_id == portfolio_id, own.client_order_id == client_order_id)
    connection.execute(mine.values(looks=looks, look_ms=look_ms))


def count_sent(connection: Connection, portfolio_id: int, account: str, since_ms: int) -> int:
    """Count the orders of an account that left at or after a wall time."""
    asked = {"portfolio": portfolio_id, "account": account, "since": since_ms}
    return int(connection.execute(_counting(), asked).scalar_one())


def known_orders(connection: Connection, portfolio_id: int, ids: Sequence[str]) -> set[str]:
    """Give which of some client order ids are in the books."""
    own = Order.__table__.c
    asked = select(own.client_order_id).where(own.portfolio_id == portfolio_id, own.client_order_id.in_(ids))
    return set(connection.execute(asked).scalars())


def known_trades(connection: Connection, portfolio_id: int, account: str, symbol: str, ids: Sequence[str]) -> set[str]:
    """Give which of an exchange's trade ids are in the books already."""
    asked = {"portfolio": portfolio_id, "account": account, "symbol": symbol, "ids": ids}
    return set(connection.execute(_knowing(), asked).scalars())


def save_trades(connection: Connection, portfolio_id: int, rows: Sequence[TradeRow]) -> None:
    """Append trades; one that is there already breaks the constraint of the table."""
    insert_rows(connection, Trade, rows, portfolio_id=portfolio_id)


def save_filled_shares(connection: Connection, shares: Sequence[ShareRow]) -> None:
    """Write what each bot got of an order so far."""
    if shares:
        values = [
            {"order": share.client_order_id, "bot": share.bot_id, "filled_units": share.filled_units}
            for share in shares
        ]
        connection.execute(_filling(), values)


def load_unfinished(connection: Connection, portfolio_id: int) -> list[StoredOrder]:
    """Give the orders whose fate is not final, oldest first, with shares and trades."""
    return [with_shares(connection, portfolio_id, row) for row in load_open_orders(connection, portfolio_id)]


def with_shares(connection: Connection, portfolio_id: int, row: OrderRow) -> StoredOrder:
    """Give an order with each bot's part and the trades of it that are booked."""
    share, trade = OrderShare.__table__.c, Trade.__table__.c
    parts = select(share.client_order_id, share.bot_id, share.units, share.filled_units).where(
        share.client_order_id == row.client_order_id
    )
    booked = select(trade.trade_id, trade.quantity, trade.price, trade.fee_quote).where(
        trade.portfolio_id == portfolio_id, trade.client_order_id == row.client_order_id
    )
    stored = StoredOrder(row, [ShareRow(*part) for part in connection.execute(parts.order_by(share.bot_id))])
    for trade_id, quantity, price, fee_quote in connection.execute(booked):
        stored.trade_ids.add(trade_id)
        stored.filled_quote += Decimal(quantity) * Decimal(price)
        stored.fee_quote += Decimal(repr(fee_quote))
    return stored


# What every order that leaves waits for: to put a statement together takes longer than to run it.
@cache
def _restamping() -> Update:
    own = Order.__table__.c
    mine = own.client_order_id.in_(bindparam("ids", expanding=True)), own.status == OrderStatus.INTENT.name
    return update(Order).where(*mine).values(fencing=bindparam("token"))


@cache
def _marking() -> Update:
    """Give the update of the columns that are given values beside portfolio, order and token."""
    own, beat = Order.__table__.c, Heartbeat.__table__.c
    portfolio: BindParameter[int] = bindparam("portfolio")
    token: BindParameter[int] = bindparam("token")
    mine = (
        own.portfolio_id == portfolio,
        own.client_order_id == bindparam("order"),
        own.status.in_((OrderStatus.INTENT.name, OrderStatus.SUBMITTED.name)),
        own.fencing == token,
        exists().where(beat.portfolio_id == portfolio, beat.lease_token == token),
    )
    return update(Order.__table__).where(*mine)


@cache
def _counting() -> Select:
    own = Order.__table__.c
    left_since = own.account == bindparam("account"), own.sent_ms >= bindparam("since")
    return select(func.count()).where(own.portfolio_id == bindparam("portfolio"), *left_since)


@cache
def _filling() -> Update:
    """Give the update of the columns that are given values beside order and bot."""
    own = OrderShare.__table__.c
    mine = own.client_order_id == bindparam("order"), own.bot_id == bindparam("bot")
    return update(OrderShare.__table__).where(*mine)


@cache
def _knowing() -> Select:
    own = Trade.__table__.c
    of_symbol = own.account == bindparam("account"), own.symbol == bindparam("symbol")
    told = own.trade_id.in_(bindparam("ids", expanding=True))
    return select(own.trade_id).where(own.portfolio_id == bindparam("portfolio"), *of_symbol, told)
