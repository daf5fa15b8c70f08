"""What the operating system holds for a worker: its files, the lock that keeps it alone, its signals."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from shared.database import sqlite_path
from shared.errors import ConfigurationError, DatabaseError, LeaseError
from shared.private_files import make_folders
from shared.regular_file import read_regular
from shared.secret_url import SecretUrl, revealed, shown_url
from shared.state_folder import state_folder
from shared.units import format_time

RUNNING_FILE = Path("run") / "worker.running"
BOOKS_FILE = Path("run") / "worker.books"


@dataclass(frozen=True)
class ProcessFiles:
    """Where a worker keeps its lock and counts its crashes."""

    lock: Path
    crashes: Path


def process_files(root: Path, database_url: SecretUrl | str, portfolio: str) -> ProcessFiles:
    """Name the files of the worker that keeps a portfolio's books in a database.

    They stand beside an SQLite file, so that two checkouts that share one exclude each other too; for a server they are
    in `run/` and `state/` of the project.
    """
    shown = shown_url(revealed(database_url))
    if shown.startswith("sqlite"):
        database = sqlite_path(database_url, root)
        return ProcessFiles(
            database.with_name(f"{database.name}.{portfolio}.lock"),
            database.with_name(f"{database.name}.{portfolio}.crashes.json"),
        )
    key = hashlib.sha256(f"{shown} {portfolio}".encode()).hexdigest()[:8]
    state = state_folder(root, database_url)
    return ProcessFiles(root / "run" / f"worker-{key}.lock", state / f"worker-{key}.crashes.json")


def owner_of(path: Path) -> str:
    """Name whom a file belongs to; where it cannot be looked at, whom the folder does that hides it."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            user = place.stat().st_uid
            try:
                return pwd.getpwuid(user).pw_name
            except KeyError:
                return f"user {user}"
    return "somebody else"


class HostLock:
    """The lock that one worker process of a portfolio holds on a host; the kernel frees it however the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def acquire(self, now_ms: int) -> None:
        """Take the lock and write who holds it; LeaseError names the living holder and since when it holds."""
        try:
            make_folders(self._path.parent)
            file = self._path.open("a+")
        except OSError as error:
            raise ConfigurationError(f"lock {self._path} must be writable, was not: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise LeaseError(f"another worker {self._holder()} is running on these books; it was left alone") from error
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since_ms": now_ms}))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; the file stays, for removing it could free a name another process has just locked."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _holder(self) -> str:
        try:
            holder = json.loads(read_regular(self._path))
            return f"(process {holder['pid']}, since {format_time(holder['since_ms'])})"
        except (OSError, ValueError, KeyError, TypeError):
            return "(process unknown)"


class RunningMark:
    """The file that names the worker under a supervisor, from when it has taken its books up until it lets them go.

    A log rolls; this is how `make run` knows that the worker does not only exist. A second file says in which folder
    this supervisor's workers have had their books, for a folder that is moved away takes every trace of them along.
    """

    def __init__(self, root: Path, books: Path) -> None:
        self._path = root / RUNNING_FILE
        self._books_path = root / BOOKS_FILE
        self._books = books
        self._had_books = f"{os.getppid()} {books}"

    def require_books(self) -> None:
        """Raise DatabaseError where the folder is gone: the next worker must not begin other books in its place."""
        with contextlib.suppress(OSError):
            if not self._books.exists() and self._books_path.read_text() == self._had_books:
                raise DatabaseError(
                    f"folder {self._books} must be there, for the books were in it, was not: bring it back; after "
                    "`make stop`, `make run` begins new ones"
                )

    def write(self) -> None:
        # A disk that is full keeps nobody from trading.
        with contextlib.suppress(OSError):
            self._books_path.write_text(self._had_books)
            self._path.write_text(str(os.getpid()))

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def running_process(root: Path) -> int | None:
    """Give the process id that a worker under a supervisor left when it had taken its books up."""
    try:
        return int(read_regular(root / RUNNING_FILE))
    except (OSError, ValueError):
        return None


class Wakes:
    """What interrupts the loop's sleep: a stop, a reload, a bar close, a note from another thread.

    `SimpleQueue.put` may be called in a signal handler while the same thread sleeps in `get`; `Event.set` may not.
    """

    def __init__(self, parent_gone: Callable[[], bool] | None = None) -> None:
        self.reload_asked = False
        self.bar_closed = False
        self.notes: deque[str] = deque()
        self._stop_asked = False
        self._parent_gone = parent_gone or (lambda: False)
        self._bell: SimpleQueue[None] = SimpleQueue()

    def stopping(self) -> bool:
        """Tell whether the process is to end, asked for or because its supervisor is gone."""
        return self._stop_asked or self._parent_gone()

    def stop(self) -> None:
        self._stop_asked = True
        self._bell.put(None)

    def ask_reload(self) -> None:
        self.reload_asked = True
        self._bell.put(None)

    def close_bar(self) -> None:
        self.bar_closed = True
        self._bell.put(None)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self._bell.put(None)

    def sleep(self, seconds: float) -> None:
        """Sleep until something happens, `seconds` at most."""
        with contextlib.suppress(Empty):
            self._bell.get(timeout=max(seconds, 0.0))
            while True:
                self._bell.get_nowait()

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, whatever happens but a stop."""
        until = time.monotonic() + seconds
        while not self.stopping() and time.monotonic() < until:
            self.sleep(min(until - time.monotonic(), 1.0))


@contextlib.contextmanager
def signals_to(wakes: Wakes, on_stop: Callable[[], None]) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into a stop and SIGHUP into a reload; a second Ctrl-C ends the process on the spot."""

    def stop(number: int, _frame: FrameType | None) -> None:
        wakes.stop()
        on_stop()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def reload(_number: int, _frame: FrameType | None) -> None:
        wakes.ask_reload()

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        with _told_of_stops(on_stop):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _told_of_stops(on_stop: Callable[[], None]) -> Iterator[None]:
    """Call `on_stop` in a thread at once: a handler waits until the main thread is back from a library's long call."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        while number := os.read(reading, 1):
            if number[0] in (signal.SIGTERM, signal.SIGINT):
                on_stop()
        os.close(reading)

    threading.Thread(target=listen, name="stops", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
