"""What stands in a database's place and is none: a sentence, and the exit code of what a person must change."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from shared.database import open_commands, open_reader, open_writer, require_place_to_write, transaction
from shared.errors import DatabaseError, DiskFull, UnusableDatabase
from shared.migrations.upgrade import upgrade
from shared.settings import load_settings
from worker.process.service import serve

URL = "sqlite:///flotilla.db"
OPENED = [open_writer, open_reader, open_commands, upgrade]


def a_folder(place: Path) -> None:
    place.mkdir()


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


def a_socket(place: Path) -> None:
    # A socket's path may have some 100 characters only.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{folder}/socket")
        Path(folder, "socket").rename(place)


def a_device(place: Path) -> None:
    place.symlink_to("/dev/zero")


def a_ring_of_links(place: Path) -> None:
    place.symlink_to(place)


def a_letter(place: Path) -> None:
    place.write_bytes(b"not a database, but somebody's letter to somebody" * 100)


PLACED = {
    a_folder: "must be a file, was a folder",
    a_pipe: "must be a file, was a named pipe",
    a_socket: "must be a file, was a socket",
    a_device: "must be a file, was a device",
    a_ring_of_links: "must be a file, could not be found",
    a_letter: "file is not a database",
}


@pytest.mark.parametrize("opened", OPENED)
@pytest.mark.parametrize("put", PLACED, ids=lambda put: put.__name__)
def test_what_is_no_database_is_one_sentence_and_78(
    put: Callable[[Path], None], opened: Callable[..., object], tmp_path: Path
) -> None:
    put(tmp_path / "flotilla.db")
    with pytest.raises(DatabaseError, match=PLACED[put]) as refused:
        opened(URL, tmp_path)
    assert refused.value.exit_code == 78
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("put", PLACED, ids=lambda put: put.__name__)
def test_a_worker_that_is_refused_leaves_nothing_beside(put: Callable[[Path], None], tmp_path: Path) -> None:
    put(tmp_path / "flotilla.db")
    made: list[object] = []
    assert serve(lambda: load_settings(None, {"FLOTILLA_DATABASE__URL": URL}), made.append, tmp_path) == 78
    assert [path.name for path in tmp_path.iterdir()] == ["flotilla.db"]
    assert not made


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_folder_in_the_place_of_the_log_is_named(suffix: str, tmp_path: Path) -> None:
    upgrade(URL, tmp_path)
    (tmp_path / f"flotilla.db{suffix}").mkdir()
    with pytest.raises(UnusableDatabase, match=rf"flotilla\.db{suffix} must be a file, was a folder"):
        open_writer(URL, tmp_path)


def test_a_file_in_the_place_of_the_folder_is_78(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(UnusableDatabase, match="folder .* must be writable"):
        open_writer("sqlite:///state/flotilla.db", tmp_path)
    with pytest.raises(UnusableDatabase, match="database folder .*state must be a folder, was none"):
        require_place_to_write("sqlite:///state/flotilla.db", tmp_path)


@pytest.mark.parametrize("state", ["", "state"])
def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_made(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, asked: not asked & os.W_OK)
    with pytest.raises(UnusableDatabase, match=r"database .* writable for this user, was not"):
        require_place_to_write(f"sqlite:///{state}/flotilla.db".replace("////", "///"), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mode", "opened", "said"),
    [
        (0o000, open_writer, "readable"),
        (0o444, open_writer, "writable"),
        (0o000, open_reader, "readable"),
    ],
)
def test_a_file_of_others_is_one_sentence_and_78(
    mode: int, opened: Callable[..., object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(URL, tmp_path)
    (tmp_path / "flotilla.db").chmod(mode)
    if os.geteuid() == 0:
        # Root may do everything: what the mode says to anybody else.
        monkeypatch.setattr(os, "access", lambda path, asked: bool(Path(path).stat().st_mode >> 6 & asked))
    with pytest.raises(UnusableDatabase, match=f"must be {said} for this user, was not"):
        opened(URL, tmp_path)


def limit_pages(engine: Engine, more: int) -> None:
    """Let a database grow by so many pages and no more: what SQLite says then is what it says on a full disk."""
    with transaction(engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + more}")


def test_a_full_disk_has_an_error_of_its_own_and_leaves_nothing_of_the_transaction(tmp_path: Path) -> None:
    upgrade(URL, tmp_path)
    engine = open_writer(URL, tmp_path)
    limit_pages(engine, 20)

    def write_too_much() -> None:
        with transaction(engine) as connection:
            connection.execute(text("CREATE TABLE note (some BLOB)"))
            for _ in range(50):
                connection.execute(text("INSERT INTO note VALUES (randomblob(4000))"))

    with pytest.raises(DiskFull, match="must have room to grow, had none") as full:
        write_too_much()
    assert full.value.exit_code == 69
    with transaction(engine) as connection:
        assert not connection.execute(text("SELECT * FROM sqlite_master WHERE name = 'note'")).all()
    engine.dispose()
