"""A database that changes under its writer is noticed, whatever was done to it; what SQLite itself does is not."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from shared.database import checkpoint, open_commands, open_reader, open_writer, sqlite_module, transaction
from shared.database_file import Watch, watch_file
from shared.errors import DatabaseChanged, DatabaseError
from shared.migrations.upgrade import upgrade
from shared.sqlite_place import log_index_of, log_of
from tests.conftest import ROOT

URL = "sqlite:///flotilla.db"


class Writer:
    """A writer as the worker is one: a mark with each commit, a look before it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "flotilla.db"
        self.engine: Engine = open_writer(URL, root)
        self.watch: Watch = watch_file(self.engine)
        with transaction(self.engine) as connection:
            self.watch.mark(connection)
        self.watch.begin()

    def write(self, rows: int = 1, bytes_each: int = 500) -> None:
        self.watch.check()
        with transaction(self.engine) as connection:
            connection.execute(
                text("INSERT INTO note (some) VALUES (randomblob(:bytes))"), [{"bytes": bytes_each}] * rows
            )
            self.watch.mark(connection)
            self.watch.check()

    def beat(self) -> None:
        self.watch.check()
        checkpoint(self.engine)
        self.watch.check()

    def close(self) -> None:
        self.engine.dispose()
        self.watch.close()


@pytest.fixture
def writer(tmp_path: Path, sqlite_template: Path) -> Iterator[Writer]:
    root = tmp_path / "books"
    root.mkdir()
    shutil.copy(sqlite_template, root / "flotilla.db")
    made = open_writer(URL, root)
    with transaction(made) as connection:
        connection.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY, some BLOB)"))
    made.dispose()
    writer = Writer(root)
    writer.write(5)
    writer.beat()
    writer.write(5)
    yield writer
    writer.close()


def copy_of(writer: Writer) -> Path:
    """Copy the books as a person should: through SQLite."""
    target = writer.root.parent / "copy.db"
    original, copy = sqlite_module().connect(str(writer.path)), sqlite_module().connect(str(target))
    original.backup(copy)
    original.close()
    copy.close()
    return target


def move_away(writer: Writer) -> None:
    writer.path.rename(writer.root / "moved.db")


def delete(writer: Writer) -> None:
    writer.path.unlink()


def move_all_away(writer: Writer) -> None:
    writer.root.rename(writer.root.with_name("elsewhere"))


def replace_the_folder(writer: Writer) -> None:
    copy = copy_of(writer)
    move_all_away(writer)
    writer.root.mkdir()
    shutil.copy(copy, writer.path)


def move_a_copy_into_its_place(writer: Writer) -> None:
    copy_of(writer).rename(writer.path)


def write_an_older_copy_over_it(writer: Writer) -> None:
    copy = copy_of(writer)
    writer.write(3)
    writer.beat()
    shutil.copyfile(copy, writer.path)


def write_other_books_over_it(writer: Writer) -> None:
    upgrade("sqlite:///other.db", writer.root.parent)
    shutil.copyfile(writer.root.parent / "other.db", writer.path)


def write_rubbish_over_it(writer: Writer) -> None:
    writer.path.write_bytes(random.Random(1).randbytes(writer.path.stat().st_size))


def cut_to_nothing(writer: Writer) -> None:
    os.truncate(writer.path, 0)


def cut_short(writer: Writer) -> None:
    writer.beat()
    os.truncate(writer.path, writer.path.stat().st_size - 4096)


def cut_short_before_the_log_is_moved(writer: Writer) -> None:
    writer.beat()
    writer.write()
    os.truncate(writer.path, writer.path.stat().st_size - 4096)


def cut_the_log(writer: Writer) -> None:
    os.truncate(log_of(writer.path), 0)


