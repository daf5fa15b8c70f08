"""A database that hangs does not take the page with it: whoever asks it waits so long, and is told.

A server behind a broken line, a disk that does not answer: such a call does not fail, it never ends, and would hold the
session that made it. So each runs in a thread of its own, and the session waits for it.
"""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum, auto
from threading import Event, Lock
from time import monotonic
from typing import Any

from shared.errors import DatabaseError

# As long as a worker may take to answer before the page says so.
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.1
PROBE_SECONDS = 1.0
# Where a call hangs another is tried from time to time: it may be that one call alone.
RETRY_SECONDS = 15.0

Ask = Callable[[], Any]
# A writer asks it before it commits.
IsWanted = Callable[[], bool]


class Size(Enum):
    """What is asked; each has threads of its own, so that none queues behind what takes longer."""

    # A row or two: overdue after some seconds.
    SMALL = auto()
    # What live parts show.
    LIVE = auto()
    # What is read of a long history.
    LARGE = auto()


# As many together as the database takes connections (`shared.database`). Some of the small may hang for good.
THREADS = {Size.SMALL: 6, Size.LIVE: 4, Size.LARGE: 5}


@dataclass(frozen=True, eq=False)
class _Call:
    future: Future[Any]
    began: float
    size: Size

    def age(self) -> float:
        return monotonic() - self.began


class Patience:
    """Runs what asks a database, the same once for all who ask at the same time.

    It hangs when a small question is overdue, and no longer when one that was asked later has been answered. What is
    not small takes as long as it takes, while small questions are answered.
    """

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._seconds = seconds
        self._threads = {size: ThreadPoolExecutor(count, size.name.lower()) for size, count in THREADS.items()}
        # One, so that what is written is written in the order it was asked for.
        self._writer = ThreadPoolExecutor(1, "writer")
        self._lock = Lock()
        self._calls: dict[Hashable, _Call] = {}
        self._left: list[_Call] = []
        self._answered = 0.0

    def small(self, key: Hashable, ask: Ask, looking: Ask | None = None) -> Any:
        """Ask what is small; `looking` is called while it waits and may end the waiting by what it raises.

        Raises DatabaseError where no answer comes in time.
        """
        call = self._call(key, ask, Size.SMALL)
        while not _is_done(call):
            if call.age() > self._seconds:
                raise self._hangs()
            if looking is not None:
                looking()
        return call.future.result()

    def ask(self, size: Size, key: Hashable, ask: Ask, probe: tuple[Hashable, Ask]) -> Any:
        """Ask what may take long; `probe` is something small that tells whether the database answers at all.

        Raises DatabaseError where it does not.
        """
        call, probed = self._call(key, ask, size), monotonic() + self._seconds - PROBE_SECONDS
        while not _is_done(call):
            if self._is_hanging():
                raise self._hangs()
            if monotonic() - probed > PROBE_SECONDS:
                probed = monotonic()
                self.small(*probe)
        return call.future.result()

    def write(self, write: Callable[[IsWanted], Any], seconds: float) -> Any:
        """Write something, once, in the order people asked for it; raises DatabaseError where that takes too long.

        What was given up is not committed later, as far as `write` asks before it commits.
        """
        given_up = Event()
        future = self._writer.submit(write, lambda: not given_up.is_set())
        wait((future,), seconds)
        given_up.set()
        # What came to its end in the very last moment is done.
        if future.done():
            return future.result()
        what = "was not written" if future.cancel() else "is given up unless it is being committed at this moment"
        raise DatabaseError(
            f"the database must have taken this within {seconds:g} s, has not: it hangs, and this {what}"
        )

    def _hangs(self) -> DatabaseError:
        return DatabaseError(f"the database must answer within {self._seconds:g} s, did not: it hangs")

    def _is_hanging(self) -> bool:
        with self._lock:
            return bool(self._overdue())

    def _overdue(self) -> list[_Call]:
        calls = [call for call in (*self._calls.values(), *self._left) if call.size is Size.SMALL]
        return [
            call
            for call in calls
            if not call.future.done() and call.began > self._answered and call.age() > self._seconds
        ]

    def _call(self, key: Hashable, ask: Ask, size: Size) -> _Call:
        """Join a call or begin one."""
        with self._lock:
            self._forget_what_is_done()
            known, overdue = self._calls.get(key), self._overdue()
            if known is not None and not (size is Size.SMALL and known.age() > self._seconds):
                return known
            if overdue and not (size is Size.SMALL and self._may_try_again(overdue)):
                raise self._hangs()
            if known is not None:
                self._left.append(known)
            call = self._calls[key] = _Call(self._threads[size].submit(ask), monotonic(), size)
        if size is Size.SMALL:
            call.future.add_done_callback(lambda _: self._note_answer(call))
        return call

    def _forget_what_is_done(self) -> None:
        # An answer is of its moment: only those who waited for it take it.
        self._calls = {key: call for key, call in self._calls.items() if not call.future.done()}
        self._left = [call for call in self._left if not call.future.done()]

    def _may_try_again(self, overdue: list[_Call]) -> bool:
        return len(overdue) < THREADS[Size.SMALL] - 1 and min(call.age() for call in overdue) > RETRY_SECONDS

    def _note_answer(self, call: _Call) -> None:
        with self._lock:
            self._answered = max(self._answered, call.began)


def _is_done(call: _Call) -> bool:
    done, _ = wait((call.future,), LOOK_SECONDS)
    return bool(done)
