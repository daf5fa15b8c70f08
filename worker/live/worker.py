"""The live worker: takes its books up, steps every closed bar once, answers people, keeps its lease."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import checkpoint, transaction
from shared.enums import BarStatus, BotStatus, Level, ScopeKind, Severity, TransferKind
from shared.errors import MarketError
from shared.settings import Settings
from worker.fleet.plan import (
    FleetPlan,
    check_bounds,
    fresh_bot,
    make_ladder,
    make_rules,
    open_fleet,
    plan_fleet,
    planned_bots,
)
from worker.fleet.plan import window_bars as plan_window_bars
from worker.live.books import Books
from worker.live.commands import CommandDesk
from worker.live.fetching import Fetch
from worker.live.gateway import Gateway
from worker.live.identity import bot_identity, registered_plan
from worker.live.stepper import Stepper, StepRows
from worker.live.windows import Feed, SignalDesk, bar_status
from worker.market.protocol import Market
from worker.risk.levels import set_levels
from worker.step.fleet import fills_per_bar
from worker.step.rebalance import book_flow
from worker.step.records import Fill, Fleet
from worker.store import lease
from worker.store.candles import save_bars
from worker.store.events import EventRow, save_events, save_settings_version
from worker.store.fleet import (
    PortfolioIdentity,
    RegisteredFleet,
    register_fleet,
    set_bot_status,
    set_broker_label,
)
from worker.store.money import TransferRow, save_transfers
from worker.store.states import load_states

log = logging.getLogger(__name__)

# A bar that closed is waited for so long (never longer than a quarter of a bar) before it counts as missing.
PATIENCE_MS = 30_000
# What a retired bot may still hold when its money has been shared out, in quote: less than rounding moves.
RETIRED_QUOTE = 1e-5

NO_LEASE = -1

# What a running worker takes over on SIGHUP; anything else asks for a restart.
RELOADABLE = ("risk", "broker", "allocation")


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the market answered for one bar: how late it was asked, who has no bar, funding rates and next opens."""

    late_ms: int
    missing: list[str]
    funding: dict[str, float]
    opens: dict[str, float]


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
    ) -> None:
        """Put a worker together; `candles` names the market its bars are kept under, None where the market does so."""
        self._settings = settings
        self._market = market
        self._engine = engine
        self._clock = clock
        self._load_settings = load_settings
        self._real_time = real_time
        self._candles = candles
        self._notes: list[str] = []
        self._fetch: Fetch[_Answers | None] | None = None
        self._step_ms = settings.step_ms
        self._token = NO_LEASE
        self._failed_now: list[int] = []
        self._retired: set[int] = set()

    @property
    def wall_bar_ms(self) -> int | None:
        return self._step_ms if self._real_time else None

    def recover(self, crash_brake: bool) -> None:
        """Take the lease and the books up where they are; empty books are opened with the money of the settings."""
        settings = self._settings
        wanted = planned_bots(settings)
        check_bounds(settings, plan_fleet(wanted))
        now_ms = self._clock.now_ms()
        with transaction(self._engine) as connection:
            registered = register_fleet(
                connection, self._identity(), [bot_identity(bot, settings) for bot in wanted], now_ms
            )
            self._token = lease.acquire(connection, registered.portfolio_id, lease.this_process(), now_ms)
            version = save_settings_version(
                connection, registered.portfolio_id, settings.digest(), settings.model_dump_json(), now_ms
            )
            self._open(connection, registered, version)
            if crash_brake:
                self._brake_crashes(connection)
        self._begin()

    def _identity(self) -> PortfolioIdentity:
        portfolio = self._settings.portfolio
        label = f"paper, fee {self._settings.broker.fee_rate:.4%}, slippage {self._settings.broker.slippage:.4%}"
        return PortfolioIdentity(portfolio.name, portfolio.quote, self._step_ms, self._market.label, label)

    def _open(self, connection: Connection, registered: RegisteredFleet, version: int) -> None:
        settings = self._settings
        self._plan = plan_fleet([registered_plan(bot) for bot in registered.bots])
        limits = {symbol: self._market.limits(symbol) for symbol in self._plan.symbols}
        self._fleet = open_fleet(settings, self._plan, limits)
        fresh = load_states(connection, registered, *_records(self._fleet, self._plan))
        for market, (_, symbol) in zip(self._fleet.markets, self._plan.markets, strict=True):
            market.quantity_step, market.min_quantity, market.min_notional = limits[symbol]
        self._books = Books(registered, self._plan, self._fleet, settings.portfolio.quote, version)
        self._books.load_positions(connection)
        self._stepper = Stepper(self._fleet, self._plan, settings.portfolio.name)
        if fresh.portfolio:
            self._fund(connection)
        else:
            for b in fresh.bots:
                self._fleet.bots[b] = fresh_bot(settings, self._plan, self._plan.bots[b], 0.0)
            for s in fresh.sleeves:
                sleeve = self._fleet.sleeves[s]
                sleeve.equity = sleeve.settled_equity = sleeve.high_water = 0.0
        self._resume_orders(connection)
        self._books.save_states(connection)
        self._gateway = Gateway(registered, self._stepper)
        self._desk = CommandDesk(self._fleet, self._plan, self._books, self._stepper)

    def _resume_orders(self, connection: Connection) -> None:
        """Let the orders that wait for their price wait on; a bot that now retires does not enter any more."""
        set_levels(self._fleet.portfolio, self._fleet.sleeves, self._fleet.bots)
        rows = self._stepper.resume(self._books.load_waiting(connection))
        self._books.save_orders(connection, rows)

    def _fund(self, connection: Connection) -> None:
        """Write the money the first start puts in."""
        capital = self._settings.portfolio.capital_per_bot
        time_ms = self._market.first_open_ms()
        rows = [TransferRow(id_, time_ms, 0, TransferKind.DEPOSIT, capital) for id_ in self._books.bot_ids]
        save_transfers(connection, self._books.portfolio_id, rows)

    def _begin(self) -> None:
        portfolio = self._fleet.portfolio
        books_end_ms = portfolio.time_ms + self._step_ms if portfolio.step else None
        self._market.begin(books_end_ms)
        self._next_open_ms = self._market.first_open_ms() if books_end_ms is None else books_end_ms
        settings = self._settings
        self._feed = Feed(self._market, self._plan.symbols, self._step_ms, plan_window_bars(self._plan, self._step_ms))
        markets = zip(self._fleet.markets, self._plan.markets, strict=True)
        closes = {symbol: market.close for market, (_, symbol) in markets}
        self._feed.load_history(self._next_open_ms, closes)
        self._signals = SignalDesk(self._plan, self._step_ms, settings.strategies.hold, settings.portfolio.allow_short)

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
        answers = self._ask(open_ms, interrupted)
        if answers is None:
            return False
        began = time.perf_counter()
        late_ms, opens = answers.late_ms, answers.opens
        self.answer_commands()
        rows = self._decide(open_ms, answers)
        booked = self._books.book(rows.fills)
        marks = self._books.marks()
        taken = len(rows.fills)
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
            self._gateway.send(connection, rows, opens)
            later = self._books.book(rows.fills[taken:])
            booked.bots |= later.bots
            booked.round_trips += later.round_trips
            self._retire(connection, rows)
            self._mark_failed(connection)
            wall_ms = self._clock.now_ms()
            events = self._books.notice_events(rows.notices, wall_ms) + self._failures(rows, wall_ms)
            self._books.save_step(connection, rows, booked, marks, events)
            self._keep_bars(connection, rows)
            lease.renew(connection, self._books.portfolio_id, self._token, wall_ms, self._beat_of(rows, began, late_ms))
        self._next_open_ms = close_ms
        self._report(rows, events)
        return True

    def _ask(self, open_ms: int, interrupted: Callable[[], bool]) -> "_Answers | None":
        """Ask the market for all a step needs; on an exchange in a thread, and commands are answered meanwhile."""
        if not self._real_time:
            return self._ask_now(open_ms)
        if self._fetch is None:
            self._fetch = Fetch(lambda: self._ask_now(open_ms))
        if not self._fetch.wait(interrupted):
            return None
        fetch, self._fetch = self._fetch, None
        return fetch.result()

    def _ask_now(self, open_ms: int) -> "_Answers | None":
        close_ms = open_ms + self._step_ms
        now_ms = self._market.now_ms()
        missing = self._feed.read(open_ms, now_ms, may_fail=self._real_time)
        late_ms = now_ms - close_ms if self._real_time else 0
        is_early = self._real_time and late_ms < min(PATIENCE_MS, self._step_ms // 4)
        if missing and is_early:
            return None
        funding = {symbol: self._funding(symbol, open_ms, is_early) for symbol in self._plan.symbols}
        return _Answers(late_ms, missing, funding, self._market.fetch_opens(close_ms))

    def _decide(self, open_ms: int, answers: "_Answers") -> StepRows:
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
        self._stepper.load_bar(self._feed, statuses, answers.funding)
        rows = self._stepper.close(open_ms)
        rows.statuses = statuses
        return rows

    def _funding(self, symbol: str, open_ms: int, may_wait: bool) -> float:
        """Give the funding of a bar; a rate that cannot be had is not invented, and not waited for for ever."""
        try:
            _, rates = self._market.fetch_funding(symbol, open_ms, open_ms + self._step_ms)
        except MarketError as error:
            if may_wait or not self._real_time:
                raise
            self._notes.append(f"funding of {symbol} is unknown and was not charged: {error}")
            return 0.0
        return math.fsum(rates.tolist())

    def _failures(self, rows: StepRows, wall_ms: int) -> list[EventRow]:
        events = [EventRow(rows.close_ms, wall_ms, Severity.WARNING, "FUNDING_UNKNOWN", note) for note in self._notes]
        self._notes = []
        for b in self._failed_now:
            name, failure = self._plan.bots[b].name, self._signals.failures[self._plan.bots[b].key]
            said = f"bot {name} stopped: its signal failed with {failure}"
            events.append(EventRow(rows.close_ms, wall_ms, Severity.ERROR, "BOT_FAILED", said, ScopeKind.BOT, name))
        return events

    def _mark_failed(self, connection: Connection) -> None:
        for b in self._failed_now:
            failure = self._signals.failures[self._plan.bots[b].key]
            set_bot_status(connection, self._books.bot_ids[b], BotStatus.FAILED, failure, self._clock.now_ms())

    def _retire(self, connection: Connection, rows: StepRows) -> None:
        """Take leave of bots no longer asked for that hold nothing: what rounding left goes to the portfolio."""
        for b, bot in enumerate(self._fleet.bots):
            if bot.retiring == 0 or b in self._retired or bot.quantity != 0.0 or bot.equity != bot.cash:
                continue
            if bot.cash >= RETIRED_QUOTE:
                # Held as an allocation that is to go to 0, so that the next rebalance is worth it and moves it.
                bot.allocation = bot.cash
                continue
            self._retired.add(b)
            amount = bot.cash
            book_flow(self._fleet, bot, -amount)
            self._fleet.portfolio.cash += amount
            ids = (self._books.bot_ids[b], None)
            flows = zip(ids, (-amount, amount), strict=True)
            kind = TransferKind.REBALANCE
            moved = [TransferRow(id_, rows.close_ms, rows.step, kind, flow) for id_, flow in flows if flow != 0.0]
            save_transfers(connection, self._books.portfolio_id, moved)
            status_note = "no longer in the settings, its money was shared out"
            set_bot_status(connection, self._books.bot_ids[b], BotStatus.RETIRED, status_note, self._clock.now_ms())

    def _keep_bars(self, connection: Connection, rows: StepRows) -> None:
        if self._candles is None:
            return
        fresh = [symbol for symbol, status in rows.statuses.items() if status is not BarStatus.MISSING]
        bars = {symbol: self._feed.window(symbol).newest for symbol in fresh}
        save_bars(connection, self._candles, self._step_ms, rows.open_ms, bars)

    def _beat_of(self, rows: StepRows, began: float, late_ms: int) -> lease.Beat:
        seconds = self._market.seconds_until(rows.close_ms + self._step_ms)
        wall_ms = self._clock.now_ms()
        due_ms = None if math.isinf(seconds) else wall_ms + round(1000 * seconds)
        duration_ms = 1000.0 * (time.perf_counter() - began)
        return lease.Beat(rows.step, rows.close_ms, wall_ms, duration_ms, float(late_ms), due_ms)

    def _report(self, rows: StepRows, events: list[EventRow]) -> None:
        for event in events:
            log.log(logging.WARNING if event.severity is not Severity.INFO else logging.INFO, "%s", event.message)
        missing = [symbol for symbol, status in rows.statuses.items() if status is not BarStatus.FRESH]
        if missing:
            log.warning("step %d: no fresh bar of %s", rows.step, ", ".join(missing))
        if rows.fills:
            log.info("step %d: %d fills, equity %.2f", rows.step, len(rows.fills), self._fleet.portfolio.equity)

    def answer_commands(self) -> int:
        """Take and answer what people asked."""
        return self._desk.answer_pending(self._engine, self._token, self._clock, self._market_ms())

    def _market_ms(self) -> int:
        """The market time between two bars: never before the last close, never after the next."""
        return max(self._next_open_ms, min(self._market.now_ms(), self._next_open_ms + self._step_ms - 1))

    def seconds_until_due(self) -> float:
        return self._market.seconds_until(self._next_open_ms + self._step_ms)

    def reload(self) -> list[str]:
        """Take over the settings that may change while running; the rest is refused by name."""
        fresh = self._load_settings()
        if fresh.profile != self._settings.profile:
            return ["profile needs a restart: nothing was taken over"]
        changed, refused, values = [], [], {}
        for section in type(fresh).model_fields:
            before, after = getattr(self._settings, section), getattr(fresh, section)
            if before == after:
                continue
            if section in RELOADABLE:
                values[section] = after
                changed.append(f"{section}: {_difference(before, after)}")
            else:
                refused.append(f"{section} needs a restart and was left as it was")
        if not values:
            return refused
        settings = self._settings.model_copy(update=values)
        check_bounds(settings, self._plan)
        self._settings = settings
        self._fleet = take_over(self._fleet, self._plan, settings)
        self._stepper.fleet = self._fleet
        self._desk.fleet = self._fleet
        with transaction(self._engine) as connection:
            now_ms = self._clock.now_ms()
            lease.renew(connection, self._books.portfolio_id, self._token, now_ms)
            version = save_settings_version(
                connection, self._books.portfolio_id, settings.digest(), settings.model_dump_json(), now_ms
            )
            self._books.settings_version_id = version
            set_broker_label(connection, self._books.portfolio_id, self._identity().broker_label)
            self._save_event(connection, Severity.INFO, "SETTINGS_CHANGED", "; ".join(changed))
        return changed + refused

    def record(self, sentence: str) -> None:
        with transaction(self._engine) as connection:
            self._save_event(connection, Severity.WARNING, "WORKER_NOTE", sentence)

    def _save_event(self, connection: Connection, severity: Severity, kind: str, sentence: str) -> None:
        portfolio = self._fleet.portfolio
        market_ms = portfolio.time_ms + self._step_ms if portfolio.step else self._market.first_open_ms()
        row = EventRow(market_ms, self._clock.now_ms(), severity, kind, sentence)
        save_events(connection, self._books.portfolio_id, [row])

    def beat(self) -> None:
        with transaction(self._engine) as connection:
            lease.renew(connection, self._books.portfolio_id, self._token, self._clock.now_ms())
        # Done while there is time, or a step would have to.
        checkpoint(self._engine)

    def close(self) -> None:
        if self._token != NO_LEASE:
            with transaction(self._engine) as connection:
                lease.release(connection, self._books.portfolio_id, self._token)
        self._engine.dispose()


def take_over(fleet: Fleet, plan: FleetPlan, settings: Settings) -> Fleet:
    """Give the fleet under other settings of risk, broker and allocation; its records stay the same objects."""
    allocation = settings.allocation
    for bot, planned in zip(fleet.bots, plan.bots, strict=True):
        bot.fixed_weight = allocation.bot_weights.get(planned.name, 1.0)
    for sleeve, name in zip(fleet.sleeves, plan.sleeves, strict=True):
        sleeve.fixed_weight = allocation.sleeve_weights.get(name, 1.0)
    ladder = make_ladder(settings)
    room = 2 * fills_per_bar(len(fleet.bots), len(ladder)) - len(fleet.fills)
    fills = fleet.fills + [Fill() for _ in range(room)]
    return fleet._replace(rules=make_rules(settings), ladder=ladder, fills=fills)


def _records(fleet: Fleet, plan: FleetPlan) -> tuple:
    return fleet.portfolio, fleet.sleeves, fleet.bots, plan.markets, fleet.markets


def _difference(before: BaseModel, after: BaseModel) -> str:
    old, new = before.model_dump(), after.model_dump()
    return ", ".join(f"{name} {old[name]} → {new[name]}" for name in old if old[name] != new[name])
