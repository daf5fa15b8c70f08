"""A live worker within the process of a test: a small fleet, candles from memory, a database in a folder of its own."""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from shared.clock import Clock, ManualClock
from shared.database import open_writer, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.migrations.upgrade import upgrade
from shared.settings import Settings, load_settings
from shared.tables.commands import ask
from tests.live.fake_market import STEP_MS, FakeMarket
from worker.fleet.plan import FleetPlan, plan_fleet, planned_bots
from worker.live.worker import LiveWorker
from worker.market.protocol import FinestBars, Limits
from worker.research.candles import funding_per_bar, lay_on_grid
from worker.research.replay import Replay, replay_fleet
from worker.step.forms import to_records
from worker.step.records import Bot
from worker.step.scopes import Portfolio, Sleeve
from worker.strategies.bars import Bars

URL = "sqlite:///flotilla.db"
SYMBOLS = ("AAA/USDT", "BBB/USDT")
# Wall time of the tests, long after their candles.
WALL_MS = 1_800_000_000_000

# Short windows, so that bots trade within a few hundred bars of five minutes.
SMALL_FLEET = (
    "portfolio.timeframe=5m",
    f"portfolio.symbols={list(SYMBOLS)}",
    "strategies.mean_reversion.grid=[[6, 1.0], [12, 1.2]]",
    "strategies.breakout.grid=[[6]]",
    "strategies.trend_following.grid=[[3, 9]]",
    f"database.url={URL}",
)


def small_settings(*overrides: str) -> Settings:
    """Give the settings of a fleet of eight bots on two symbols."""
    return load_settings(None, {}, (*SMALL_FLEET, *overrides))


_template: list[Path] = []
_making = threading.Lock()


def make_database(root: Path) -> None:
    """Make an empty database with all tables; the migrations run once for all tests."""
    with _making:
        if not _template:
            folder = Path(tempfile.mkdtemp(prefix="flotilla-test-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            upgrade(URL, folder)
            _template.append(folder / "flotilla.db")
    if not (root / "flotilla.db").exists():
        root.mkdir(parents=True, exist_ok=True)
        shutil.copy(_template[0], root / "flotilla.db")


@dataclass
class Place:
    """Where a worker runs: settings, market and database; `open` starts a worker on it as a new process would."""

    root: Path
    settings: Settings
    market: FakeMarket
    clock: Clock = field(default_factory=lambda: ManualClock(WALL_MS))
    real_time: bool = False
    steps: int = 0
    engine_hook: Callable[[Engine], None] | None = None

    def __post_init__(self) -> None:
        make_database(self.root)
        self._reader: Engine | None = None

    @contextmanager
    def open(self, crash_brake: bool = False) -> Iterator[LiveWorker]:
        """Start a worker, and close it afterwards."""
        engine = open_writer(URL, self.root)
        if self.engine_hook is not None:
            self.engine_hook(engine)
        worker = LiveWorker(self.settings, self.market, engine, self.clock, lambda: self.settings, self.real_time)
        try:
            worker.recover(crash_brake)
            yield worker
        finally:
            worker.close()

    def run(self, *restarts: int) -> LiveWorker:
        """Step to the end, a new worker after each of the given numbers of steps; gives the last, closed."""
        ends = (*np.diff((0, *restarts)).tolist(), None)
        for limit in ends:
            with self.open() as worker:
                self.steps += step(worker, limit)
        return worker

    @property
    def engine(self) -> Engine:
        """A connection of the test's own."""
        if self._reader is None:
            self._reader = open_writer(URL, self.root)
        return self._reader

    def rows(self, sql: str, *parameters: Any) -> list[tuple]:
        """Read rows."""
        with transaction(self.engine) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql, parameters)]

    def value(self, sql: str, *parameters: Any) -> Any:
        """Read the one value of the one row."""
        ((value,),) = self.rows(sql, *parameters)
        return value

    def write(self, sql: str, *parameters: Any) -> None:
        """Change rows behind the worker's back."""
        with transaction(self.engine) as connection:
            connection.exec_driver_sql(sql, parameters)

    def ask(
        self,
        kind: CommandKind,
        scope: str = "",
        amount: float | None = None,
        cause: Cause | None = None,
        reason: str = "because",
        detail: str | None = None,
    ) -> int:
        """Queue a command; `scope` is like `sleeve:breakout`, empty for the portfolio."""
        scope_kind, _, name = scope.partition(":")
        place = ScopeKind[scope_kind.upper() or "PORTFOLIO"]
        with transaction(self.engine) as connection:
            return ask(
                connection, 1, kind, place, name, reason, "ann", self.clock.now_ms(), amount, cause, detail=detail
            )

    def answer(self, command: int) -> tuple[str, str]:
        """Give a command's status and answer."""
        ((status, answer),) = self.rows("SELECT status, answer FROM command WHERE id = ?", command)
        return status, answer

    def ask_and_answer(self, worker: LiveWorker, *asked: Any, **more: Any) -> tuple[str, str]:
        """Queue a command and let the worker answer it."""
        command = self.ask(*asked, **more)
        assert worker.answer_commands() == 1
        return self.answer(command)

    def close(self) -> None:
        """Give the connection back."""
        if self._reader is not None:
            self._reader.dispose()
            self._reader = None


