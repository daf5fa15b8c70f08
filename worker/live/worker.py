"""The live worker: takes its books up, steps every closed bar once, answers people, keeps its lease."""

import logging
import math
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import checkpoint, transaction
from shared.database_file import watch_file
from shared.enums import BarStatus, BotStatus, Cause, Level, ScopeKind, Severity
from shared.settings import Settings
from worker.brokers.paper import PaperBroker
from worker.brokers.protocol import Broker
from worker.fleet.accounts import asked_across
from worker.fleet.idle import idle_settings
from worker.fleet.plan import check_bounds, plan_fleet, planned_bots
from worker.fleet.plan import window_bars as plan_window_bars
from worker.live.absences import Absences
from worker.live.catch_up import CatchUp
from worker.live.clock_news import ClockNews
from worker.live.commands import CommandDesk
from worker.live.fetching import Answers, Questions
from worker.live.gateway import Gateway
from worker.live.identity import bot_identity, portfolio_identity
from worker.live.reload import change, take_over
from worker.live.retirement import Retirement
from worker.live.start import known_limits, take_up
from worker.live.stepper import StepRows
from worker.live.traffic import Traffic
from worker.live.windows import Feed, SignalDesk, bar_status
from worker.market.protocol import Market
from worker.orders.under_way import NothingUnderWay, UnderWay
from worker.risk.levels import set_levels
from worker.store import lease
from worker.store.candles import Candles, save_bars
from worker.store.events import EventRow, save_events, save_settings_version
from worker.store.fleet import (
    PortfolioIdentity,
    RegisteredFleet,
    register_fleet,
    set_bot_status,
    set_broker_label,
)
from worker.store.lease_keeper import LeaseKeeper
from worker.store.trace import Last, Trace, last_of, require_same_books

log = logging.getLogger(__name__)

NO_LEASE = -1