def cut_half_of_the_log(writer: Writer) -> None:
    os.truncate(log_of(writer.path), log_of(writer.path).stat().st_size // 2)


def write_over_the_log(writer: Writer) -> None:
    log = log_of(writer.path)
    log.write_bytes(random.Random(1).randbytes(log.stat().st_size))


def remove_the_log(writer: Writer) -> None:
    log_of(writer.path).unlink()


def put_another_log_in_its_place(writer: Writer) -> None:
    other = writer.root.parent / "other-wal"
    shutil.copyfile(log_of(writer.path), other)
    other.rename(log_of(writer.path))


def remove_the_index(writer: Writer) -> None:
    log_index_of(writer.path).unlink()


def restore_through_sqlite(writer: Writer) -> None:
    other = sqlite_module().connect(str(copy_of(writer)))
    writer.write()
    writer.watch.check()
    live = sqlite_module().connect(str(writer.path))
    other.backup(live)
    live.close()
    other.close()


CHANGES = {
    move_away: "not in its place any more; put it back",
    move_all_away: "not in its place any more",
    replace_the_folder: "another file is in its place",
    move_a_copy_into_its_place: "another file is in its place.* the database that was opened was deleted and is lost",
    delete: "was deleted and is lost; bring back a copy",
    write_an_older_copy_over_it: "was written over",
    write_other_books_over_it: "was written over",
    write_rubbish_over_it: "was written over",
    cut_to_nothing: "was cut to nothing",
    cut_short: "was cut short",
    cut_short_before_the_log_is_moved: "was cut short",
    cut_the_log: "its log was cut",
    cut_half_of_the_log: "its log was cut",
    write_over_the_log: "its log was cut or written over",
    remove_the_log: "its log was removed",
    put_another_log_in_its_place: "its log was removed or replaced.* what was in the place of its log is flotilla.db-",
    remove_the_index: "index of its log was removed",
    restore_through_sqlite: "replaced through SQLite",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_noticed_before_the_next_commit(change: Callable[[Writer], None], writer: Writer) -> None:
    change(writer)
    with pytest.raises(DatabaseChanged, match=CHANGES[change]) as noticed:
        writer.write()
    assert "\n" not in str(noticed.value)
    assert str(writer.path) in str(noticed.value)
    assert ("put it back" in str(noticed.value)) == (change in (move_away, move_all_away))


def cut_some_of_the_file(writer: Writer) -> None:
    os.truncate(writer.path, writer.path.stat().st_size - 3 * 4096)


WHILE_IT_COMMITS = [
    move_away,
    move_all_away,
    write_rubbish_over_it,
    cut_to_nothing,
    cut_some_of_the_file,
    cut_the_log,
    cut_half_of_the_log,
    write_over_the_log,
    remove_the_log,
    remove_the_index,
]


@pytest.mark.parametrize("change", WHILE_IT_COMMITS, ids=lambda change: change.__name__)
def test_a_change_between_look_and_commit_is_noticed_at_the_next_look(
    change: Callable[[Writer], None], writer: Writer
) -> None:
    with suppress(DatabaseError), transaction(writer.engine) as connection:
        connection.execute(text("INSERT INTO note (some) VALUES (randomblob(500))"))
        writer.watch.mark(connection)
        writer.watch.check()
        change(writer)
    with pytest.raises(DatabaseChanged):
        writer.watch.check()


@pytest.mark.parametrize("change", [cut_the_log, cut_half_of_the_log, write_over_the_log])
def test_what_sqlite_says_of_a_change_is_not_the_last_word(change: Callable[[Writer], None], writer: Writer) -> None:
    writer.engine.dispose()
    change(writer)
    with pytest.raises(DatabaseChanged, match="its log was cut"), transaction(writer.engine) as connection:
        connection.execute(text("SELECT sum(length(some)) FROM note"))
    assert writer.watch.is_lost


def test_a_link_that_leads_elsewhere_is_noticed_and_the_file_stays_whole(writer: Writer) -> None:
    copy = copy_of(writer)
    link = writer.root / "link.db"
    link.symlink_to(writer.path)
    engine = open_writer("sqlite:///link.db", writer.root)
    watch = watch_file(engine)
    with transaction(engine) as connection:
        watch.mark(connection)
    watch.begin()
    link.unlink()
    link.symlink_to(copy)
    with pytest.raises(DatabaseChanged, match=r"link\.db .*another file is in its place"):
        watch.check()
    assert log_of(writer.path).exists()


def test_what_the_log_held_is_in_the_file_that_was_moved_away(writer: Writer) -> None:
    move_away(writer)
    with pytest.raises(DatabaseChanged, match="what the log held was moved into the database that was opened"):
        writer.beat()
    moved = sqlite_module().connect(f"file:{writer.root / 'moved.db'}?immutable=1", uri=True)
    assert moved.execute("SELECT count(*) FROM note").fetchone() == (10,)
    assert not log_of(writer.path).exists()


def test_nothing_of_the_old_log_comes_into_a_copy_that_was_written_over_the_file(
    writer: Writer, tmp_path: Path
) -> None:
    copy = copy_of(writer)
    writer.beat()
    writer.write(50)
    writer.beat()
    writer.write(50)
    shutil.copyfile(copy, writer.path)
    with pytest.raises(DatabaseChanged, match=r"written over; .*; its log of until then is flotilla\.db-\d+T\d+Z-wal"):
        writer.beat()
    writer.close()
    assert writer.path.read_bytes() == copy.read_bytes()
    assert not log_of(writer.path).exists()
    assert list(writer.root.glob("flotilla.db-*Z-wal"))


@pytest.mark.parametrize("cut", [cut_to_nothing, cut_short, cut_short_before_the_log_is_moved])
@pytest.mark.parametrize("is_new_file", [False, True])
def test_nothing_of_the_old_log_comes_into_a_copy_that_is_brought_back(
    cut: Callable[[Writer], None], is_new_file: bool, writer: Writer
) -> None:
    copy = copy_of(writer)
    before = copy.read_bytes()
    for _ in range(3):
        writer.write(50)
        writer.beat()
    cut(writer)
    with pytest.raises(DatabaseChanged, match=r"bring back a copy; its log of until then is flotilla\.db-\d+T\d+Z-wal"):
        writer.write()
    writer.close()
    if is_new_file:
        copy.rename(writer.path)
    else:
        shutil.copyfile(copy, writer.path)
    # The last to close moves a log into the file; this process still has what was there open.
    module = sqlite_module().__name__
    read = f"import {module} as s; s.connect({str(writer.path)!r}).execute('SELECT count(*) FROM note').fetchone()"
    subprocess.run([sys.executable, "-c", read], check=True)
    assert writer.path.read_bytes() == before


def test_the_books_without_their_log_are_those_of_the_last_beat(writer: Writer) -> None:
    cut_half_of_the_log(writer)
    with pytest.raises(DatabaseChanged):
        writer.beat()
    kept = sqlite_module().connect(f"file:{writer.path}?immutable=1", uri=True)
    assert kept.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert kept.execute("SELECT count(*) FROM note").fetchone() == (5,)


def test_a_log_that_was_removed_loses_nothing(writer: Writer) -> None:
    remove_the_log(writer)
    with pytest.raises(DatabaseChanged, match="what the log held was moved into the database"):
        writer.beat()
    kept = sqlite_module().connect(f"file:{writer.path}?immutable=1", uri=True)
    assert kept.execute("SELECT count(*) FROM note").fetchone() == (10,)


OTHER_PROCESS = """
import sys
from shared.database import open_commands, open_reader, transaction
from shared.database_file import read_mark
opened, url = sys.argv[1:]
engine = {"reader": open_reader, "commands": open_commands}[opened](url)
with transaction(engine) as connection:
    read_mark(connection)
    if opened == "commands":
        connection.exec_driver_sql("INSERT INTO note (some) VALUES (randomblob(90000))")
engine.dispose()
"""


def fail_in_the_middle(writer: Writer) -> None:
    with transaction(writer.engine) as connection:
        connection.execute(text("INSERT INTO note (some) VALUES (randomblob(30000))"))
        writer.watch.mark(connection)
        raise ZeroDivisionError


def what_others_do(writer: Writer, chance: random.Random) -> None:
    """Do what may be done to a database while its writer runs."""
    url = f"sqlite:///{writer.path}"
    plain = sqlite_module().connect(str(writer.path), isolation_level=None)
    if (what := chance.randrange(11)) == 0:
        writer.beat()
    elif what == 1:
        plain.execute("VACUUM")
    elif what == 2:
        mode = chance.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
        plain.execute("PRAGMA busy_timeout=0")
        plain.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    elif what == 3:
        copy_of(writer)
    elif what == 4:
        upgrade(url)
    elif what == 5:
        reader = open_reader(url)
        with transaction(reader) as connection:
            connection.execute(text("SELECT count(*) FROM note"))
            writer.write(chance.randrange(1, 20))
            writer.beat()
        reader.dispose()
    elif what == 6:
        people = open_commands(url)
        with transaction(people) as connection:
            connection.execute(text("INSERT INTO note (some) VALUES (randomblob(20000))"))
        people.dispose()
    elif what == 7:
        plain.execute("DELETE FROM note WHERE id % 2")
        plain.execute("PRAGMA incremental_vacuum")
    elif what == 8:
        plain.execute("PRAGMA journal_size_limit=0")
        plain.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        plain.execute("INSERT INTO note (some) VALUES (NULL)")
    elif what == 9:
        with pytest.raises(ZeroDivisionError):
            fail_in_the_middle(writer)
    else:
        writer.write(chance.randrange(1, 60), chance.choice([10, 5_000]))
    plain.close()


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 100))])
def test_nothing_that_sqlite_itself_does_is_taken_for_a_change(seed: int, writer: Writer) -> None:
    chance = random.Random(seed)
    for _ in range(30):
        what_others_do(writer, chance)
        writer.watch.check()
        if chance.random() < 0.3:
            writer.write()
    # It would still be noticed.
    cut_to_nothing(writer)
    with pytest.raises(DatabaseChanged):
        writer.beat()


