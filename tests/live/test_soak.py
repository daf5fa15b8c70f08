"""Months of an exchange that fails: no bar waits longer than it may, none is stepped twice, none is lost."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ccxt
import pytest
from sqlalchemy import Connection, Engine, event

from shared.clock import ManualClock
from shared.database import open_writer, transaction
from shared.errors import MarketError
from shared.settings import Settings, load_settings
from shared.units import DAY_MS, HOUR_MS, SECOND_MS, bar_open_ms
from tests.live.running import make_database
from tests.live.troubled_exchange import BEGIN_MS, TroubledExchange, Troubles
from worker import build
from worker.build import make_worker
from worker.exchange import client
from worker.live.fetching import PATIENCE_MS
from worker.live.worker import LiveWorker
from worker.market.exchange import CcxtMarket
from worker.process.host import Wakes
from worker.process.loop import ALARM_OVERDUE_SECONDS, LONGEST_RETRY_SECONDS, Loop
from worker.store.doctor import examine

SEED = 20_260_801
WAKE_SECONDS = 2.0
# What `docs/operations.md` promises: the alarm, the patience, the delay under way when it ends, and the reads of the
# last try, of which those that fail take 20 s together, and a timeout more.
LAST_DELAY_SECONDS = 16.0
READS_SECONDS = 30.0
LONGEST_SECONDS = WAKE_SECONDS + ALARM_OVERDUE_SECONDS + PATIENCE_MS / 1000 + LAST_DELAY_SECONDS + READS_SECONDS
AFTER_AN_OUTAGE_SECONDS = LONGEST_RETRY_SECONDS + LONGEST_SECONDS

OVERRIDES = (
    "market.kind=ccxt",
    "portfolio.timeframe=1h",
    "portfolio.symbols=['BTC/USDT', 'ETH/USDT', 'SOL/USDT']",
    "strategies.mean_reversion.grid=[[6, 1.0]]",
    "strategies.breakout.grid=[[6]]",
    "strategies.trend_following.enabled=false",
    f"worker.wake_after_seconds={WAKE_SECONDS}",
    "database.url=sqlite:///flotilla.db",
)


class SoakWakes(Wakes):
    """Sleeps by moving the clock, sets the wall clock as planned, and rings the alarm by the wall clock, as it is."""

    def __init__(self, world: TroubledExchange, until_ms: int, jumps: list[tuple[int, int]]) -> None:
        super().__init__()
        self._world = world
        self._until_ms = until_ms
        self._jumps = jumps
        self._plan_ring()

    def stopping(self) -> bool:
        return self._world.now_ms() >= self._until_ms

    def sleep(self, seconds: float) -> None:
        clock = self._world.clock
        until_ms = clock.monotonic_ms() + max(round(1000 * seconds), 1)
        rung = False
        while clock.monotonic_ms() < until_ms and not rung:
            left_ms = until_ms - clock.monotonic_ms()
            clock.advance_ms(max(1, min(left_ms, self._ring_ms - clock.now_ms(), self._until_jump_ms())))
            self._set_clock()
            if clock.now_ms() >= self._ring_ms:
                rung = self.bar_closed = True
                self._plan_ring()

    def _plan_ring(self) -> None:
        """An alarm waits for a time of the wall clock; a clock set back lets it wait longer."""
        self._ring_ms = bar_open_ms(self._world.clock.now_ms(), HOUR_MS) + HOUR_MS + round(1000 * WAKE_SECONDS)

    def _until_jump_ms(self) -> int:
        return self._jumps[0][0] - self._world.now_ms() if self._jumps else DAY_MS

    def _set_clock(self) -> None:
        while self._jumps and self._world.now_ms() >= self._jumps[0][0]:
            _, moved_ms = self._jumps.pop(0)
            self._world.clock.set_wall_ms(self._world.clock.now_ms() + moved_ms)


@dataclass
class Soak:
    """What came of it: for each step the close of its bar and when it was made, by the exchange's time."""

    troubles: Troubles
    steps: list[tuple[int, int]] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)

    def waits(self) -> Iterator[tuple[float, bool, int]]:
        """Give how long each bar waited, in seconds; of one that met an outage or no worker from the end of that on."""
        for close_ms, made_ms in self.steps:
            ends = [
                trouble.end_ms for trouble in self.troubles.outages if close_ms - HOUR_MS < trouble.end_ms < made_ms
            ]
            ends += [start_ms for start_ms in self.starts_ms if close_ms < start_ms <= made_ms]
            from_ms = max(ends, default=close_ms)
            yield (made_ms - max(from_ms, close_ms)) / 1000, bool(ends), close_ms

    def longest(self, met_outage: bool) -> float:
        """Give the longest wait of bars that met an outage, or of those that did not."""
        return max(seconds for seconds, met, _ in self.waits() if met is met_outage)


def soak_settings() -> Settings:
    settings = load_settings(None, {}, OVERRIDES)
    # The loop looks around more seldom than a setting may say.
    seldom = settings.worker.model_copy(update={"command_poll_seconds": 1800.0})
    return settings.model_copy(update={"worker": seldom})


