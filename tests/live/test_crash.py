"""Stopped at any place and started again: the same books as a run that nobody disturbed."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, event

from shared.database import open_writer
from shared.enums import CommandKind
from tests.conftest import ROOT
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import FakeMarket, random_bars
from tests.live.running import SMALL_FLEET, SYMBOLS, URL, Place, small_settings, step
from tests.live.tables import assert_same, content
from worker.live.worker import LiveWorker

LOOK_AHEAD = 1


class Killed(BaseException):
    """The process ends here."""


class KillAt:
    """Ends the process at its n-th statement or commit; without a number it counts them."""

    def __init__(self, place: int | None = None) -> None:
        self.place = place
        self.seen = 0

    def watch(self, engine: Engine) -> None:
        """Count from now on."""
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)

    def _statement(self, *_: Any) -> None:
        self._see()

    def _commit(self, *_: Any) -> None:
        self._see()

    def _see(self) -> None:
        self.seen += 1
        if self.seen == self.place:
            raise Killed


def worker_on(place: Place) -> tuple[LiveWorker, Engine]:
    """Start a worker that will not be closed properly."""
    engine = open_writer(URL, place.root)
    worker = LiveWorker(place.settings, place.market, engine, place.clock, lambda: place.settings, False)
    return worker, engine


def kill_while(place: Place, kill: KillAt, starting: bool = False) -> bool:
    """Start, answer and step once; say whether the process was killed on the way."""
    worker, engine = worker_on(place)
    try:
        if starting:
            kill.watch(engine)
        worker.recover(False)
        if not starting:
            kill.watch(engine)
        worker.answer_commands()
        step(worker, 1)
        return False
    except Killed:
        return True
    finally:
        engine.dispose()


def candles(bars: int) -> dict[str, Any]:
    """Two random walks."""
    return {symbol: random_bars(bars, 31 + at) for at, symbol in enumerate(SYMBOLS)}


def copy_of(place: Place, root: Path) -> Place:
    """Give the same books in another folder."""
    root.mkdir(parents=True)
    shutil.copy(place.root / "flotilla.db", root / "flotilla.db")
    return Place(root, place.settings, place.market, place.clock)


def stand_before(make_place: MakePlace, steps: int) -> Place:
    """Give books after so many steps, with the candles of a few more to come."""
    place = make_place(small_settings(), FakeMarket(candles(steps + LOOK_AHEAD)))
    if steps:
        with place.open() as worker:
            step(worker, steps)
    return place


def check_every_kill(before: Place, starting: bool = False) -> int:
    """Kill at every place of the next step in turn; each time the rest must end as if nothing had been."""
    undisturbed = copy_of(before, before.root / "undisturbed")
    count = KillAt()
    assert not kill_while(undisturbed, count, starting)
    undisturbed.run()
    assert_books(undisturbed)
    expected = content(undisturbed)
    undisturbed.close()
    for at in range(1, count.seen + 1):
        killed = copy_of(before, before.root / f"killed{at}")
        assert kill_while(killed, KillAt(at), starting)
        with killed.open() as worker:
            worker.answer_commands()
            step(worker)
        assert_same(content(killed), expected)
        killed.close()
    return count.seen


# Steps in which something happens: the first, one that rebalances and trades, one at the end of an hour.
@pytest.mark.parametrize(
    "steps", [0, pytest.param(24, marks=pytest.mark.slow), pytest.param(59, marks=pytest.mark.slow)]
)
def test_a_kill_at_any_statement_of_a_step_leaves_no_trace(make_place: MakePlace, steps: int) -> None:
    assert check_every_kill(stand_before(make_place, steps)) > 15


@pytest.mark.slow
def test_a_kill_at_any_statement_of_a_start_leaves_no_trace(make_place: MakePlace) -> None:
    assert check_every_kill(stand_before(make_place, 40), starting=True) > 30


@pytest.mark.slow
def test_each_command_is_answered_once_whenever_the_worker_is_killed(make_place: MakePlace) -> None:
    before = stand_before(make_place, 40)
    before.ask(CommandKind.FLATTEN, "sleeve:mean_reversion")
    before.ask(CommandKind.DEPOSIT, amount=500.0)
    before.ask(CommandKind.WITHDRAW, amount=700.0)
    before.close()
    assert check_every_kill(before) > 40


def test_a_step_that_is_lost_is_noticed(make_place: MakePlace) -> None:
    before = stand_before(make_place, 40)
    one, other = copy_of(before, before.root / "one"), copy_of(before, before.root / "other")
    one.run()
    other.run()
    other.write("DELETE FROM equity_point WHERE time_ms = (SELECT max(time_ms) FROM equity_point)")
    with pytest.raises(AssertionError, match=r"equity_point"):
        assert_same(content(other), content(one))
    for place in (one, other):
        place.close()


def write_project(root: Path, bars: int) -> None:
    """Make a project's folder that replays candles from files, at most 250 bars a second."""
    folder = root / "candles"
    folder.mkdir(parents=True)
    for symbol, walk in candles(bars).items():
        names = ("open", "high", "low", "close", "volume")
        table = pa.table({"timestamp": walk.open_ms, **{name: getattr(walk, name) for name in names}})
        pq.write_table(table, folder / f"{symbol.replace('/', '_')}-5m.parquet")
    tables: dict[str, list[str]] = {}
    for line in (*SMALL_FLEET, "market.kind='replay'", "market.candles='candles'", "market.bar_seconds=0.004"):
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        quoted = value if value[0] in "['" or value.isdigit() else f"'{value}'"
        tables.setdefault(section, []).append(f"{key} = {quoted}")
    sections = (f"[{section}]\n" + "\n".join(lines) for section, lines in tables.items())
    (root / "flotilla.toml").write_text("\n\n".join(sections) + "\n")


