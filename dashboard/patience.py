"""A database that hangs does not take the page with it: whoever asks it waits so long, and is told.

A file on a disk that is gone, a server behind a broken line: such a call does not fail, it never ends, and would hold
the session that made it. So each runs in a thread of its own, and the session waits for it where it can be called away.
What speaks to supervisor is waited for likewise.
"""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

from shared.errors import DatabaseError, FlotillaError

# As long as a worker may take to answer before the page says so.
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.1
# What came after nobody waited for it any more, a slow query say, is there for who asks again within this time.
KEPT_SECONDS = 60.0
# What is small must not queue behind what is large, or the database would be blamed for it.
SMALL_THREADS = 4
# More at a time would be no faster, and keep those who wait for something small from their turn.
LARGE_THREADS = 6

Ask = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class _Call:
    future: Future[Any]
    began: float
    is_small: bool

    def age(self) -> float:
        return monotonic() - self.began


class Patience:
    """Runs what asks a database, the same once for all who ask at the same time.

    What is small, a row or two, is overdue after `seconds`. What is large takes as long as it takes, while small
    questions are answered.
    """

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._seconds = seconds
        self._small = ThreadPoolExecutor(SMALL_THREADS, "small")
        self._large = ThreadPoolExecutor(LARGE_THREADS, "large")
        self._once = ThreadPoolExecutor(SMALL_THREADS, "once")
        self._lock = Lock()
        self._calls: dict[Hashable, _Call] = {}

    def small(self, key: Hashable, ask: Ask, looking: Ask | None = None) -> Any:
        """Ask what is small; `looking` is called while it waits and may end the waiting by what it raises.

        Raises DatabaseError where no answer comes in time.
        """
        self._require_answers()
        call = self._call(key, ask, is_small=True)
        while not _is_done(call, looking):
            self._require_answers()
        return self._result(key, call)

    def large(self, key: Hashable, ask: Ask, probe: tuple[Hashable, Ask], looking: Ask | None = None) -> Any:
        """Ask what may take long; `probe` is something small that tells whether the database answers at all.

        Raises DatabaseError where it does not.
        """
        self._require_answers()
        call = self._call(key, ask, is_small=False)
        while not _is_done(call, looking):
            self._require_answers()
            if call.age() > self._seconds:
                self.small(*probe, looking)
        return self._result(key, call)

    def once(self, ask: Ask, seconds: float, late: FlotillaError) -> Any:
        """Do something once, whoever else does the same; raises `late` where it is not done in time."""
        future = self._once.submit(ask)
        done, _ = wait((future,), seconds)
        if not done:
            raise late
        return future.result()

    def _require_answers(self) -> None:
        with self._lock:
            calls = list(self._calls.values())
        if any(call.is_small and not call.future.done() and call.age() > self._seconds for call in calls):
            raise DatabaseError(f"the database must answer within {self._seconds:g} s, did not: it hangs")

    def _call(self, key: Hashable, ask: Ask, is_small: bool) -> _Call:
        with self._lock:
            for old, call in list(self._calls.items()):
                # What is small is of this moment, and nobody waits for it any more.
                if call.future.done() and (call.is_small or call.age() > KEPT_SECONDS):
                    del self._calls[old]
            if key not in self._calls:
                threads = self._small if is_small else self._large
                self._calls[key] = _Call(threads.submit(ask), monotonic(), is_small)
            return self._calls[key]

    def _result(self, key: Hashable, call: _Call) -> Any:
        with self._lock:
            if self._calls.get(key) is call:
                del self._calls[key]
        return call.future.result()


def _is_done(call: _Call, looking: Ask | None) -> bool:
    done, _ = wait((call.future,), LOOK_SECONDS)
    if not done and looking is not None:
        looking()
    return bool(done)
