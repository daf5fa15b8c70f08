"""Whom the files of a database are for: their owner alone, whatever the umask, unless a person decided otherwise."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

import shared.migrations.upgrade as upgrading
from shared.database import open_writer, transaction
from shared.private_files import private_files
from shared.sqlite_place import log_index_of, log_of

URL = "sqlite:///elsewhere/books/flotilla.db"


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes_below(folder: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in folder.rglob("*")}


def test_database_log_and_copy_are_for_their_owner_alone(tmp_path: Path) -> None:
    upgrading.upgrade(URL, tmp_path)
    engine = open_writer(URL, tmp_path)
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    copy = upgrading._backup(engine, "0001", upgrading.SystemClock())
    assert copy is not None
    expected = {
        **dict.fromkeys(("elsewhere", "books", "backups"), 0o700),
        **dict.fromkeys(("flotilla.db", "flotilla.db-wal", "flotilla.db-shm", copy.name), 0o600),
    }
    assert modes_below(tmp_path) == expected
    engine.dispose()


def test_who_lets_others_read_a_database_lets_them_read_its_log(tmp_path: Path) -> None:
    upgrading.upgrade(URL, tmp_path)
    file = tmp_path / "elsewhere" / "books" / "flotilla.db"
    file.chmod(0o640)
    file.parent.chmod(0o750)
    engine = open_writer(URL, tmp_path)
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    assert [mode(path) for path in (file, log_of(file), log_index_of(file), file.parent)] == [0o640] * 3 + [0o750]
    engine.dispose()


def test_what_a_program_makes_is_private_until_it_ends(tmp_path: Path) -> None:
    with private_files():
        (tmp_path / "private").touch()
    (tmp_path / "open").touch()
    assert modes_below(tmp_path) == {"private": 0o600, "open": 0o666}


def test_a_stricter_umask_stays_as_it_is() -> None:
    os.umask(0o177)
    with private_files():
        assert os.umask(0o177) == 0o177
