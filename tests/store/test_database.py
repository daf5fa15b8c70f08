"""Opening a database: what stands in the way is one sentence, and nothing is lost."""

import os
import sqlite3
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from shared import database
from shared.database import (
    ANEW_MS,
    BUSY_SECONDS,
    LONG_LOG_BYTES,
    checkpoint,
    open_commands,
    open_reader,
    open_writer,
    sqlite_module,
    transaction,
)
from shared.errors import DatabaseError
from shared.migrations import HEAD
from shared.migrations.upgrade import upgrade
from shared.tables import Heartbeat, Portfolio
from tests.store.fleets import open_books

PORTFOLIO = {
    "name": "flotilla",
    "quote": "USDT",
    "step_ms": 1,
    "market_label": "m",
    "broker_label": "b",
    "created_ms": 1,
}


def test_what_the_writer_commits_the_reader_sees(engine: Engine, url: str) -> None:
    with transaction(engine) as connection:
        connection.execute(insert(Portfolio), PORTFOLIO)
    reader = open_reader(url)
    with transaction(reader) as connection:
        assert connection.execute(select(Portfolio.name)).scalars().all() == ["flotilla"]
    reader.dispose()


def test_a_reader_cannot_write(engine: Engine, url: str) -> None:
    reader = open_reader(url)
    with pytest.raises(Exception, match=r"read-?only"), transaction(reader) as connection:
        connection.execute(insert(Portfolio), PORTFOLIO)
    reader.dispose()


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:

    def fail_in_the_middle() -> None:
        with transaction(engine) as connection:
            connection.execute(insert(Portfolio), PORTFOLIO)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    with transaction(engine) as connection:
        assert connection.execute(select(Portfolio.id)).all() == []


def test_references_must_lead_to_a_row(engine: Engine) -> None:
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(Heartbeat), {"portfolio_id": 99})


def test_a_reader_sees_one_moment(engine: Engine, url: str) -> None:
    reader = open_reader(url)
    with transaction(reader) as seen:
        assert seen.execute(select(Portfolio.id)).all() == []
        with transaction(engine) as connection:
            connection.execute(insert(Portfolio), PORTFOLIO)
        assert seen.execute(select(Portfolio.id)).all() == []
    reader.dispose()