def run_soak(root: Path, troubles: Troubles, monkeypatch: pytest.MonkeyPatch) -> Soak:
    """Let a worker live through all of them, as its process lets it, with restarts."""
    clock = ManualClock(BEGIN_MS - 40 * SECOND_MS)
    world, soak = TroubledExchange(troubles, clock), Soak(troubles)
    monkeypatch.setattr(client, "ReadOnlyAdapter", world.adapter())
    monkeypatch.setattr(ccxt.Exchange, "throttle", lambda *_: None)
    monkeypatch.setattr(build, "open_writer", _open_hasty)
    _remember_steps(soak, world, monkeypatch)
    logging.getLogger("worker").setLevel(logging.ERROR)
    make_database(root)
    jumps, settings = list(troubles.clock_jumps), soak_settings()
    for until_ms in (*troubles.restarts_ms, BEGIN_MS + troubles.days * DAY_MS):
        wakes = SoakWakes(world, until_ms, jumps)
        worker = _start(settings, root, clock)
        soak.starts_ms.append(world.now_ms())
        loop = Loop(worker, settings.worker, wakes, clock)
        monkeypatch.setattr(loop, "_alarm", contextlib.nullcontext)
        loop.run()
        worker.close()
    return soak


def _remember_steps(soak: Soak, world: TroubledExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    step = LiveWorker._step

    def remembered(worker: LiveWorker, interrupted: Callable[[], bool]) -> bool:
        close_ms = worker._next_open_ms + HOUR_MS
        made = step(worker, interrupted)
        if made:
            soak.steps.append((close_ms, world.now_ms()))
        return made

    monkeypatch.setattr(LiveWorker, "_step", remembered)


def _open_hasty(url: str, root: Path) -> Engine:
    """Open the books without waiting for the disk: nothing here is about a machine that loses its power."""
    engine = open_writer(url, root)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    # The connection that is open already waits for the disk.
    engine.dispose()
    return engine


def _start(settings: Settings, root: Path, clock: ManualClock) -> LiveWorker:
    """Start as a supervisor does: an exchange that is away is tried again."""
    while True:
        worker = None
        try:
            worker = make_worker(settings, root, lambda: settings, clock)
            worker.recover(False)
            return worker
        except MarketError:
            if worker is not None:
                worker.close()
            clock.sleep(60.0)


def check(soak: Soak, root: Path) -> None:
    """Hold what came of it to what is promised."""
    days, closes = soak.troubles.days, [close_ms for close_ms, _ in soak.steps]
    first_ms = bar_open_ms(BEGIN_MS, HOUR_MS) + HOUR_MS
    assert closes == list(range(first_ms, first_ms + len(closes) * HOUR_MS, HOUR_MS)), "each bar once, in order"
    assert len(closes) >= days * 24 - 12, "all but those of an outage at the end"
    late = [wait for wait in soak.waits() if wait[0] > (AFTER_AN_OUTAGE_SECONDS if wait[1] else LONGEST_SECONDS)]
    assert not late, f"{len(late)} bars waited too long, the first {late[0]}"
    engine = open_writer("sqlite:///flotilla.db", root)
    with transaction(engine) as connection:
        _check_books(connection, closes)
        told = dict(connection.exec_driver_sql("SELECT kind, count(*) FROM event GROUP BY kind").all())
    engine.dispose()
    assert min(told["CLOCK_SET"], told["SYMBOL_MISSING"], told["SYMBOL_BACK"]) > 0
    # When it begins and at each start, not at each bar.
    assert told["SYMBOL_MISSING"] <= len(soak.troubles.of_symbols) + 1 + 2 * len(soak.starts_ms)


def _check_books(connection: Connection, closes: list[int]) -> None:
    stepped = connection.exec_driver_sql("SELECT step, time_ms FROM portfolio_state").one()
    assert tuple(stepped) == (len(closes), closes[-1] - HOUR_MS)
    marks = connection.exec_driver_sql(
        "SELECT time_ms FROM equity_point WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP' ORDER BY time_ms"
    )
    assert marks.scalars().all() == closes
    assert connection.exec_driver_sql("SELECT count(*) FROM fill").scalar_one() > len(closes) // 24
    assert not [finding for finding in examine(connection, 1) if not finding.holds]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logging.getLogger("worker").setLevel(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("days", [20, 200])
def test_no_bar_of_an_exchange_that_fails_waits_longer_than_it_may_and_none_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    soak = run_soak(tmp_path, Troubles(SEED, days), monkeypatch)
    print(f"{days} days: longest wait {soak.longest(False):.0f} s, {soak.longest(True):.0f} s after an outage")
    check(soak, tmp_path)


def test_time_that_stops_at_the_close_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saboteur: of a bar that closed nobody can say how long ago, so that it falls due only when an alarm rings."""
    monkeypatch.setattr(CcxtMarket, "seconds_until", lambda market, time_ms: max(0, time_ms - market.now_ms()) / 1000)
    set_back = [(BEGIN_MS + DAY_MS // 2, -2 * HOUR_MS)]
    troubles = Troubles(SEED, 1)
    troubles.clock_jumps = set_back
    soak = run_soak(tmp_path, troubles, monkeypatch)
    with pytest.raises(AssertionError, match="bars waited too long"):
        check(soak, tmp_path)
    assert soak.longest(False) > 7_000.0
