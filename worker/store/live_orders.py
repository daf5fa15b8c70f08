"""Orders on exchanges: intentions with each bot's part, the mark before one leaves, trades, and what is not over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection, exists, func, select, update

from shared.enums import OrderStatus, Side
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
    own = Order.__table__.c
    connection.execute(
        update(Order)
        .where(own.client_order_id.in_(client_order_ids), own.status == OrderStatus.INTENT.name)
        .values(fencing=token)
    )


def mark_submitted(
    connection: Connection, portfolio_id: int, client_order_id: str, token: int, sent_ms: int, price: float | None
) -> bool:
    """Mark that an order leaves now; false where the lease is not this worker's any more, or it is no intention.

    `price` is that at sending. One that provably never arrived may be marked again.
    """
    own, beat = Order.__table__.c, Heartbeat.__table__.c
    holds_lease = exists().where(beat.portfolio_id == portfolio_id, beat.lease_token == token)
    marked = connection.execute(
        update(Order)
        .where(
            own.portfolio_id == portfolio_id,
            own.client_order_id == client_order_id,
            own.status.in_((OrderStatus.INTENT.name, OrderStatus.SUBMITTED.name)),
            own.fencing == token,
            holds_lease,
        )
        .values(status=OrderStatus.SUBMITTED.name, sent_ms=sent_ms, reference_price=price)
    )
    return marked.rowcount == 1


def note_look(connection: Connection, portfolio_id: int, client_order_id: str, looks: int, look_ms: int) -> None:
    """Note how often an order of which nothing is known was looked up, and when it is the next time (wall)."""
    own = Order.__table__.c
    mine = update(Order).where(own.portfolio_id == portfolio_id, own.client_order_id == client_order_id)
    connection.execute(mine.values(looks=looks, look_ms=look_ms))


def count_sent(connection: Connection, portfolio_id: int, account: str, since_ms: int) -> int:
    """Count the orders of an account that left at or after a wall time."""
    own = Order.__table__.c
    asked = select(func.count()).where(
        own.portfolio_id == portfolio_id, own.account == account, own.sent_ms >= since_ms
    )
    return int(connection.execute(asked).scalar_one())


def known_orders(connection: Connection, portfolio_id: int, ids: Sequence[str]) -> set[str]:
    """Give which of some client order ids are in the books."""
    own = Order.__table__.c
    asked = select(own.client_order_id).where(own.portfolio_id == portfolio_id, own.client_order_id.in_(ids))
    return set(connection.execute(asked).scalars())


def known_trades(connection: Connection, portfolio_id: int, account: str, symbol: str, ids: Sequence[str]) -> set[str]:
    """Give which of an exchange's trade ids are in the books already."""
    own = Trade.__table__.c
    asked = select(own.trade_id).where(
        own.portfolio_id == portfolio_id, own.account == account, own.symbol == symbol, own.trade_id.in_(ids)
    )
    return set(connection.execute(asked).scalars())


def save_trades(connection: Connection, portfolio_id: int, rows: Sequence[TradeRow]) -> None:
    """Append trades; one that is there already breaks the constraint of the table."""
    insert_rows(connection, Trade, rows, portfolio_id=portfolio_id)


def save_filled_shares(connection: Connection, shares: Sequence[ShareRow]) -> None:
    """Write what each bot got of an order so far."""
    own = OrderShare.__table__.c
    for share in shares:
        connection.execute(
            update(OrderShare)
            .where(own.client_order_id == share.client_order_id, own.bot_id == share.bot_id)
            .values(filled_units=share.filled_units)
        )


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