def start(root: Path) -> subprocess.Popen:
    """Start the program on a project's folder."""
    command = [sys.executable, "-m", "worker", "run", "--until-end", "--config", str(root / "flotilla.toml")]
    with (root / "log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def books_of(root: Path) -> Place:
    """Give the books of a project's folder for reading."""
    return Place(root, small_settings(), FakeMarket(candles(1)))


def check_kills(tmp_path: Path, kills: int, bars: int) -> None:
    """Kill the program `kills` times at random moments of a fast replay, and let it end.

    Every other kill comes after a first step of this start, wherever the others come, so that there is progress.
    """
    chance = random.Random(7)
    quiet, disturbed = tmp_path / "quiet", tmp_path / "disturbed"
    for root in (quiet, disturbed):
        write_project(root, bars)
    assert start(quiet).wait() == 0, (quiet / "log").read_text()
    done = [0]
    for number in range(kills):
        process = start(disturbed)
        _wait_until_it_runs(disturbed, process)
        while number % 2 and process.poll() is None and _steps(disturbed) == done[-1]:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.2 if number % 2 else 0.8))
        assert process.poll() is None, (disturbed / "log").read_text()
        process.send_signal(signal.SIGKILL)
        process.wait()
        done.append(_steps(disturbed))
    assert len(set(done)) > kills // 2, f"the kills came at {done}"
    assert done == sorted(done)
    assert start(disturbed).wait() == 0, (disturbed / "log").read_text()
    places = [books_of(root) for root in (disturbed, quiet)]
    assert_same(*(content(place) for place in places))
    for place in places:
        assert_books(place)
        assert place.value("SELECT step FROM portfolio_state") == bars
        place.close()


def _steps(root: Path) -> int:
    place = books_of(root)
    rows = place.rows("SELECT step FROM portfolio_state")
    place.close()
    return rows[0][0] if rows else 0


def _wait_until_it_runs(root: Path, process: subprocess.Popen) -> None:
    """Wait until the process of this start is the worker: before, there is nothing to disturb."""
    while process.poll() is None and f"is running (process {process.pid})" not in (root / "log").read_text():
        time.sleep(0.01)


@pytest.mark.slow
def test_four_kills_in_a_fast_replay_leave_no_trace(tmp_path: Path) -> None:
    check_kills(tmp_path, 4, 400)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills_in_a_fast_replay_leave_no_trace(tmp_path: Path) -> None:
    check_kills(tmp_path, 100, 10_000)
