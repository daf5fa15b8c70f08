"""Books that are replaced, cut or without room: what the worker does then, and what is said of what is lost."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from shared.database import open_writer, sqlite_module
from shared.errors import DatabaseChanged, DatabaseError, DiskFull
from shared.secret_url import SecretUrl
from shared.sqlite_place import log_of
from tests.conftest import NO_MOUNTS, ROOT
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import FakeMarket, random_bars
from tests.live.running import SYMBOLS, URL, Place, small_settings, step
from tests.live.tables import assert_same, content
from tests.live.test_crash import books_of, start, write_project
from worker.store.trace import Trace, require_books
from worker.strategies.bars import Bars

BARS = 80
# An end takes a second where nobody else computes.
PATIENCE = 60


def walks() -> dict[str, Bars]:
    return {name: random_bars(BARS, 7 + at) for at, name in enumerate(SYMBOLS)}


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """Books of 40 steps, with the candles of 40 more."""
    place = make_place(
        small_settings(), FakeMarket({name: random_bars(BARS, 7 + at) for at, name in enumerate(SYMBOLS)})
    )
    with place.open() as worker:
        step(worker, 40)
    return place


def database(place: Place) -> Path:
    return place.root / "flotilla.db"


def copy_of(place: Place) -> Path:
    place.close()
    return Path(shutil.copy(database(place), place.root.parent / "copy.db"))


def step_on(place: Place, limit: int) -> None:
    with place.open() as worker:
        step(worker, limit)


def events(place: Place, kind: str) -> list[str]:
    return [message for (message,) in place.rows("SELECT message FROM event WHERE kind = ?", kind)]


def test_an_older_copy_is_taken_up_and_what_it_lacks_is_said(place: Place) -> None:
    copy = copy_of(place)
    step_on(place, 20)
    shutil.copy(copy, database(place))
    step_on(place, 0)
    (said,) = events(place, "BOOKS_BEHIND")
    assert "the books end with step 40 (2026-01-01 03:15 UTC)" in said
    assert "step 60 (2026-01-01 04:55 UTC) had been committed: steps 41 to 60 are not in them" in said
    step_on(place, BARS)
    assert len(events(place, "BOOKS_BEHIND")) == 1
    assert place.value("SELECT step FROM portfolio_state") == BARS
    assert_books(place)


def test_a_restart_on_the_same_books_says_nothing(place: Place) -> None:
    for _ in range(3):
        step_on(place, 5)
    assert not events(place, "BOOKS_BEHIND")


def broken(copy: Path) -> bytes:
    """Give a copy with rubbish in a page that nothing reads when a worker starts."""
    content = bytearray(copy.read_bytes())
    reader = sqlite_module().connect(str(copy))
    (root,) = reader.execute("SELECT rootpage FROM sqlite_master WHERE name = 'equity_recent'").fetchone()
    reader.close()
    content[4096 * (root - 1) : 4096 * root] = random.Random(1).randbytes(4096)
    return bytes(content)


def test_a_copy_that_is_not_whole_is_refused(place: Place) -> None:
    copy = copy_of(place)
    step_on(place, 20)
    database(place).write_bytes(broken(copy))
    with pytest.raises(DatabaseError, match="which was replaced, must be whole, was not"), place.open():
        pass


def test_another_file_is_read_whatever_mark_it_bears(place: Place) -> None:
    copy = copy_of(place)
    copy.write_bytes(broken(copy))
    copy.rename(database(place))
    with pytest.raises(DatabaseError, match="which was replaced, must be whole, was not"), place.open():
        pass


def test_books_of_another_fleet_are_refused_until_a_person_says_that_they_are_meant(place: Place) -> None:
    place.write("UPDATE portfolio SET created_ms = created_ms + 1")
    place.close()
    with pytest.raises(DatabaseError, match=r"must hold the books of this fleet, which ended with step 40 .*remove"):
        step_on(place, 0)
    trace = Trace(database(place), "flotilla").path
    assert trace is not None
    trace.unlink()
    step_on(place, 1)


@pytest.mark.parametrize("empty", [True, False])
def test_other_books_are_not_begun_in_the_place_of_those_that_are_gone(empty: bool, place: Place) -> None:
    place.close()
    database(place).unlink()
    if empty:
        database(place).touch()
    with pytest.raises(
        DatabaseError, match=r"must hold the books, which ended with step 40 .* bring them back"
    ) as gone:
        require_books(SecretUrl(URL), place.root, "flotilla")
    assert gone.value.exit_code == 69
    require_books(SecretUrl(URL), place.root, "other")


def test_a_worker_whose_database_was_moved_commits_nothing_more_and_leaves_the_new_one_alone(place: Place) -> None:
    copy = copy_of(place)
    with place.open() as worker:
        step(worker, 10)
        database(place).rename(place.root / "moved.db")
        shutil.copy(copy, database(place))
        before = database(place).read_bytes()
        for call in (worker.beat, worker.answer_commands, lambda: step(worker, 1)):
            with pytest.raises(DatabaseChanged, match="another file is in its place"):
                call()
    assert database(place).read_bytes() == before
    assert not log_of(database(place)).exists()


class Room:
    """Lets a database grow by so many pages at each connection; None for all it needs."""

    def __init__(self) -> None:
        self.pages: int | None = None

    def limit(self, engine: Engine) -> None:
        @event.listens_for(engine, "checkout")
        def _limit(connection, _record, _fairy) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            most = 2**31 if self.pages is None else pages + self.pages
            connection.execute(f"PRAGMA max_page_count={most}").close()


@pytest.mark.parametrize("pages", [0, 1])
def test_a_disk_that_is_full_in_the_middle_of_a_step_leaves_whole_steps(pages: int, make_place: MakePlace) -> None:
    quiet, full = (make_place(small_settings(), FakeMarket(walks())) for _ in range(2))
    quiet.run()
    room = Room()
    full.engine_hook = room.limit
    failures = 0
    while not full.rows("SELECT 1 FROM portfolio_state WHERE step = ?", BARS):
        full.close()
        with full.open() as worker:
            step(worker, 3)
            room.pages = pages
            try:
                step(worker, 12)
            except DiskFull:
                failures += 1
            room.pages = None
        assert_books(full)
    assert failures > 2
    assert_same(content(full), content(quiet))


def put_a_copy_in_its_place(file: Path, copy: Path) -> None:
    copy.rename(file)


def write_a_copy_over_it(file: Path, copy: Path) -> None:
    shutil.copyfile(copy, file)


def move_it_away_and_back(file: Path, _copy: Path) -> None:
    away = file.with_name("away.db")
    file.rename(away)


def remove_its_log(file: Path, _copy: Path) -> None:
    log_of(file).unlink()


def cut_its_log(file: Path, _copy: Path) -> None:
    os.truncate(log_of(file), 0)


CHANGES = [put_a_copy_in_its_place, write_a_copy_over_it, move_it_away_and_back, remove_its_log, cut_its_log]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write_project(root, 10_000)
    return root


def wait_for_steps(root: Path, process: subprocess.Popen, steps: int) -> int:
    """Wait until the books have so many steps; a copy of them must not be read by a writer meanwhile."""
    give_up = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < give_up:
        assert process.poll() is None, (root / "log").read_text()
        if (root / "flotilla.db").exists():
            reader = sqlite_module().connect(f"file:{root / 'flotilla.db'}?mode=ro", uri=True)
            try:
                found = reader.execute("SELECT step FROM portfolio_state").fetchone()
            except sqlite_module().DatabaseError:
                # Until the worker has opened books whose log was cut, they are none to a reader.
                found = None
            finally:
                reader.close()
            if found and found[0] >= steps:
                return int(found[0])
        time.sleep(0.05)
    raise AssertionError("no steps were made")


def back_up(file: Path, copy: Path) -> None:
    original, target = sqlite_module().connect(str(file)), sqlite_module().connect(str(copy))
    original.backup(target)
    target.close()
    original.close()


def last_line(root: Path) -> str:
    return (root / "log").read_text().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_worker_ends_with_one_sentence_and_the_next_goes_on(
    change: Callable[[Path, Path], None], project: Path
) -> None:
    file, copy = project / "flotilla.db", project / "copy.db"
    process = start(project)
    wait_for_steps(project, process, 100)
    back_up(file, copy)
    steps = wait_for_steps(project, process, 400)
    change(file, copy)
    assert process.wait(timeout=PATIENCE) == 69, (project / "log").read_text()
    assert "Traceback" not in (project / "log").read_text()
    assert last_line(project).count("must stay the file that the worker opened") == 1
    if change is move_it_away_and_back:
        assert start(project).wait(timeout=PATIENCE) == 69
        assert "bring them back" in last_line(project)
        assert not file.exists()
        (project / "away.db").rename(file)
    again = start(project)
    wait_for_steps(project, again, steps + 50)
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=PATIENCE) == 0, (project / "log").read_text()
    place = books_of(project)
    assert_books(place)
    assert place.rows("PRAGMA integrity_check") == [("ok",)]
    lost = place.rows("SELECT message FROM event WHERE kind = 'BOOKS_BEHIND'")
    assert bool(lost) == (change in (put_a_copy_in_its_place, write_a_copy_over_it)) or change is cut_its_log
    place.close()


@pytest.mark.slow
def test_nothing_of_what_was_cut_short_comes_into_the_copy_that_is_brought_back(project: Path) -> None:
    file, copy = project / "flotilla.db", project / "copy.db"
    process = start(project)
    wait_for_steps(project, process, 100)
    back_up(file, copy)
    wait_for_steps(project, process, 600)
    os.truncate(file, file.stat().st_size // 2)
    assert process.wait(timeout=PATIENCE) == 69
    assert "was cut short; bring back a copy; its log of until then is" in last_line(project)
    assert start(project).wait(timeout=PATIENCE) == 69
    assert "malformed" in last_line(project)
    (kept,) = sqlite_module().connect(str(copy)).execute("SELECT step FROM portfolio_state").fetchone()
    shutil.copyfile(copy, file)
    again = start(project)
    wait_for_steps(project, again, 700)
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=PATIENCE) == 0
    place = books_of(project)
    assert_books(place)
    assert place.rows("PRAGMA integrity_check") == [("ok",)]
    (lost,) = place.rows("SELECT message FROM event WHERE kind = 'BOOKS_BEHIND'")
    assert f"the books end with step {kept} " in lost[0]
    place.close()
    command = [sys.executable, "-m", "worker", "doctor", "--config", str(project / "flotilla.toml")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def mounted(folder: Path, megabytes: int) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.mark.slow
def test_a_worker_waits_while_its_disk_is_full_and_steps_on_when_there_is_room(tmp_path: Path) -> None:
    root = tmp_path / "small"
    if not mounted(root, 64):
        pytest.skip(f"{NO_MOUNTS} here")
    try:
        write_project(root, 10_000)
        ballast = root / "ballast"
        process = start(root)
        steps = wait_for_steps(root, process, 50)
        fill(ballast)
        give_up = time.monotonic() + 60
        while "must have room to grow, had none" not in (root / "log").read_text():
            assert time.monotonic() < give_up
            time.sleep(0.1)
        time.sleep(3)
        assert process.poll() is None
        ballast.unlink()
        assert wait_for_steps(root, process, steps + 100)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
        said = (root / "log").read_text()
        assert said.count("must have room to grow, had none") == 1
        assert "Traceback" not in said
        assert_books(books_of(root))
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


def test_the_engine_of_a_worker_names_the_link_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    engine = open_writer("sqlite:///link.db", tmp_path)
    assert engine.url.database == str(tmp_path / "real.db")
    assert engine.get_execution_options()["name_of_file"] == tmp_path / "link.db"
    engine.dispose()