def step(worker: LiveWorker, limit: int | None = None) -> int:
    """Let a worker step what is due, at most so many bars."""
    made = 0

    def interrupted() -> bool:
        nonlocal made
        made += 1
        return limit is not None and made >= limit

    return 0 if limit == 0 else worker.step_due(interrupted)


def show_and_step(place: Place, worker: LiveWorker, bars: int) -> int:
    """Let so many bars from the first have closed, and step them."""
    place.market.show(bars)
    return worker.step_due(lambda: False)


def backtest(
    settings: Settings,
    bars: Mapping[str, Bars],
    funding: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    finest: Mapping[str, FinestBars] | None = None,
    limits: Mapping[str, Limits] | None = None,
) -> Replay:
    """Run the fleet of the settings over the same candles in a backtest."""
    grid = replace(lay_on_grid(bars, settings.step_ms), finest=dict(finest or {}))
    rates = {
        symbol: funding_per_bar(*settled, grid.open_ms, settings.step_ms) for symbol, settled in (funding or {}).items()
    }
    return replay_fleet(settings, plan_fleet(planned_bots(settings)), grid, rates, limits or {}, keep_bots=True)


FILLS = """SELECT fill.time_ms, bot.name, fill.quantity, fill.price, fill.fee, fill.crossed, fill.leg, fill.trigger
           FROM fill JOIN bot ON bot.id = fill.bot_id ORDER BY fill.id"""
PORTFOLIO_EQUITY = """SELECT time_ms, equity FROM equity_point
                      WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP' ORDER BY time_ms"""
SLEEVE_EQUITY = """SELECT time_ms, equity FROM equity_point JOIN sleeve ON sleeve.id = scope_id
                   WHERE scope_kind = 'SLEEVE' AND resolution = 'STEP' AND sleeve.name = ? ORDER BY time_ms"""


def live_fills(place: Place) -> list[tuple]:
    """Give the fills of the books: time, bot, quantity, price, fee, crossed, leg, trigger."""
    return place.rows(FILLS)


def replay_fills(replay: Replay) -> list[tuple]:
    """Give the fills of a backtest in the same form."""
    from shared.enums import Leg, Trigger

    return [
        (
            int(fill["time_ms"]),
            replay.plan.bots[fill["bot"]].name,
            *(float(fill[name]) for name in ("quantity", "price", "fee", "crossed")),
            Leg(int(fill["leg"])).name,
            Trigger(int(fill["trigger"])).name,
        )
        for fill in replay.fills
    ]


def difference(live: Sequence[Any], replayed: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Name the fields in which records differ, NaN being equal to NaN."""
    differences = []
    for at, (one, other) in enumerate(zip(live, replayed, strict=True)):
        for name in names:
            a, b = getattr(one, name), getattr(other, name)
            if a != b and not (isnan(a) and isnan(b)):
                differences.append(f"{type(one).__name__} {at} {name}: {a} live, {b} in the backtest")
    return differences


def state_names(record: type, *, but: Sequence[str] = ()) -> list[str]:
    """Name the fields of a record."""
    return [item.name for item in fields(record) if item.name not in but]


def assert_parity(place: Place, worker: LiveWorker, replay: Replay) -> None:
    """Hold the books of a live run to a backtest of the same candles: the same to the last bit."""
    live, replayed = live_fills(place), replay_fills(replay)
    pairs = zip(live, replayed, strict=False)
    first = next(((at, one, other) for at, (one, other) in enumerate(pairs) if one != other), None)
    assert first is None, f"fill {first[0]} was {first[1]} live and {first[2]} in the backtest"
    assert len(live) == len(replayed)
    assert live, "nothing was traded"
    closes = (replay.open_ms + place.settings.step_ms).tolist()
    assert place.rows(PORTFOLIO_EQUITY) == list(zip(closes, replay.equity.tolist(), strict=True))
    for name, equity in zip(replay.plan.sleeves, replay.sleeve_equity, strict=True):
        assert place.rows(SLEEVE_EQUITY, name) == list(zip(closes, equity.tolist(), strict=True))
    fleet, left = worker._fleet, replay.fleet
    portfolio = to_records(np.atleast_1d(left.portfolio), Portfolio)
    assert not difference([fleet.portfolio], portfolio, state_names(Portfolio))
    assert not difference(fleet.sleeves, to_records(left.sleeves, Sleeve), state_names(Sleeve, but=["bots"]))
    assert not difference(fleet.bots, to_records(left.bots, Bot), state_names(Bot))
    # An order that was sent and not filled is one of them.
    sent = "SELECT count(*) FROM \"order\" WHERE status = 'FILLED' OR reason = 'not filled in its time'"
    assert place.value(sent) == replay.orders


def plan_of(settings: Settings) -> FleetPlan:
    """Give the plan of the settings."""
    return plan_fleet(planned_bots(settings))


__all__ = ["STEP_MS", "FakeMarket", "Place"]
