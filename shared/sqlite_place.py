"""What stands where an SQLite database is to be, before SQLite is asked to open it.

A named pipe would be waited for, and of the rest SQLite only says that it cannot be opened.
"""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from shared.errors import UnusableDatabase
from shared.regular_file import NotAFile, open_regular, require_regular

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
PROBE_BYTES = 64 * 1024
MAGIC = b"SQLite format 3\x00"


def log_of(path: Path) -> Path:
    """Name the log of a database."""
    return path.with_name(f"{path.name}-wal")


def log_index_of(path: Path) -> Path:
    """Name the index of a database's log, which all processes that use it share."""
    return path.with_name(f"{path.name}-shm")


class Identity(NamedTuple):
    """Which file this is, whatever its name."""

    device: int
    inode: int


def identity(path: Path) -> Identity | None:
    """Tell which file has a name now; none where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino)


def has_room(folder: Path) -> bool:
    """Say whether a file in a folder may grow; quotas count."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
    except OSError as error:
        return error.errno not in NO_ROOM
    return True


def follow_file(engine: Engine, path: Path) -> None:
    """Let an engine that reads open its connections anew where database, log or index are no longer those it opened."""
    files = (path, log_of(path), log_index_of(path))

    @event.listens_for(engine, "checkout")
    def _compare(_connection: Any, record: Any, _fairy: Any) -> None:
        there = tuple(identity(file) for file in files)
        known = record.info.setdefault("files", there)
        # The first to read makes log and index where there are none.
        if any(before is not None and before != now for before, now in zip(known, there, strict=True)):
            raise InvalidatePoolError(f"database {path} is another file now")
        record.info["files"] = there


def require_place(path: Path) -> None:
    """Raise UnusableDatabase unless this user may write a database there, or make one; makes nothing.

    To be asked before this process opens it: SQLite would lose its locks on a file that is read beside it.
    """
    folder = next(place for place in path.parents if os.path.lexists(place))
    if not folder.is_dir():
        raise UnusableDatabase(f"database folder {folder} must be a folder, was none")
    if folder == path.parent:
        require_file(path, to_write=True)
        _require_database(path)
    elif not os.access(folder, os.W_OK | os.X_OK):
        raise UnusableDatabase(f"database folder {folder} must be writable for this user, was not{_read_only(folder)}")


def require_file(path: Path, to_write: bool) -> None:
    """Raise UnusableDatabase unless a database and its log are files this user may read, or are not there yet.

    With `to_write` they and their folder must be writable, too.
    """
    for place in (path, log_of(path), log_index_of(path)):
        _require_kind(place)
        _require_access(place, os.R_OK, "readable")
        if to_write:
            _require_access(place, os.W_OK, "writable")
    if to_write and not os.access(path.parent, os.W_OK | os.X_OK):
        raise UnusableDatabase(
            f"database {path} must be readable and its folder writable for this user, was not{_read_only(path.parent)}"
        )


def _require_database(path: Path) -> None:
    if not path.exists():
        return
    with open_regular(path) as file:
        begins = file.read(len(MAGIC))
    if begins and begins != MAGIC:
        raise UnusableDatabase(f"database {path} must be an SQLite database or empty, was neither")


def _require_kind(place: Path) -> None:
    try:
        require_regular(place)
    except FileNotFoundError:
        return
    except NotAFile as error:
        raise UnusableDatabase(f"database {place} {error}") from error
    except OSError as error:
        raise UnusableDatabase(f"database {place} must be readable for this user, was not: {error.strerror}") from error


def _require_access(place: Path, mode: int, word: str) -> None:
    if place.exists() and not os.access(place, mode):
        raise UnusableDatabase(f"database {place} must be {word} for this user, was not{_read_only(place)}")


def _read_only(place: Path) -> str:
    return ": its file system is read-only" if os.statvfs(place).f_flag & os.ST_RDONLY else ""
