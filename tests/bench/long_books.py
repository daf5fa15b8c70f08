"""Books of a fleet that has run for two years, made in a minute or two: a project folder to serve and to step on.

A real worker opens them; the compiled step then decides every bar of a simulated market, what it leaves is written in
bulk as the worker writes it, people ask for things once a week, and a real worker steps the last bars live. So the
books are those of a fleet that traded, to the last digit: `flotilla doctor` finds nothing, and a worker goes on.
"""

import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.clock import ManualClock
from shared.database import open_writer, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.settings import FILE_NAME, Settings, load_settings
from shared.tables.commands import ask
from shared.units import DAY_MS, parse_time_ms
from tests.bench.long_curves import save_curves
from tests.bench.long_ledger import Ledger, keep_ledger
from tests.bench.long_rows import save_candles, save_decisions, save_happenings, save_money, save_trading
from tests.bench.long_steps import Steps, step_through
from worker.build import candles_name, make_worker
from worker.live.worker import LiveWorker
from worker.market.simulated import SimulatedMarket
from worker.research.candles import Grid, lay_on_grid
from worker.research.columns import make_columns

ROUND_TRIPS, FILLS, POINTS = 100_000, 1_000_000, 10_000_000
SYMBOLS = 48
START = "2024-01-01"
SETTINGS = """
[portfolio]
symbols = {symbols}
capital_per_bot = 10000.0
[market]
seed = 7
start = "{start}"
history_days = 0
bar_seconds = {bar_seconds}
[broker]
fee_rate = 0.0004
slippage = 0.0002
[risk]
resize = true
resize_band = 0.052
[dashboard]
port = {port}
"""
LONG_GRIDS = """
[strategies.mean_reversion]
grid = [[40, 2.0], [60, 2.0], [100, 2.5], [150, 2.5]]
[strategies.breakout]
grid = [[36], [72], [168]]
[strategies.trend_following]
grid = [[10, 50], [20, 100], [30, 150], [50, 200]]
"""
BOTS_PER_SYMBOL, SLEEVES = 11, 3
YEAR_SYMBOLS = 3
# What such a bot makes in a day, a little less than was measured.
DAILY_ROUND_TRIPS, DAILY_FILLS = 0.25, 2.5
# Rows a day of a bot (hours and the day), and of a sleeve or the portfolio, which keep every step too.
DAILY_BOT_POINTS, DAILY_SCOPE_POINTS = 25, 49
# How often a bar does not come, but for the first and last days, and how often people look after the fleet.
MISSING_CHANCE, WHOLE_DAYS = 0.001, 12
HOURS_A_WEEK = 168
# Stepped by a real worker at the end.
LIVE_BARS = 30


def make_long_books(
    root: Path,
    round_trips: int = ROUND_TRIPS,
    fills: int = FILLS,
    points: int = POINTS,
    bar_seconds: float = 5.0,
    port: int = 8501,
) -> float:
    """Make a project folder with at least so many rows in its books, and give the seconds that took.

    The fleet has 528 bots on 48 symbols for the full size, fewer for fewer points. The worker is stopped and goes on
    at `bar_seconds` wall seconds a bar.
    """
    size = fleet_size(round_trips, fills, points)
    return _make_books(root, size, LONG_GRIDS, bar_seconds, port, (round_trips, fills))


def make_year_books(root: Path, days: int = 365) -> float:
    """Make the books of a year of the default fleet, 27 bots on 3 symbols, and give the seconds that took."""
    return _make_books(root, Size(YEAR_SYMBOLS, days), "", 5.0, 8501, (1, 1))


