"""What a step left as rows of the books, and rows of the books as what a step works with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.enums import BarStatus, Cause, Level, NoticeKind, ScopeKind, Severity, Side, Trigger
from shared.money import Money
from worker.ledger.lots import Position, RoundTrip, Trip
from worker.live.stepper import FundingRow as Settlement
from worker.orders.order_book import OrderRow
from worker.step.journal import Fill, Notice
from worker.step.records import Bot
from worker.store.events import BarRow, EventRow
from worker.store.fleet import RegisteredBot
from worker.store.money import FundingRow
from worker.store.orders import FillRow, OrderResult
from worker.store.orders import OrderRow as StoredOrder

NOTICE_SEVERITY = {
    NoticeKind.WARNED: Severity.WARNING,
    NoticeKind.TRIPPED: Severity.ERROR,
    NoticeKind.RELEASED: Severity.INFO,
}


@dataclass(slots=True)
class LotRow:
    """An open lot with its place in the queue of its bot."""

    bot_id: int
    number: int
    opened_ms: int
    units: int
    quantity: float
    price: float
    fee: float


@dataclass(slots=True)
class OpenTripRow:
    """A round trip under way."""

    bot_id: int
    side: Side
    opened_ms: int
    quantity: float
    entry_quantity: float
    entry_notional: float
    exit_quantity: float
    exit_notional: float
    profit: float
    fees: float
    best_price: float
    worst_price: float
    fills: int


@dataclass(slots=True)
class TripRow:
    """A closed round trip."""

    sleeve_id: int
    bot_id: int
    symbol: str
    side: Side
    opened_ms: int
    closed_ms: int
    duration_ms: int
    quantity: float
    entry_price: float
    exit_price: float
    profit: float
    fees: float
    return_fraction: float
    exit_reason: int
    best_fraction: float
    worst_fraction: float
    fills: int


def lot_rows(bot_id: int, position: Position) -> Iterable[LotRow]:
    """Give the open lots of a bot, oldest first."""
    for number, lot in enumerate(position.lots):
        quantity = position.unit.coins(lot.units)
        yield LotRow(bot_id, number, lot.opened_ms, lot.units, quantity, lot.price, lot.fee)


def open_trip_row(bot_id: int, bot: Bot, trip: Trip) -> OpenTripRow:
    """Give the round trip a bot is on."""
    return OpenTripRow(
        bot_id,
        _side(trip.direction),
        trip.opened_ms,
        trip.largest_quantity,
        trip.entry_quantity,
        trip.entry_quote,
        trip.exit_quantity,
        trip.exit_quote,
        trip.profit,
        trip.fees,
        bot.best_price,
        bot.worst_price,
        trip.fills,
    )


def trip_under_way(row: OpenTripRow) -> Trip:
    """Take a round trip up where the books left it."""
    return Trip(
        row.opened_ms,
        1.0 if row.side is Side.BUY else -1.0,
        row.quantity,
        row.entry_quantity,
        row.entry_notional,
        row.exit_quantity,
        row.exit_notional,
        row.fees,
        row.profit,
        row.fills,
    )


def closed_trip_row(bot: RegisteredBot, trip: RoundTrip) -> TripRow:
    """Give a round trip that ended."""
    return TripRow(
        bot.sleeve_id,
        bot.id,
        bot.symbol,
        _side(trip.direction),
        trip.opened_ms,
        trip.closed_ms,
        trip.closed_ms - trip.opened_ms,
        trip.quantity,
        trip.entry_price,
        trip.exit_price,
        trip.profit,
        trip.fees,
        trip.return_fraction,
        trip.exit_trigger,
        trip.best_fraction,
        trip.worst_fraction,
        trip.fills,
    )


def fill_row(
    bot: RegisteredBot,
    fill: Fill,
    quote: str,
    client_order_id: str | None,
    version: int,
    trade_id: str | None = None,
) -> FillRow:
    """Give one bot's leg of an execution; `version` is the settings' it was decided under."""
    return FillRow(
        bot.id,
        bot.sleeve_id,
        bot.symbol,
        fill.time_ms,
        fill.step,
        fill.leg,
        fill.trigger,
        fill.units,
        fill.quantity,
        fill.price,
        fill.fee,
        quote,
        fill.crossed_units,
        fill.crossed,
        fill.saved,
        fill.best_price,
        fill.worst_price,
        client_order_id,
        trade_id,
        version,
    )


def funding_row(bot: RegisteredBot, settlement: Settlement, step: int) -> FundingRow:
    """Give a settlement as the books keep it: what a bot paid is negative."""
    return FundingRow(
        bot.id,
        bot.symbol,
        settlement.time_ms,
        step,
        settlement.quantity,
        settlement.price,
        settlement.rate,
        -settlement.amount,
    )


def bar_rows(statuses: Mapping[str, BarStatus], open_ms: int, step: int) -> Iterable[BarRow]:
    """Give the bars that were not fresh."""
    said = {BarStatus.MISSING: "no bar came", BarStatus.LATE: "caught up late, without entries"}
    for symbol, status in statuses.items():
        if status is not BarStatus.FRESH:
            yield BarRow(symbol, open_ms, step, status, said.get(status, status.name.lower()))


def notice_event(notice: Notice, scope_kind: ScopeKind, scope: str, wall_ms: int, money: Money) -> EventRow:
    """Say what a brake did to a scope, whose name is empty for the portfolio."""
    kind, cause = NoticeKind(notice.kind), Cause(notice.cause)
    who = f"{scope_kind.lower()} {scope}".strip()
    if cause is Cause.BANKRUPT:
        return _bankrupt_event(notice, who, scope_kind, scope, wall_ms, money)
    what = "daily loss" if cause is Cause.DAILY_LOSS else "drawdown"
    level = Level.FLATTEN if scope_kind is ScopeKind.PORTFOLIO and cause is Cause.DRAWDOWN else Level.NO_ENTRIES
    said = {
        NoticeKind.WARNED: f"{who}: {what} {notice.value:.2%} is near its limit of {notice.limit:.2%}",
        NoticeKind.TRIPPED: f"{who}: {what} {notice.value:.2%} reached {notice.limit:.2%}; {level.name}",
        NoticeKind.RELEASED: f"{who}: the {what} brake released itself at the start of the UTC day",
    }[kind]
    return EventRow(
        notice.time_ms,
        wall_ms,
        NOTICE_SEVERITY[kind],
        f"{cause.name}_{kind.name}",
        said,
        scope_kind,
        scope,
        notice.value,
        notice.limit,
    )


def _bankrupt_event(
    notice: Notice, who: str, scope_kind: ScopeKind, scope: str, wall_ms: int, money: Money
) -> EventRow:
    equity, lost = money.amount(notice.value), money.amount(-notice.value)
    said = f"{who}: its money is gone, equity {equity}; its position is closed and it gets no more money"
    is_beyond = notice.value < 0.0 and not money.is_nothing(notice.value)
    beyond = f". It lost {lost} more than it had, which the portfolio bears" if is_beyond else ""
    return EventRow(
        notice.time_ms,
        wall_ms,
        Severity.ERROR,
        "BANKRUPT_TRIPPED",
        said + beyond,
        scope_kind,
        scope,
        notice.value,
        notice.limit,
    )


def waiting_order(order: StoredOrder) -> OrderRow:
    """Take up an order that waits for its price; what it is of is found again by its name."""
    return OrderRow(
        order.client_order_id,
        order.account,
        order.symbol,
        order.side,
        order.units,
        order.quantity,
        Trigger(order.trigger),
        order.step,
        order.decided_ms,
        order.status,
        market=-1,
        bot=-1,
    )


def stored_order(order: OrderRow) -> StoredOrder:
    """Give an order as the books keep it."""
    return StoredOrder(
        order.client_order_id,
        order.account,
        order.symbol,
        order.side,
        order.units,
        order.quantity,
        order.trigger,
        order.step,
        order.decided_ms,
        order.status,
        order.filled_units,
        order.filled_quantity,
        order.price,
        order.fee,
        order.sent_ms,
        order.done_ms,
        order.exchange_id,
        order.reason,
        order.purpose,
        order.attempt,
        order.increases,
        order.fencing,
        order.reference_price,
    )


def order_result(order: OrderRow) -> OrderResult:
    """Give what became of an order."""
    return OrderResult(
        order.client_order_id,
        order.status,
        order.filled_units,
        order.filled_quantity,
        order.price,
        order.fee,
        order.sent_ms,
        order.done_ms,
        order.exchange_id,
        order.reason,
        order.side,
        order.units,
        order.quantity,
    )


def _side(direction: float) -> Side:
    return Side.BUY if direction > 0.0 else Side.SELL
