"""The file that an SQLite database is in: whether what is there by its name is still what this process writes to.

Somebody may move, replace, cut or write over it while it is open. SQLite goes on with what it has open and says
nothing, or much later that it is malformed. So the writer leaves a mark in the header with each commit (`user_version`,
begun at random with each run), and looks now and then whether file and log are the ones it opened.
"""

import ctypes
import os
import secrets
import struct
import time
import weakref
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, ExceptionContext, PoolProxiedConnection, event

from shared.clock import Clock, SystemClock
from shared.database import sqlite_module
from shared.errors import DatabaseChanged
from shared.sqlite_place import MAGIC, Identity, identity, log_index_of, log_of
from shared.units import to_datetime

# Another process may move the log into the file just then: what is found must be found in every look.
LOOKS = 3
SECONDS_BETWEEN = 0.05
FIRST_MARKS = 2**30

_LOG_HEADER, _FRAME_HEADER = 32, 24
_INDEX_BYTES = 100


_TAKEN_UP = "the next start takes up what is there, if it is whole books of this fleet"


class Finding(Enum):
    """What became of the file; the value says what was found, and what to do about it."""

    GONE = "is not in its place any more; put it back"
    DELETED = "was deleted and is lost; bring back a copy"
    REPLACED = f"another file is in its place; {_TAKEN_UP}"
    OVERWRITTEN = f"was written over; {_TAKEN_UP}"
    REWRITTEN = f"was replaced through SQLite; {_TAKEN_UP}"
    EMPTIED = "was cut to nothing; bring back a copy"
    SHORTENED = "was cut short; bring back a copy"
    LOG_GONE = "its log was removed or replaced"
    LOG_CUT = "its log was cut or written over; the next start and `flotilla doctor` say which steps are lost"
    INDEX_GONE = "the index of its log was removed or replaced"


# A copy will stand beside the log, or stands there.
_LOG_WOULD_MIX = frozenset(
    {
        Finding.GONE,
        Finding.DELETED,
        Finding.REPLACED,
        Finding.OVERWRITTEN,
        Finding.EMPTIED,
        Finding.SHORTENED,
        Finding.LOG_GONE,
        Finding.LOG_CUT,
    }
)
# What the log holds still belongs to the file that is open, wherever that is now.
_LOG_IS_GOOD = frozenset({Finding.GONE, Finding.REPLACED, Finding.LOG_GONE, Finding.INDEX_GONE})


class Watch(Protocol):
    """What the worker asks of its database besides transactions."""

    @property
    def is_lost(self) -> bool:
        """Whether file or log were found changed: nothing may be written any more."""
        ...

    def mark(self, connection: Connection) -> int:
        """Leave a new mark with what a transaction writes, and give it."""
        ...

    def begin(self) -> None:
        """Take what is there now for the database; to be called after the commit of the first mark.

        From then on a statement that fails looks too, and raises as `check` does: SQLite blames the disk.
        """
        ...

    def check(self) -> None:
        """Raise DatabaseChanged where file or log are no longer those of `begin`; the database must be left then."""
        ...

    def close(self) -> None:
        """Look no more; to be called when no connection is open any more."""
        ...