@pytest.mark.slow
@pytest.mark.parametrize("opened", ["reader", "commands"])
def test_other_processes_that_come_and_go_are_not_taken_for_a_change(opened: str, writer: Writer) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS, opened, f"sqlite:///{writer.path}"]
    for _ in range(5):
        others = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
        while any(other.poll() is None for other in others):
            writer.write(3, 3_000)
            writer.beat()
        assert [other.returncode for other in others] == [0, 0]
    writer.beat()


def test_a_writer_that_starts_anew_takes_what_is_there(writer: Writer) -> None:
    writer.close()
    again = Writer(writer.root)
    again.write()
    again.beat()
    again.close()


def test_a_server_looks_after_its_files_itself(engine: Engine) -> None:
    watch = watch_file(engine)
    with transaction(engine) as connection:
        watch.mark(connection)
    watch.begin()
    watch.check()
    engine.dispose()
    watch.close()


@pytest.mark.parametrize("opened", [open_reader, open_commands])
def test_who_reads_goes_on_with_the_file_that_is_there_now(
    opened: Callable[..., Engine], writer: Writer, tmp_path: Path
) -> None:
    reader = opened(URL, writer.root)
    count = text("SELECT count(*) FROM note")
    with transaction(reader) as connection:
        assert connection.execute(count).scalar_one() == 10
    copy = copy_of(writer)
    other = sqlite_module().connect(str(copy))
    other.execute("DELETE FROM note")
    other.commit()
    other.close()
    copy.rename(writer.path)
    with pytest.raises(DatabaseChanged):
        writer.beat()
    with transaction(reader) as connection:
        assert connection.execute(count).scalar_one() == 0
    reader.dispose()