def _make_books(root: Path, size: "Size", grids: str, bar_seconds: float, port: int, least: tuple[int, int]) -> float:
    began = time.perf_counter()
    root.mkdir(parents=True, exist_ok=True)
    names = json.dumps([f"C{number:02d}/USDT" for number in range(size.symbols)])
    asked = SETTINGS.format(symbols=names, start=START, bar_seconds=bar_seconds, port=port) + grids
    (root / FILE_NAME).write_text(asked)
    settings = load_settings(root / FILE_NAME, {})
    clock = ManualClock(parse_time_ms(START))
    _History(settings, root, clock, size.days).write(*least)
    _step_live(settings, root, clock)
    open_writer(settings.database.url, root).dispose()
    return time.perf_counter() - began


def hold_books(root: Path) -> tuple[int, int]:
    """Give how many identities `flotilla doctor` held against the books, and how many failed."""
    command = [sys.executable, "-m", "worker", "doctor", "--json"]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    if not said.stdout:
        raise RuntimeError(f"flotilla doctor must look at the books, said {said.stderr[-1000:]}")
    findings = json.loads(said.stdout)
    return len(findings), sum(not finding["holds"] for finding in findings)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet is and how long it has run."""

    symbols: int
    days: int


def fleet_size(round_trips: int, fills: int, points: int) -> Size:
    """Say which fleet has made so many rows in which time; a smaller one has both fewer bots and fewer days."""
    symbols = max(3, min(SYMBOLS, round(SYMBOLS * math.sqrt(points / POINTS))))
    bots = symbols * BOTS_PER_SYMBOL
    daily_points = bots * DAILY_BOT_POINTS + (SLEEVES + 1) * DAILY_SCOPE_POINTS
    days = max(
        points / daily_points,
        fills / (bots * DAILY_FILLS),
        round_trips / (bots * DAILY_ROUND_TRIPS),
    )
    return Size(symbols, 2 * WHOLE_DAYS + 1 + math.ceil(days) if days < 90 else math.ceil(days))


class _History:
    """One fleet and its history up to the last bars."""

    def __init__(self, settings: Settings, root: Path, clock: ManualClock, days: int) -> None:
        self._settings = settings
        self._clock = clock
        self._worker = make_worker(settings, root, lambda: settings, clock)
        self._worker.recover(False)
        self._engine = self._worker._engine
        self._books = self._worker._books
        self._people = open_writer(settings.database.url, root)
        self._grid = _make_grid(settings, self._worker._plan.symbols, days)

    def write(self, round_trips: int, fills: int) -> None:
        """Step through it and write what came of it."""
        worker, books, plan = self._worker, self._books, self._worker._plan
        columns = make_columns(self._settings, plan, self._grid, {})
        steps = step_through(worker._fleet, columns, self._look_after, HOURS_A_WEEK)
        self._pass_until(steps.close_ms[-1].item())
        ledger = keep_ledger(steps, books._positions())
        for what, wanted, made in (("round trips", round_trips, ledger.trips), ("fills", fills, steps.fills)):
            if len(made) < wanted:
                raise RuntimeError(f"a long history must have {wanted:,} {what}, had {len(made):,}")
        save_trading(self._engine, books, plan, self._settings.portfolio.name, steps, ledger)
        save_money(self._engine, books, steps)
        save_decisions(self._engine, books, steps)
        save_happenings(self._engine, books, self._grid, steps)
        save_candles(self._engine, candles_name(self._settings), self._settings.step_ms, self._grid)
        save_curves(self._engine, books, plan, steps, ledger)
        self._save_end(steps, ledger)
        self._people.dispose()
        worker.close()

    def _save_end(self, steps: Steps, ledger: Ledger) -> None:
        """Write what a worker that takes the books up needs."""
        self._books.desk.positions = ledger.positions
        booked = _Touched(set(range(len(ledger.positions))), [])
        with transaction(self._engine) as connection:
            self._books.save_positions(connection, booked)
            self._books.save_states(connection)

    def _pass_until(self, market_ms: int) -> None:
        self._clock.advance_ms(market_ms - self._clock.now_ms())

    def _look_after(self, bar: int) -> None:
        """Do once a week what people do: release what a brake holds, pay in, take out."""
        market_ms = self._grid.open_ms[bar].item()
        self._pass_until(market_ms)
        week = bar // HOURS_A_WEEK
        fleet, registered = self._worker._fleet, self._books.registered
        scopes = [(ScopeKind.PORTFOLIO, "", fleet.portfolio)]
        scopes += [(ScopeKind.SLEEVE, own.name, of) for own, of in zip(registered.sleeves, fleet.sleeves, strict=True)]
        scopes += [(ScopeKind.BOT, own.name, of) for own, of in zip(registered.bots, fleet.bots, strict=True)]
        for kind, name, scope in scopes:
            if scope.level_drawdown:
                self._ask(CommandKind.RELEASE, kind, name, "looked at, let it go on", "ann", cause=Cause.DRAWDOWN)
        if week % 8 == 3:
            self._ask(CommandKind.DEPOSIT, ScopeKind.PORTFOLIO, "", "savings", "ann", amount=25_000.0)
        if week % 8 == 7:
            self._ask(CommandKind.WITHDRAW, ScopeKind.PORTFOLIO, "", "rent", "bo", amount=4_000.0)
        if week % 20 == 10:
            self._ask(CommandKind.WITHDRAW, ScopeKind.PORTFOLIO, "", "all of it", "bo", amount=1e12)
        self._worker._desk.answer_pending(self._engine, self._worker._token, self._clock, market_ms)

    def _ask(
        self,
        kind: CommandKind,
        scope_kind: ScopeKind,
        scope: str,
        reason: str,
        who: str,
        amount: float | None = None,
        cause: Cause | None = None,
    ) -> None:
        now_ms, portfolio_id = self._clock.now_ms(), self._books.portfolio_id
        with transaction(self._people) as connection:
            ask(connection, portfolio_id, kind, scope_kind, scope, reason, who, now_ms, amount, cause)


@dataclass(slots=True)
class _Touched:
    bots: set[int]
    round_trips: list


def _make_grid(settings: Settings, symbols: tuple[str, ...], days: int) -> Grid:
    """Give the bars of the simulated market the worker steps on, some of which do not come."""
    quick = settings.market.model_copy(update={"history_days": days, "bar_seconds": 0.0})
    market = SimulatedMarket(symbols, settings.step_ms, quick, ManualClock())
    start_ms = market.first_open_ms()
    chances = np.random.default_rng(settings.market.seed)
    bars_of = {}
    for symbol in symbols:
        bars = market.fetch_bars(symbol, start_ms, start_ms + days * DAY_MS)
        comes = chances.random(len(bars)) >= MISSING_CHANCE
        comes[: WHOLE_DAYS * 24] = comes[-WHOLE_DAYS * 24 :] = True
        bars_of[symbol] = bars[comes]
    return lay_on_grid(bars_of, settings.step_ms)


def _step_live(settings: Settings, root: Path, clock: ManualClock) -> None:
    """Let a real worker take the books up and step the last bars; somebody pauses a bot meanwhile."""
    worker = make_worker(settings, root, lambda: settings, clock)
    try:
        worker.recover(False)
        for bar in range(LIVE_BARS):
            clock.advance_ms(round(1000 * settings.market.bar_seconds))
            if bar == LIVE_BARS // 2:
                _pause(worker, clock)
            if worker.step_due(lambda: True) != 1:
                raise RuntimeError(f"a worker on the long books must step bar {bar}, did not")
    finally:
        worker.close()


def _pause(worker: LiveWorker, clock: ManualClock) -> None:
    bot = worker._books.registered.bots[1].name
    with transaction(worker._engine) as connection:
        portfolio_id = worker._books.portfolio_id
        ask(connection, portfolio_id, CommandKind.PAUSE, ScopeKind.BOT, bot, "trades the news", "bo", clock.now_ms())
    worker.answer_commands()