def read_mark(connection: Connection) -> int:
    """Give the mark in the database, as a transaction reads it."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def watch_file(engine: Engine) -> Watch:
    """Watch the file of an engine that `open_writer` made; a server watches its own."""
    return DatabaseFile(engine) if engine.dialect.name == "sqlite" else NoFile()


class NoFile:
    """A database of a server, which looks after its files itself."""

    is_lost = False

    def mark(self, connection: Connection) -> int:
        return 0

    def begin(self) -> None:
        return

    def check(self) -> None:
        return

    def close(self) -> None:
        return


class _Marks:
    """The marks this process has written; they begin at random, so that those of another run are none of them."""

    def __init__(self) -> None:
        self.first = self.last = secrets.randbelow(FIRST_MARKS) + 1

    def next(self) -> int:
        self.last += 1
        return self.last


class _Sight:
    """Which mark was seen last in one place; there it may stay, or become a later one."""

    def __init__(self, marks: _Marks, seen: int) -> None:
        self._marks = marks
        self._seen = seen

    def take(self, mark: int) -> bool:
        """See a mark, and say whether that is as it should be."""
        first, last = self._marks.first, self._marks.last
        # What was there before this run says nothing of the order.
        came_after = self._seen if first < self._seen <= last else first
        if mark != self._seen and not came_after < mark <= last:
            return False
        self._seen = mark
        return True


class _Index(NamedTuple):
    """What the index of the log says of it (sqlite.org/walformat.html#the_wal_index_file_format)."""

    frames: int
    checksum: tuple[int, int]
    salts: bytes
    moved: int

    @classmethod
    def read(cls, held: int) -> "_Index":
        """Read an index that is held open; its numbers are in the machine's order of bytes, the log's are not."""
        found = os.pread(held, _INDEX_BYTES, 0).ljust(_INDEX_BYTES, b"\0")
        frames, _, *checksum = struct.unpack("=IIII", found[16:32])
        (moved,) = struct.unpack("=I", found[96:100])
        return cls(frames, (checksum[0], checksum[1]), found[32:40], moved)


class DatabaseFile:
    """The file of a database that this process writes to; see `Watch`."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()
        self._path = Path(str(engine.url.database))
        # A link may come to lead elsewhere: others follow it when they open.
        self._name = Path(engine.get_execution_options().get("name_of_file", self._path))
        self._log, self._log_index = log_of(self._path), log_index_of(self._path)
        self._marks = _Marks()
        self._identities: tuple[Identity | None, ...] = ()
        self._held = self._held_index = -1
        self._seen_bytes = 0
        self._seen_index: _Index | None = None
        self._changed: DatabaseChanged | None = None

    @property
    def is_lost(self) -> bool:
        return self._changed is not None

    def mark(self, connection: Connection) -> int:
        mark = self._marks.next()
        connection.exec_driver_sql(f"PRAGMA user_version={mark}")
        return mark

    def begin(self) -> None:
        # One of its own: the pool would open what has the name now.
        self._raw = self._engine.raw_connection()
        self._raw.detach()
        self._move_log()
        self._identities = tuple(identity(path) for path in self._files())
        # Held open to the end: closing it would take from SQLite its locks on the file
        # (sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
        self._held, self._held_index = (os.open(path, os.O_RDONLY) for path in (self._path, self._log_index))
        self._let_go = weakref.finalize(self, _close, self._raw, self._held, self._held_index)
        # That of an earlier run, where a reader kept the log from being moved into the file.
        self._in_file = _Sight(self._marks, _mark_in(self._header()))
        self._read = _Sight(self._marks, self._read_mark() or 0)
        self.check()
        event.listen(self._engine, "handle_error", self._look_after)

    def check(self) -> None:
        if self._changed is not None:
            raise self._changed
        found = self._look()
        for _ in range(LOOKS - 1):
            if found is None:
                return
            time.sleep(SECONDS_BETWEEN)
            found = self._look()
        if found is not None:
            self._changed = DatabaseChanged(self._leave(found))
            raise self._changed

    def close(self) -> None:
        if event.contains(self._engine, "handle_error", self._look_after):
            event.remove(self._engine, "handle_error", self._look_after)
        if self._identities:
            self._let_go()

    def _look_after(self, _error: ExceptionContext) -> None:
        self.check()

    def _files(self) -> tuple[Path, Path, Path]:
        return self._path, self._log, self._log_index

    def _look(self) -> Finding | None:
        file, log, index = self._identities
        there = identity(self._name)
        if there is None:
            return Finding.GONE if self._has_a_name() else Finding.DELETED
        if there != file:
            return Finding.REPLACED
        header = self._header()
        if not header:
            return Finding.EMPTIED
        if not header.startswith(MAGIC) or not self._in_file.take(_mark_in(header)):
            return Finding.OVERWRITTEN
        if identity(self._log) != log:
            return Finding.LOG_GONE
        if identity(self._log_index) != index:
            return Finding.INDEX_GONE
        if found := self._look_at_lengths(header):
            return found
        mark = self._read_mark()
        return Finding.REWRITTEN if mark is not None and not self._read.take(mark) else None

    def _look_at_lengths(self, header: bytes) -> Finding | None:
        page_bytes, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
        index = _Index.read(self._held_index)
        if not self._log_has(self._known_ends(index), page_bytes):
            return Finding.LOG_CUT
        self._seen_index = index
        found_bytes = os.fstat(self._held).st_size
        # Pages of the log that were not moved may be beyond the end, but SQLite cuts no file shorter than it says.
        is_short = found_bytes < pages * page_bytes
        if is_short and (index.frames == index.moved or found_bytes < self._seen_bytes):
            return Finding.SHORTENED
        self._seen_bytes = found_bytes
        return None

    def _known_ends(self, index: _Index) -> list[_Index]:
        """Give the index as it is and, until the log begins anew, as it was: what was cut may be written beyond."""
        seen = self._seen_index
        return [known for known in (seen, index) if known is not None and known.frames and known.salts == index.salts]

    def _log_has(self, ends: list[_Index], page_bytes: int) -> bool:
        """Say whether the log has the frames that are the last ones of these indexes."""
        if not ends:
            return True
        try:
            log = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return all(_ends_in(log, index, _FRAME_HEADER + page_bytes) for index in ends)
        finally:
            os.close(log)

    def _has_a_name(self) -> bool:
        return os.fstat(self._held).st_nlink > 0

    def _header(self) -> bytes:
        return os.pread(self._held, 100, 0)

    def _leave(self, found: Finding) -> str:
        """Save what can be, keep SQLite's hands off the rest, and say so."""
        saved = self._save_log() if found in _LOG_IS_GOOD else ""
        aside = self._put_log_aside(found) if found in _LOG_WOULD_MIX else ""
        # Until the process is gone: the last connection to close would move the log, and remove what has its name.
        self._let_go.detach()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._raw))
        return f"database {self._name} must stay the file that the worker opened, was not: {found.value}{saved}{aside}"

    def _save_log(self) -> str:
        """Move what the log holds to where it belongs, whatever the name of that is now."""
        if not self._has_a_name():
            return "; the database that was opened was deleted and is lost"
        self._move_log()
        index = _Index.read(self._held_index)
        if index.frames == index.moved:
            return "; what the log held was moved into the database that was opened"
        return "; what the log held could not all be moved into the database that was opened"

    def _put_log_aside(self, found: Finding) -> str:
        """Take the log from beside what is there now: SQLite would mix its pages into a file they do not belong to."""
        path, log, index = self._files()
        file, own_log, own_index = self._identities
        # A link may lead elsewhere now while the file is where it was.
        stayed = identity(path) == file and identity(self._name) != file
        is_own = identity(log) == own_log
        if stayed or not (is_own or found is Finding.LOG_GONE):
            return ""
        moment = to_datetime(self._clock.now_ms()).strftime("%Y%m%dT%H%M%S%fZ")
        aside = path.with_name(f"{path.name}-{moment}-wal")
        with suppress(OSError):
            log.rename(aside)
            if identity(index) == own_index:
                index.unlink()
            return f"; {'its log of until then' if is_own else 'what was in the place of its log'} is {aside.name}"
        return ""

    def _read_mark(self) -> int | None:
        """Read the mark as others do; none where that fails, as it may while somebody opens."""
        with suppress(sqlite_module().Error):
            return int(self._ask("user_version")[0])
        return None

    def _move_log(self) -> None:
        """Move what the log holds into the file, as far as that can be done now."""
        with suppress(sqlite_module().Error):
            self._ask("wal_checkpoint(PASSIVE)")

    def _ask(self, pragma: str) -> Any:
        cursor = self._raw.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        return cursor.fetchall()[0]


def _mark_in(header: bytes) -> int:
    return int.from_bytes(header[60:64], signed=True)


def _ends_in(log: int, index: _Index, frame_bytes: int) -> bool:
    begins = _LOG_HEADER + (index.frames - 1) * frame_bytes
    header = os.pread(log, _FRAME_HEADER, begins)
    is_whole = len(header) == _FRAME_HEADER and os.fstat(log).st_size >= begins + frame_bytes
    return is_whole and header[8:16] == index.salts and struct.unpack(">II", header[16:24]) == index.checksum


def _close(raw: PoolProxiedConnection, *held: int) -> None:
    raw.close()
    for file in held:
        os.close(file)
