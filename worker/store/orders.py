"""Orders and fills: intents before they are sent, results after, and each bot's share of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, select, text, update

from shared.enums import OrderStatus, OrderStyle, Purpose, Side, Trigger
from shared.tables import Fill, Order, OrderShare
from shared.tables.trading import ORDER_IS_OPEN
from worker.store.rows import insert_rows, load_rows, record_columns


@dataclass(slots=True)
class OrderRow:
    """An order as it is decided; `quantity` is positive."""

    client_order_id: str
    account: str
    symbol: str
    side: Side
    units: int
    quantity: float
    trigger: Trigger | int
    step: int
    decided_ms: int
    status: OrderStatus = OrderStatus.INTENT
    filled_units: int = 0
    filled_quantity: float = 0.0
    price: float | None = None
    fee: float = 0.0
    sent_ms: int | None = None
    done_ms: int | None = None
    exchange_id: str | None = None
    reason: str | None = None
    purpose: Purpose = Purpose.NET
    attempt: int = 0
    increases: int = 0
    fencing: int = 0
    reference_price: float | None = None
    style: OrderStyle = OrderStyle.MARKET
    rests_until_ms: int = 0
    limit_price: float | None = None


@dataclass(slots=True)
class OrderResult:
    """What became of an order; `price` is the average of what was filled."""

    client_order_id: str
    status: OrderStatus
    filled_units: int = 0
    filled_quantity: float = 0.0
    price: float | None = None
    fee: float = 0.0
    sent_ms: int | None = None
    done_ms: int | None = None
    exchange_id: str | None = None
    reason: str | None = None
    # of an intent that changed before it was sent
    side: Side | None = None
    units: int | None = None
    quantity: float | None = None


@dataclass(slots=True)
class FillRow:
    """One bot's leg of an execution; `quantity` and `crossed` are signed, `saved` is quote."""

    bot_id: int
    sleeve_id: int
    symbol: str
    time_ms: int
    step: int
    leg: int
    trigger: int
    units: int
    quantity: float
    price: float
    fee: float
    fee_currency: str
    crossed_units: int
    crossed: float
    saved: float
    best_price: float
    worst_price: float
    client_order_id: str | None = None
    exchange_trade_id: str | None = None
    settings_version_id: int | None = None


def save_orders(connection: Connection, portfolio_id: int, rows: Sequence[OrderRow]) -> None:
    """Append orders; a client order id that exists already breaks the constraint of the table."""
    insert_rows(connection, Order, rows, portfolio_id=portfolio_id)


def save_order_results(connection: Connection, portfolio_id: int, results: Sequence[OrderResult]) -> None:
    """Write what became of orders; times, exchange id, side and quantity that are not given stay as they are."""
    table = Order.__table__
    for result in results:
        changes = {
            "status": result.status.name,
            "filled_units": result.filled_units,
            "filled_quantity": result.filled_quantity,
            "price": result.price,
            "fee": result.fee,
            "reason": result.reason,
        }
        kept = {name: getattr(result, name) for name in ("sent_ms", "done_ms", "exchange_id", "units", "quantity")}
        kept["side"] = result.side and result.side.name
        changes |= {name: value for name, value in kept.items() if value is not None}
        connection.execute(
            update(table)
            .where(table.c.portfolio_id == portfolio_id, table.c.client_order_id == bindparam("asked_id"))
            .values(**changes),
            {"asked_id": result.client_order_id},
        )


def load_waiting_orders(connection: Connection, portfolio_id: int) -> list[OrderRow]:
    """Give the paper orders that wait for their bar, oldest first: those no bot's part is kept of."""
    share = OrderShare.__table__.c
    statement = select(*record_columns(Order, OrderRow)).where(
        Order.portfolio_id == portfolio_id,
        text(ORDER_IS_OPEN),
        ~exists().where(share.client_order_id == Order.client_order_id),
    )
    return load_rows(connection, statement.order_by(Order.id), Order, OrderRow)


def load_open_orders(connection: Connection, portfolio_id: int) -> list[OrderRow]:
    """Give the orders whose fate is not final, oldest first."""
    statement = select(*record_columns(Order, OrderRow)).where(Order.portfolio_id == portfolio_id, text(ORDER_IS_OPEN))
    return load_rows(connection, statement.order_by(Order.id), Order, OrderRow)


def save_fills(connection: Connection, portfolio_id: int, rows: Sequence[FillRow]) -> None:
    """Append fills."""
    insert_rows(connection, Fill, rows, portfolio_id=portfolio_id)


def load_fills(connection: Connection, portfolio_id: int, bot_id: int | None = None) -> list[FillRow]:
    """Give all fills of a portfolio or one bot, in the order they were booked."""
    statement = select(*record_columns(Fill, FillRow)).where(Fill.portfolio_id == portfolio_id)
    if bot_id is not None:
        statement = statement.where(Fill.bot_id == bot_id)
    return load_rows(connection, statement.order_by(Fill.id), Fill, FillRow)
