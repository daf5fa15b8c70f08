"""What a step left becomes rows, within one transaction; and the way back at a start."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.enums import BarStatus, Cause, Level, NoticeKind, ScopeKind, Severity, Side, TransferKind, Trigger
from worker.fleet.plan import FleetPlan
from worker.ledger.desk import Booked, LedgerDesk
from worker.ledger.lots import Execution, Lot, Position, RoundTrip, Trip
from worker.live.orders import OrderRow
from worker.live.stepper import StepRows
from worker.risk.brakes import loss_fraction
from worker.step.records import Fill, Fleet, Notice
from worker.store.decisions import save_decisions
from worker.store.equity import EquityMark, save_equity
from worker.store.events import BarRow, EventRow, save_bar_records, save_events
from worker.store.fleet import RegisteredFleet
from worker.store.money import (
    AllocationRow,
    FundingRow,
    TransferRow,
    save_allocations,
    save_funding,
    save_transfers,
)
from worker.store.orders import FillRow, OrderResult, load_open_orders, save_fills, save_order_results, save_orders
from worker.store.orders import OrderRow as StoredOrder
from worker.store.round_trips import (
    load_lots,
    load_open_round_trips,
    save_lots,
    save_open_round_trips,
    save_round_trips,
)
from worker.store.states import save_states

NOTICE_SEVERITY = {
    NoticeKind.WARNED: Severity.WARNING,
    NoticeKind.TRIPPED: Severity.ERROR,
    NoticeKind.RELEASED: Severity.INFO,
}
SCOPE_KINDS = (ScopeKind.PORTFOLIO, ScopeKind.SLEEVE, ScopeKind.BOT)


@dataclass(slots=True)
class LotRow:
    """An open lot with its place in the queue of its bot."""

    bot_id: int
    number: int
    opened_ms: int
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


class Books:
    """Writes a fleet's steps. One object per run of the worker; the fleet's records are the worker's own."""

    def __init__(
        self, registered: RegisteredFleet, plan: FleetPlan, fleet: Fleet, quote: str, settings_version_id: int
    ) -> None:
        self.registered = registered
        self.portfolio_id = registered.portfolio_id
        self.bot_ids = [bot.id for bot in registered.bots]
        self._sleeve_ids = [sleeve.id for sleeve in registered.sleeves]
        self._plan = plan
        self._fleet = fleet
        self._quote = quote
        self.settings_version_id = settings_version_id
        self.desk = LedgerDesk([fleet.markets[bot.market].min_quantity for bot in fleet.bots])

    def load_positions(self, connection: Connection) -> None:
        """Take up the open lots and round trips; what the bots hold must be known by then."""
        place = {bot_id: b for b, bot_id in enumerate(self.bot_ids)}
        positions = [Position(quantity=bot.quantity) for bot in self._fleet.bots]
        for row in load_lots(connection, self.portfolio_id, LotRow):
            if row.bot_id in place:
                lot = Lot(row.opened_ms, row.quantity, row.price, row.fee)
                positions[place[row.bot_id]].lots.append(lot)
        for trip in load_open_round_trips(connection, self.portfolio_id, OpenTripRow):
            if trip.bot_id in place:
                positions[place[trip.bot_id]].trip = _trip(trip)
        self.desk.positions = positions

    def load_waiting(self, connection: Connection) -> list[OrderRow]:
        """Give the orders that wait for their price."""
        return [
            OrderRow(
                order.client_order_id,
                order.account,
                order.symbol,
                order.side,
                order.quantity,
                Trigger(order.trigger),
                order.step,
                order.decided_ms,
                order.status,
                market=-1,
                bot=-1,
            )
            for order in load_open_orders(connection, self.portfolio_id)
        ]

    def book(self, fills: Iterable[Fill]) -> Booked:
        """Book fills into lots and round trips, in memory."""
        booked = Booked()
        for fill in fills:
            execution = Execution(
                fill.time_ms, fill.quantity, fill.price, fill.fee, fill.trigger, fill.best_price, fill.worst_price
            )
            self.desk.book(fill.bot, execution, booked)
        return booked

    def marks(self) -> list[EquityMark]:
        """Give every scope's equity as the last close marks it; to be taken before the next open's fills are booked."""
        fleet = self._fleet
        bots: list[EquityMark] = []
        sleeves = [[0.0, 0.0, 0.0, 0.0] for _ in fleet.sleeves]
        for b, bot in enumerate(fleet.bots):
            close = fleet.markets[bot.market].close
            exposure = bot.quantity * close
            profit = self.desk.positions[b].unrealised(close)
            drawdown = loss_fraction(bot.equity, bot.high_water)
            bots.append(
                EquityMark(
                    ScopeKind.BOT, self.bot_ids[b], bot.equity, bot.cash, exposure, profit, bot.money_in, drawdown
                )
            )
            for at, amount in enumerate((bot.cash, abs(exposure), profit, bot.money_in)):
                sleeves[bot.sleeve][at] += amount
        marks = [
            EquityMark(
                ScopeKind.SLEEVE,
                sleeve_id,
                sleeve.equity,
                cash,
                exposure,
                profit,
                money_in,
                loss_fraction(sleeve.equity, sleeve.high_water),
            )
            for sleeve_id, sleeve, (cash, exposure, profit, money_in) in zip(
                self._sleeve_ids, fleet.sleeves, sleeves, strict=True
            )
        ]
        portfolio = fleet.portfolio
        cash, exposure, profit, money_in = (sum(sums[at] for sums in sleeves) for at in range(4))
        whole = EquityMark(
            ScopeKind.PORTFOLIO,
            self.portfolio_id,
            portfolio.equity,
            portfolio.cash + cash,
            exposure,
            profit,
            portfolio.cash + money_in,
            loss_fraction(portfolio.equity, portfolio.high_water),
        )
        return [whole, *marks, *bots]

    def save_step(
        self,
        connection: Connection,
        rows: StepRows,
        booked: Booked,
        marks: Sequence[EquityMark],
        events: list[EventRow],
    ) -> None:
        """Write everything a step left but heartbeat and lease."""
        self.save_orders(connection, rows)
        save_fills(connection, self.portfolio_id, [self._fill(*pair) for pair in self._with_orders(rows)])
        self.save_positions(connection, booked)
        save_funding(connection, self.portfolio_id, [self._funding(rows, row) for row in rows.funding])
        if rows.rebalanced:
            self._save_rebalance(connection, rows)
        if marks:
            save_equity(connection, rows.step, rows.close_ms, marks)
        save_decisions(
            connection, self.portfolio_id, self.bot_ids, self._fleet.bots, rows.step, self._fleet.portfolio.time_ms
        )
        save_bar_records(connection, self.portfolio_id, list(self._bar_rows(rows)))
        save_events(connection, self.portfolio_id, events)
        self.save_states(connection)

    def save_orders(self, connection: Connection, rows: StepRows) -> None:
        """Write the orders that a step made, and what became of earlier ones."""
        save_orders(connection, self.portfolio_id, [_stored(order) for order in rows.new_orders])
        fresh = {order.client_order_id for order in rows.new_orders}
        results = [_result(order) for order in rows.settled_orders if order.client_order_id not in fresh]
        save_order_results(connection, self.portfolio_id, results)

    def save_positions(self, connection: Connection, booked: Booked) -> None:
        """Write the lots, open round trips and closed ones of the bots that traded."""
        touched = sorted(booked.bots)
        ids = [self.bot_ids[b] for b in touched]
        positions = [(b, self.desk.positions[b]) for b in touched]
        lots = [
            LotRow(self.bot_ids[b], number, lot.opened_ms, lot.quantity, lot.price, lot.fee)
            for b, position in positions
            for number, lot in enumerate(position.lots)
        ]
        save_lots(connection, ids, lots)
        trips = [self._open_trip(b, position.trip) for b, position in positions if position.trip is not None]
        save_open_round_trips(connection, ids, trips)
        save_round_trips(connection, self.portfolio_id, [self._closed_trip(*pair) for pair in booked.round_trips])

    def save_states(self, connection: Connection) -> None:
        """Write every record of the fleet over its last state."""
        fleet = self._fleet
        save_states(
            connection, self.registered, fleet.portfolio, fleet.sleeves, fleet.bots, self._plan.markets, fleet.markets
        )

    def notice_events(self, notices: Iterable[Notice], wall_ms: int) -> list[EventRow]:
        """Say what the brakes did."""
        return [self._notice_event(notice, wall_ms) for notice in notices]

    def scope_name(self, kind: ScopeKind, index: int) -> str:
        """Give the name of a sleeve or bot by its index, empty for the portfolio."""
        if kind is ScopeKind.SLEEVE:
            return self.registered.sleeves[index].name
        return self.registered.bots[index].name if kind is ScopeKind.BOT else ""

    def _notice_event(self, notice: Notice, wall_ms: int) -> EventRow:
        kind, cause = NoticeKind(notice.kind), Cause(notice.cause)
        scope_kind = SCOPE_KINDS[notice.scope_kind]
        scope = self.scope_name(scope_kind, notice.scope)
        what = "daily loss" if cause is Cause.DAILY_LOSS else "drawdown"
        who = f"{scope_kind.lower()} {scope}".strip()
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

    def _with_orders(self, rows: StepRows) -> Iterable[tuple[Fill, str | None]]:
        return zip(rows.fills, rows.order_of_fill, strict=True)

    def _fill(self, fill: Fill, client_order_id: str | None) -> FillRow:
        bot = self.registered.bots[fill.bot]
        return FillRow(
            bot.id,
            bot.sleeve_id,
            bot.symbol,
            fill.time_ms,
            fill.step,
            fill.leg,
            fill.trigger,
            fill.quantity,
            fill.price,
            fill.fee,
            self._quote,
            fill.crossed,
            fill.saved,
            fill.best_price,
            fill.worst_price,
            client_order_id,
            None,
            self.settings_version_id,
        )

    def _funding(self, rows: StepRows, row) -> FundingRow:  # noqa: ANN001 - the stepper's row of the same name
        bot = self.registered.bots[row.bot]
        return FundingRow(bot.id, bot.symbol, row.time_ms, rows.step, row.quantity, row.price, row.rate, -row.amount)

    def _save_rebalance(self, connection: Connection, rows: StepRows) -> None:
        kind, close_ms, step = TransferKind.REBALANCE, rows.close_ms, rows.step
        flows = [TransferRow(self.bot_ids[b], close_ms, step, kind, amount) for b, amount in rows.flows.items()]
        if rows.portfolio_flow != 0.0:
            flows.append(TransferRow(None, close_ms, step, kind, rows.portfolio_flow))
        save_transfers(connection, self.portfolio_id, flows)
        fleet = self._fleet
        money = fleet.portfolio.equity
        points = [
            AllocationRow(ScopeKind.SLEEVE, id_, close_ms, step, sleeve.weight, money * sleeve.weight, sleeve.equity)
            for id_, sleeve in zip(self._sleeve_ids, fleet.sleeves, strict=True)
        ]
        points += [
            AllocationRow(ScopeKind.BOT, id_, close_ms, step, bot.weight, bot.allocation, bot.equity)
            for id_, bot in zip(self.bot_ids, fleet.bots, strict=True)
        ]
        save_allocations(connection, self.portfolio_id, points)

    def _bar_rows(self, rows: StepRows) -> Iterable[BarRow]:
        said = {BarStatus.MISSING: "no bar came", BarStatus.LATE: "caught up late, without entries"}
        for symbol, status in rows.statuses.items():
            if status is not BarStatus.FRESH:
                yield BarRow(symbol, rows.open_ms, rows.step, status, said.get(status, status.name.lower()))

    def _open_trip(self, b: int, trip: Trip) -> OpenTripRow:
        bot = self._fleet.bots[b]
        return OpenTripRow(
            self.bot_ids[b],
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

    def _closed_trip(self, b: int, trip: RoundTrip) -> TripRow:
        bot = self.registered.bots[b]
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


def _side(direction: float) -> Side:
    return Side.BUY if direction > 0.0 else Side.SELL


def _trip(row: OpenTripRow) -> Trip:
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


def _stored(order: OrderRow) -> StoredOrder:
    return StoredOrder(
        order.client_order_id,
        order.account,
        order.symbol,
        order.side,
        order.quantity,
        order.trigger,
        order.step,
        order.decided_ms,
        order.status,
        order.filled_quantity,
        order.price,
        order.fee,
        order.sent_ms,
        order.done_ms,
        None,
        order.reason,
    )


def _result(order: OrderRow) -> OrderResult:
    return OrderResult(
        order.client_order_id,
        order.status,
        order.filled_quantity,
        order.price,
        order.fee,
        order.sent_ms,
        order.done_ms,
        None,
        order.reason,
        order.side,
        order.quantity,
    )