def test_reads_that_a_write_rests_on_are_not_lost_between_threads(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        connection.execute(insert(Portfolio), PORTFOLIO)

    def count_up() -> None:
        for _ in range(25):
            with transaction(sqlite_engine) as connection:
                seen = connection.execute(select(Portfolio.created_ms)).scalar_one()
                connection.execute(update(Portfolio).values(created_ms=seen + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(sqlite_engine) as connection:
        assert connection.execute(select(Portfolio.created_ms)).scalar_one() == 101


def test_the_writer_waits_for_no_disk_less_than_full(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_the_log_is_emptied_when_the_writer_opens(sqlite_url: str, sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        open_books(connection)
    log = Path(str(sqlite_engine.url.database) + "-wal")
    assert log.stat().st_size > 0
    open_writer(sqlite_url).dispose()
    assert log.stat().st_size == 0


def write_much(engine: Engine) -> Path:
    """Make the log a long one, and give it."""
    log = Path(f"{engine.url.database}-wal")
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE much (some BLOB)"))
        connection.execute(text("INSERT INTO much VALUES (zeroblob(:bytes))"), {"bytes": LONG_LOG_BYTES})
    assert log.stat().st_size > LONG_LOG_BYTES
    return log


def write_little(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(insert(Portfolio), PORTFOLIO)


def read_by_turns(url: str, began: threading.Event, stop: threading.Event) -> None:
    """Read all the time, no transaction for long, the next begun before the last has ended."""
    reader = open_reader(url)
    with ExitStack() as last:
        while not stop.is_set():
            ends = last.pop_all()
            connection = last.enter_context(reader.begin())
            connection.execute(select(Portfolio.id)).all()
            ends.close()
            began.set()
            stop.wait(0.01)
    reader.dispose()


@pytest.mark.parametrize("tended", [True, False])
def test_a_long_log_begins_anew_although_somebody_always_reads(
    tended: bool, sqlite_engine: Engine, sqlite_url: str
) -> None:
    began, stop = threading.Event(), threading.Event()
    people = threading.Thread(target=read_by_turns, args=(sqlite_url, began, stop))
    people.start()
    try:
        assert began.wait(10)
        log = write_much(sqlite_engine)
        # As the worker does at each beat: a machine that stands still makes any reader a long one.
        for _ in range(5 if tended else 0):
            checkpoint(sqlite_engine)
        write_little(sqlite_engine)
        assert (log.stat().st_size <= LONG_LOG_BYTES) == tended
    finally:
        stop.set()
        people.join()


def test_a_reader_that_reads_on_keeps_the_log_and_nobody_waits_long(sqlite_engine: Engine, sqlite_url: str) -> None:
    reader = open_reader(sqlite_url)
    with transaction(reader) as connection:
        before = connection.execute(select(Portfolio.id)).all()
        log = write_much(sqlite_engine)
        began = time.monotonic()
        checkpoint(sqlite_engine)
        # A person's command waits as long.
        assert ANEW_MS / 1000 * 0.9 <= time.monotonic() - began < BUSY_SECONDS / 2
        write_little(sqlite_engine)
        assert log.stat().st_size > LONG_LOG_BYTES
        assert connection.execute(select(Portfolio.id)).all() == before
    reader.dispose()
    with transaction(sqlite_engine) as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == BUSY_SECONDS * 1000
    checkpoint(sqlite_engine)
    with transaction(sqlite_engine) as connection:
        connection.execute(update(Portfolio).values(step_ms=2))
    assert log.stat().st_size <= LONG_LOG_BYTES


def test_a_relative_path_starts_at_the_root_and_its_folder_is_made(tmp_path: Path) -> None:
    upgrade("sqlite:///state/deep/flotilla.db", tmp_path)
    assert (tmp_path / "state" / "deep" / "flotilla.db").is_file()


def test_a_path_may_hold_any_sign(tmp_path: Path) -> None:
    folder = tmp_path / "50% of #1 bots"
    upgrade("sqlite:///flotilla.db", folder)
    open_reader("sqlite:///flotilla.db", folder).dispose()
    assert {path.name.partition("-")[0] for path in folder.iterdir()} == {"flotilla.db"}


@pytest.mark.parametrize("opened", [open_reader, open_commands])
def test_a_reader_without_a_database_waits_for_the_worker(opened, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="waiting for the worker"):
        opened("sqlite:///flotilla.db", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opened", [open_reader, open_commands])
def test_a_reader_of_an_empty_database_waits_for_the_worker(opened, tmp_path: Path) -> None:
    open_writer("sqlite:///flotilla.db", tmp_path).dispose()
    with pytest.raises(DatabaseError, match="still empty: waiting for the worker"):
        opened("sqlite:///flotilla.db", tmp_path)


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "flotilla.db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x"]
)
def test_a_url_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"database\.url must"):
        open_writer(url)


def test_a_password_is_not_repeated_in_errors() -> None:
    for url in ("mysql://me:sesame@host/name", "postgresql://me:sesame@127.0.0.1:1/name"):
        with pytest.raises(DatabaseError) as refused:
            open_writer(url)
        assert "sesame" not in str(refused.value)


def test_a_server_that_is_away_is_one_sentence() -> None:
    with pytest.raises(DatabaseError, match="must be reachable and in order") as refused:
        open_writer("postgresql://127.0.0.1:1/flotilla")
    assert "\n" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(DatabaseError, match="folder .* must be writable"):
        open_writer("sqlite:///state/flotilla.db", tmp_path)


def test_a_folder_that_may_not_be_written_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            # Root may write everywhere.
            if os.geteuid() == 0:
                os.setuid(65534)
            try:
                open_writer("sqlite:///flotilla.db", Path(folder))
            except DatabaseError as error:
                os.write(writing, str(error).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            assert "must be readable and its folder writable for this user" in said.read()
        os.waitpid(child, 0)


def test_a_file_that_is_no_database_is_one_sentence_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "flotilla.db"
    file.write_bytes(b"not a database, but somebody's letter to somebody" * 100)
    before = file.read_bytes()
    with pytest.raises(DatabaseError, match="not a database"):
        open_writer("sqlite:///flotilla.db", tmp_path)
    assert file.read_bytes() == before


@pytest.mark.parametrize("opened", [open_writer, open_reader, open_commands, upgrade])
def test_a_newer_database_is_refused_and_stays(opened, engine: Engine, url: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match=r"9999: it belongs to a newer Flotilla"):
        opened(url)
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_an_older_database_is_not_read(engine: Engine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "HEAD", "9000")
    with pytest.raises(DatabaseError, match=f"must be of version 9000, was {HEAD}.*flotilla db upgrade"):
        open_reader(url)


def test_an_sqlite_that_two_processes_may_corrupt_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite_module().sqlite_version_info >= database.OLDEST_SQLITE
    monkeypatch.setattr(database, "OLDEST_SQLITE", (99, 0, 0))
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(DatabaseError, match=r"SQLite must be 99\.0\.0 or newer"):
        sqlite_module()


def test_a_locked_database_is_one_sentence(sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction(sqlite_engine):
        other = sqlite_module().connect(str(sqlite_engine.url.database), timeout=0.05, isolation_level=None)
        with pytest.raises(sqlite_module().OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
