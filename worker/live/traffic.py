"""Orders between the steps: let leave once they are committed, and booked to bots as it becomes known what they did."""

import logging

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import transaction
from shared.enums import Level, OrderStatus, Severity
from shared.units import format_duration
from worker.live.books import Books
from worker.live.flows import book_money
from worker.live.stepper import Stepper, StepRows
from worker.orders.live_order import LiveOrder, Outcome
from worker.orders.reading import Reading
from worker.orders.sending import CLOCK
from worker.orders.under_way import UnderWay
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.store import lease
from worker.store.events import EventRow, save_events
from worker.store.money import save_transfers

# Exits are waited for so long before the rest of a step is decided: the deadline of a call, and a look.
EXIT_PATIENCE_MS = 12_000
# The other orders of a step are waited for so long, before the worker turns to what else there is to do.
ANSWER_PATIENCE_MS = 1_000
LOOK_SECONDS = 0.05

REFUSED = (OrderStatus.REJECTED, OrderStatus.ABSENT)

log = logging.getLogger(__name__)


class Traffic:
    """Drives what is under way of one fleet: every outcome is one transaction."""

    def __init__(
        self, under_way: UnderWay, stepper: Stepper, books: Books, engine: Engine, clock: Clock, token: int
    ) -> None:
        self._under_way = under_way
        self._stepper = stepper
        self._books = books
        self._engine = engine
        self._clock = clock
        self._token = token
        # accounts whose exchange's clock is too far from ours, as was told
        self._clock_off: set[str] = set()

    def send_exits(self, rows: StepRows) -> None:
        """Commit exits that a bar asks for, let them leave, and wait for what becomes of them.

        What is not known by then stays under way; the step goes on with what the bots really hold.
        """
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
            self._books.save_orders(connection, rows)
            self._under_way.save(connection, rows.new_orders)
            self._books.save_states(connection)
        self._under_way.leave(rows.new_orders)
        self._wait(rows, EXIT_PATIENCE_MS)

    def look(self) -> None:
        """Let what crosses in house do so at the middle of the market."""
        self._stepper.mids = self._under_way.look(self._stepper.fleet)

    def leave(self, rows: StepRows) -> None:
        """Let the orders of a step that is committed leave, and take over what is answered at once."""
        self._under_way.leave(rows.new_orders)
        self._wait(rows, ANSWER_PATIENCE_MS)

    def tend(self) -> None:
        """Take over what became known since."""
        while sum(self._take(outcome) for outcome in self._under_way.tend()):
            # What goes on with another order leaves at once.
            pass
        for reading in self._under_way.readings():
            self._reconcile(reading)
        for order in self._under_way.overdue():
            self._tell(order)
        if self._under_way.is_told_to_wait:
            with transaction(self._engine) as connection:
                lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
                self._under_way.keep(connection)

    def _wait(self, rows: StepRows, patience_ms: int) -> None:
        ids = [order.client_order_id for order in rows.new_orders]
        until_ms = self._clock.monotonic_ms() + patience_ms
        while self._under_way.is_leaving(ids) and (now_ms := self._clock.monotonic_ms()) < until_ms:
            outcomes = self._under_way.tend(LOOK_SECONDS)
            for outcome in outcomes:
                self._take(outcome)
            # Lanes without threads do not wait.
            if not outcomes and self._clock.monotonic_ms() == now_ms:
                self._clock.sleep(LOOK_SECONDS)
        self._under_way.mark(self._stepper.fleet)

    def _take(self, outcome: Outcome) -> bool:
        """Book an outcome, and say whether another order goes on with what this one left."""
        now_ms = self._clock.now_ms()
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, now_ms)
            booked = self._under_way.book(connection, outcome)
            rows = self._stepper.book_trades(booked, now_ms)
            self._books.save_trades(connection, rows)
            events = [self._event(Severity.ERROR, "ORDER_FAULT", fault) for fault in booked.faults]
            events += self._alarm(outcome)
            if outcome.order.status in REFUSED:
                said = f"{_named(outcome.order)} was {outcome.order.status.lower()}: {outcome.text}"
                events.append(self._event(Severity.WARNING, f"ORDER_{outcome.order.status}", said))
            self._save(connection, events)
            goes_on = self._under_way.next_attempt(connection, outcome, self._stepper.fleet)
            self._under_way.took(outcome)
            self._under_way.mark(self._stepper.fleet)
            self._books.save_states(connection)
        if outcome.order.is_over and outcome.order.status not in REFUSED:
            why = f": {outcome.text}" if outcome.text else ""
            log.info(
                "%s on %s is %s%s", _named(outcome.order), outcome.order.account, outcome.order.status.lower(), why
            )
        if goes_on is not None:
            self._under_way.go_on(goes_on)
            self._under_way.mark(self._stepper.fleet)
        is_late = bool(booked.shares) and self._flatten_late()
        return goes_on is not None or is_late

    def _flatten_late(self) -> bool:
        """Close what came of orders that were on their way when their bots were flattened; say whether any did."""
        fleet = self._stepper.fleet
        late = [bot for bot in fleet.bots if bot.level == Level.FLATTEN and bot.unresolved == 0]
        if all(is_flat(bot, fleet.markets[bot.market]) for bot in late):
            return False
        now_ms = self._clock.now_ms()
        rows = self._stepper.close_positions(now_ms)
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, now_ms)
            self._books.save_step(connection, rows, self._books.book(rows.fills), [], [])
            self._under_way.save(connection, rows.new_orders)
        self._under_way.leave(rows.new_orders)
        self._under_way.mark(fleet)
        return bool(rows.new_orders)

    def _reconcile(self, reading: Reading) -> None:
        """Hold the books to what a pass over an account found, and book what it found of our orders."""
        now_ms, fleet = self._clock.now_ms(), self._stepper.fleet
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, now_ms)
            reconciled = self._under_way.reconcile(connection, reading)
            events = [self._event(said.severity, said.kind, said.sentence) for said in reconciled.said]
            for flow_id, amount in reconciled.money:
                transfer = book_money(fleet, float(amount), now_ms)
                save_transfers(connection, self._books.portfolio_id, [transfer])
                said = f"account {reconciled.account}: {amount:+f} by the exchange's ledger ({flow_id})"
                events.append(self._event(Severity.INFO, f"{transfer.kind}_FOUND", said))
            self._save(connection, events)
            self._under_way.mark(fleet)
            self._books.save_states(connection)
        for name, trades in reconciled.trades.items():
            outcome = self._under_way.late(name, trades)
            if outcome is not None:
                self._take(outcome)

    def _alarm(self, outcome: Outcome) -> list[EventRow]:
        """Set the level that an outcome asks for, each cause once; that no order leaves for the clock is told once."""
        account = outcome.order.account
        if outcome.alarm == CLOCK:
            is_known = account in self._clock_off
            self._clock_off.add(account)
            said = f"no order leaves: {outcome.text}"
            return [] if is_known else [self._event(Severity.ERROR, "CLOCK_OFF", said)]
        if outcome.exchange_id is not None:
            self._clock_off.discard(account)
        if not outcome.alarm:
            return []
        portfolio = self._stepper.fleet.portfolio
        name = f"level_{outcome.alarm.lower()}" if outcome.alarm != "KEY" else "level_reconciliation"
        if getattr(portfolio, name):
            return []
        setattr(portfolio, name, int(Level.NO_ENTRIES))
        set_levels(portfolio, self._stepper.fleet.sleeves, self._stepper.fleet.bots)
        said = f"no entries until a person releases the cause {name.removeprefix('level_').upper()}: {outcome.text}"
        return [self._event(Severity.ERROR, f"{outcome.alarm}_TRIPPED", said)]

    def _tell(self, order: LiveOrder) -> None:
        since_ms = order.unknown_since_ms or 0
        for_long = format_duration(self._clock.monotonic_ms() - since_ms)
        said = f"nothing has been known of {_named(order)} for {for_long}; it is looked up until its fate is proved"
        with transaction(self._engine) as connection:
            self._save(connection, [self._event(Severity.ERROR, "ORDER_UNKNOWN", said)])

    def _event(self, severity: Severity, kind: str, sentence: str) -> EventRow:
        log.log(logging.INFO if severity is Severity.INFO else logging.WARNING, "%s", sentence)
        now_ms = self._clock.now_ms()
        # Before the first step there is no time of a bar.
        return EventRow(self._stepper.fleet.portfolio.time_ms or now_ms, now_ms, severity, kind, sentence)

    def _save(self, connection: Connection, events: list[EventRow]) -> None:
        save_events(connection, self._books.portfolio_id, events)


def _named(order: LiveOrder) -> str:
    return f"order {order.client_order_id} ({order.side.lower()} {order.quantity:f} {order.symbol})"