class LiveWorker:
    """What the process drives: see `worker.process.loop.Worker` for each call."""

    def __init__(
        self,
        settings: Settings,
        market: Market,
        engine: Engine,
        clock: Clock,
        load_settings: Callable[[], Settings],
        real_time: bool,
        candles: str | None = None,
        broker: Broker | None = None,
        under_way: UnderWay | None = None,
        keeper: LeaseKeeper | None = None,
    ) -> None:
        """Put a worker together; `candles` names the market its bars are kept under, None where the market does so.

        Without a broker orders are paper, and nothing of them is ever under way. Without a `keeper` the lease is
        renewed by steps and beats alone.
        """
        self._settings = settings
        self._market = market
        self._engine = engine
        self._clock = clock
        self._load_settings = load_settings
        self._real_time = real_time
        self._candles = candles
        self._broker = broker or PaperBroker()
        self._under_way = under_way or NothingUnderWay()
        self._keeper = keeper
        self._step_ms = settings.step_ms
        self._token = NO_LEASE
        self._failed_now: list[int] = []
        self._clock_news = ClockNews(clock)
        self._catch_up = CatchUp()
        self._file = watch_file(engine)
        self._trace = Trace.of_engine(engine, settings.portfolio.name)

    @property
    def wall_bar_ms(self) -> int | None:
        return self._step_ms if self._real_time else None

    def recover(self, crash_brake: bool) -> None:
        """Take the lease and the books up where they are; empty books are opened with the money of the settings."""
        settings = self._settings
        wanted = planned_bots(settings)
        check_bounds(settings, plan_fleet(wanted))
        me = lease.this_process()
        stood_still_ms = lease.watch(self._engine, settings.portfolio.name, me, self._clock)
        loss = require_same_books(self._engine, settings.portfolio.name)
        now_ms = self._clock.now_ms()
        with transaction(self._engine) as connection:
            registered = register_fleet(
                connection, self._identity(), [bot_identity(bot, settings) for bot in wanted], now_ms
            )
            self._token = lease.acquire(connection, registered.portfolio_id, me, now_ms, stood_still_ms=stood_still_ms)
            version = save_settings_version(
                connection, registered.portfolio_id, settings.digest(), settings.model_dump_json(), now_ms
            )
            self._open(connection, registered, version)
            self._under_way.take_up(connection, registered, self._plan, self._fleet, self._token)
            self._under_way.mark(self._fleet)
            if crash_brake:
                self._brake_crashes(connection)
            self._say_idle(connection)
            for kind, sentences in (("BOOKS_BEHIND", filter(None, [loss])), ("ACCOUNT", self._under_way.warnings)):
                for sentence in sentences:
                    log.warning("%s", sentence)
                    self._save_event(connection, Severity.WARNING, kind, sentence)
            mark = self._file.mark(connection)
            begun = last_of(connection, settings.portfolio.name)
        self._created_ms = begun.created_ms if begun is not None else 0
        self._file.begin()
        self._keep_trace(mark)
        if self._keeper is not None:
            self._keeper.start(self._books.portfolio_id, self._token)
        if stood_still_ms is not None:
            # An order of the worker before may still arrive.
            self._clock.sleep(self._under_way.arrives_within_ms / 1000)
        self._under_way.resume()
        # Before anybody asks for what is on its way already.
        self._under_way.mark(self._fleet)
        self._begin()

    def _identity(self) -> PortfolioIdentity:
        return portfolio_identity(self._settings, self._market.label)

    def _open(self, connection: Connection, registered: RegisteredFleet, version: int) -> None:
        start = take_up(connection, self._settings, self._market, registered, version, self._broker)
        self._plan, self._fleet, self._books, self._stepper = start.plan, start.fleet, start.books, start.stepper
        self._gateway = Gateway(registered, start.stepper)
        money = self._settings.portfolio.money
        self._desk = CommandDesk(start.fleet, start.plan, start.books, start.stepper, money, self._under_way)
        self._traffic = Traffic(self._under_way, start.stepper, start.books, self._engine, self._clock, self._token)
        self._retirement = Retirement(start.books)
        self._absences = Absences(start.plan)

    def _begin(self) -> None:
        portfolio = self._fleet.portfolio
        # A bar whose exits have left and that was not decided yet is decided now.
        length_ms = 0 if portfolio.begun else self._step_ms
        books_end_ms = portfolio.time_ms + length_ms if portfolio.step else None
        self._market.begin(books_end_ms)
        self._next_open_ms = self._market.first_open_ms() if books_end_ms is None else books_end_ms
        last_ms, symbols = self._next_open_ms - self._step_ms, self._plan.symbols
        self._stepper.untraded = frozenset(symbol for symbol in symbols if self._market.ended(symbol, last_ms))
        settings = self._settings
        self._feed = Feed(self._market, self._plan.symbols, self._step_ms, plan_window_bars(self._plan, self._step_ms))
        markets = zip(self._plan.series, self._fleet.markets, strict=True)
        closes = {symbol: market.close for symbol, market in markets}
        log.info("reading the history of %d symbols", len(self._plan.symbols))
        self._feed.load_history(self._next_open_ms, closes, self._clock.sleep if self._real_time else None)
        self._keep_history()
        self._questions = Questions(self._market, self._feed, self._plan.symbols, self._step_ms, self._real_time)
        self._signals = SignalDesk(self._plan, self._step_ms, settings.strategies.hold, settings.portfolio.allow_short)

    def _keep_history(self) -> None:
        """Keep the bars the first signals are made of: who asks later what a strategy saw needs them."""
        if self._candles is not None:
            kept = Candles(self._engine, self._candles)
            for symbol in self._plan.symbols:
                kept.save(symbol, self._step_ms, self._feed.window(symbol).bars())

    def _brake_crashes(self, connection: Connection) -> None:
        self._fleet.portfolio.level_crashes = int(Level.NO_ENTRIES)
        set_levels(self._fleet.portfolio, self._fleet.sleeves, self._fleet.bots)
        self._books.save_orders(connection, self._stepper.take_back(self._fleet.portfolio.time_ms + self._step_ms))
        self._books.save_states(connection)
        sentence = "the worker crashed again and again: no entries until a person releases the cause CRASHES"
        self._save_event(connection, Severity.ERROR, "CRASHES_TRIPPED", sentence)

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        """Step every closed bar that is not in the books yet, each in a transaction of its own."""
        steps = 0
        while self._market.seconds_until(self._next_open_ms + self._step_ms) <= 0.0:
            if not self._step(interrupted):
                break
            steps += 1
            if interrupted():
                break
        return steps

    def _step(self, interrupted: Callable[[], bool]) -> bool:
        """Step the next bar; false where it is not there yet and may still come, or the wait for it was interrupted."""
        open_ms, close_ms = self._next_open_ms, self._next_open_ms + self._step_ms
        # Nothing that may fail is asked of the market once the fleet has begun to change.
        answers = self._questions.ask(open_ms, interrupted, self._stepper.resting())
        if answers is None:
            return False
        began = time.perf_counter()
        late_ms, opens = answers.late_ms, answers.opens
        self.answer_commands()
        self._take_bar(open_ms, answers)
        exits = self._stepper.ask_exits(open_ms)
        if exits.new_orders:
            self._traffic.send_exits(exits)
        rows = self._decide(open_ms)
        booked = self._books.book(rows.fills)
        marks = self._books.marks()
        taken = len(rows.fills)
        self._traffic.look()
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
            self._gateway.send(connection, rows, opens)
            later = self._books.book(rows.fills[taken:])
            booked.bots |= later.bots
            booked.round_trips += later.round_trips
            wall_ms = self._clock.now_ms()
            self._retirement.settle(connection, self._fleet, rows, wall_ms)
            self._mark_failed(connection)
            self._mark_bankrupt(connection, rows)
            events = self._books.notice_events(rows.notices, wall_ms)
            events += self._failures(rows, answers.unknown_funding, wall_ms)
            events += self._asked_across(rows, wall_ms)
            events += self._absences.news(self._fleet, answers.missing, rows.close_ms, wall_ms)
            self._books.save_step(connection, rows, booked, marks, events)
            self._under_way.save(connection, rows.new_orders)
            self._keep_bars(connection, rows)
            lease.renew(connection, self._books.portfolio_id, self._token, wall_ms, self._beat_of(rows, began, late_ms))
            mark = self._file.mark(connection)
            self._file.check()
        self._keep_trace(mark)
        self._next_open_ms = close_ms
        self._stepper.untraded = frozenset(symbol for symbol, why in answers.missing.items() if why)
        self._report(rows, events)
        self._traffic.leave(rows)
        return True

    def _take_bar(self, open_ms: int, answers: Answers) -> None:
        """Put the bar that closed, and what the strategies say of it, into the records."""
        self._feed.advance(open_ms)
        late_bars = answers.late_ms / self._step_ms
        statuses = {
            symbol: bar_status(symbol in answers.missing, late_bars, self._settings.worker.late_bars)
            for symbol in self._plan.symbols
        }
        self._signals.fill(self._feed, self._fleet.signals)
        self._failed_now = []
        for b, (bot, plan) in enumerate(zip(self._fleet.bots, self._plan.bots, strict=True)):
            if plan.key in self._signals.failures and bot.failed == 0:
                bot.failed = 1
                bot.level_crashes = int(Level.NO_ENTRIES)
                self._failed_now.append(b)
        self._statuses = statuses
        self._stepper.load_bar(self._feed, statuses, answers.funding)
        self._stepper.load_patience(answers.finest, self._settings.resting_ms)

    def _decide(self, open_ms: int) -> StepRows:
        rows = self._stepper.close(open_ms)
        rows.statuses = self._statuses
        return rows

    def _failures(self, rows: StepRows, unknown_funding: list[str], wall_ms: int) -> list[EventRow]:
        events = [
            EventRow(rows.close_ms, wall_ms, Severity.WARNING, "FUNDING_UNKNOWN", said) for said in unknown_funding
        ]
        for b in self._failed_now:
            name, failure = self._plan.bots[b].name, self._signals.failures[self._plan.bots[b].key]
            said = f"bot {name} stopped: its signal failed with {failure}"
            events.append(EventRow(rows.close_ms, wall_ms, Severity.ERROR, "BOT_FAILED", said, ScopeKind.BOT, name))
        return events

    def _asked_across(self, rows: StepRows, wall_ms: int) -> list[EventRow]:
        accounts = self._fleet.accounts
        asked, equity = [account.asked for account in accounts], [account.equity for account in accounts]
        said = asked_across(self._plan.accounts, asked, equity, self._settings.portfolio.money)
        if not (said and rows.rebalanced):
            return []
        return [EventRow(rows.close_ms, wall_ms, Severity.INFO, "ALLOCATION_ASKS", said)]

    def _mark_bankrupt(self, connection: Connection, rows: StepRows) -> None:
        for notice in rows.notices:
            if notice.cause == Cause.BANKRUPT:
                bot_id, note = self._books.bot_ids[notice.scope], "its money is gone"
                set_bot_status(connection, bot_id, BotStatus.FAILED, note, self._clock.now_ms())

    def _mark_failed(self, connection: Connection) -> None:
        for b in self._failed_now:
            failure = self._signals.failures[self._plan.bots[b].key]
            set_bot_status(connection, self._books.bot_ids[b], BotStatus.FAILED, failure, self._clock.now_ms())

    def _keep_bars(self, connection: Connection, rows: StepRows) -> None:
        if self._candles is None:
            return
        fresh = [symbol for symbol, status in rows.statuses.items() if status is not BarStatus.MISSING]
        bars = {symbol: self._feed.window(symbol).newest for symbol in fresh}
        save_bars(connection, self._candles, self._step_ms, rows.open_ms, bars)

    def _beat_of(self, rows: StepRows, began: float, late_ms: int) -> lease.Beat:
        seconds = self._market.seconds_until(rows.close_ms + self._step_ms)
        wall_ms = self._clock.now_ms()
        due_ms = None if math.isinf(seconds) else wall_ms + round(1000 * max(seconds, 0.0))
        duration_ms = 1000.0 * (time.perf_counter() - began)
        # What is written from here on is of the clock as it is now.
        self._clock_news.look()
        ahead_ms = self._market.ahead_ms()
        left = self._catch_up.after_step(self._market.now_ms(), rows.close_ms, self._step_ms)
        return lease.Beat(rows.step, rows.close_ms, wall_ms, duration_ms, float(late_ms), due_ms, ahead_ms, *left)

    def _report(self, rows: StepRows, events: list[EventRow]) -> None:
        for event in events:
            log.log(logging.WARNING if event.severity is not Severity.INFO else logging.INFO, "%s", event.message)
        missing = [symbol for symbol, status in rows.statuses.items() if status is not BarStatus.FRESH]
        if missing:
            log.warning("step %d: no fresh bar of %s", rows.step, ", ".join(missing))
        if rows.fills:
            equity = self._settings.portfolio.money.amount(self._fleet.portfolio.equity)
            log.info("step %d: %d fills, equity %s", rows.step, len(rows.fills), equity)

    def answer_commands(self) -> int:
        """Take over what became known of orders, then take and answer what people asked."""
        self._file.check()
        self._traffic.tend()
        return self._desk.answer_pending(self._engine, self._token, self._clock, self._market_ms())

    def _market_ms(self) -> int:
        """The market time between two bars: never before the last close, never after the next."""
        return max(self._next_open_ms, min(self._market.now_ms(), self._next_open_ms + self._step_ms - 1))

    def seconds_until_due(self) -> float:
        return self._market.seconds_until(self._next_open_ms + self._step_ms)

    def reload(self) -> list[str]:
        """Take over the settings that may change while running; the rest is refused by name."""
        before = self._under_way.in_force(self._settings)
        taken = change(before, self._load_settings(), self._under_way.refuse_ramp)
        if not taken.changed:
            return taken.refused
        settings = taken.settings
        # All that may refuse comes before anything is taken over.
        check_bounds(settings, self._plan)
        self._fleet = take_over(self._fleet, self._plan, settings, known_limits(self._market, self._plan.symbols))
        self._settings = settings
        self._stepper.fleet = self._fleet
        self._desk.fleet = self._fleet
        with transaction(self._engine) as connection:
            now_ms = self._clock.now_ms()
            lease.renew(connection, self._books.portfolio_id, self._token, now_ms)
            version = save_settings_version(
                connection, self._books.portfolio_id, settings.digest(), settings.model_dump_json(), now_ms
            )
            self._books.settings_version_id = version
            self._under_way.take_over(connection, settings)
            self._under_way.mark(self._fleet)
            set_broker_label(connection, self._books.portfolio_id, self._identity().broker_label)
            self._save_event(connection, Severity.INFO, "SETTINGS_CHANGED", "; ".join(taken.changed))
            self._say_idle(connection)
        return taken.changed + taken.refused

    def _say_idle(self, connection: Connection) -> None:
        """Tell of what a person set and what does nothing."""
        for sentence in idle_settings(self._settings, self._plan):
            log.warning("%s", sentence)
            self._save_event(connection, Severity.WARNING, "SETTING_IDLE", sentence)

    def record(self, sentence: str) -> None:
        with transaction(self._engine) as connection:
            self._save_event(connection, Severity.WARNING, "WORKER_NOTE", sentence)

    def _save_event(self, connection: Connection, severity: Severity, kind: str, sentence: str) -> None:
        portfolio = self._fleet.portfolio
        market_ms = portfolio.time_ms + self._step_ms if portfolio.step else self._market.first_open_ms()
        row = EventRow(market_ms, self._clock.now_ms(), severity, kind, sentence)
        save_events(connection, self._books.portfolio_id, [row])

    def beat(self) -> None:
        moved_ms = self._clock_news.look()
        self._file.check()
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
            lease.follow_clock(connection, self._books.portfolio_id, self._token, moved_ms, self._market.ahead_ms())
            if said := self._clock_news.tell():
                log.warning("%s", said)
                self._save_event(connection, Severity.WARNING, "CLOCK_SET", said)
            self._under_way.keep(connection)
            mark = self._file.mark(connection)
            self._file.check()
        self._keep_trace(mark)
        # Done while there is time, or a step would have to.
        checkpoint(self._engine)
        self._file.check()

    def _keep_trace(self, mark: int) -> None:
        portfolio = self._fleet.portfolio
        self._trace.write(Last(mark, portfolio.step, portfolio.time_ms, self._created_ms))

    def close(self) -> None:
        self._under_way.close()
        if self._keeper is not None:
            self._keeper.stop()
        try:
            # What is written to a file that is lost nobody sees.
            if self._token != NO_LEASE and not self._file.is_lost:
                with transaction(self._engine) as connection:
                    lease.release(connection, self._books.portfolio_id, self._token)
        finally:
            self._engine.dispose()
            self._file.close()
