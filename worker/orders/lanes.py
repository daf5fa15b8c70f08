"""Lanes: everything asked of one account goes one after the other, the most urgent first; accounts go side by side.

Work is a function without arguments; what it gives is collected by who put it there, on one thread.
"""

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

Result = TypeVar("Result")
Work = Callable[[], object]


class Urgency(IntEnum):
    """What goes before what, within an account."""

    # exits, reductions and cancels
    EXIT = 0
    # an order nothing is known of
    LOOK_UP = 1
    ENTRY = 2
    # what orders that left came to
    TRADES = 3
    # reads that may wait
    READ = 4


@dataclass(frozen=True, slots=True)
class Later:
    """What a work gives that is not done yet: the rest of it waits its turn again, and gives what is collected."""

    urgency: Urgency
    work: Work


def in_parts(urgency: Urgency, parts: Generator[None, None, object]) -> Work:
    """Make work of a generator: wherever it yields, what is more urgent goes first; what it returns is collected."""

    def go_on() -> object:
        try:
            next(parts)
        except StopIteration as end:
            return end.value
        return Later(urgency, go_on)

    return go_on


class Lanes(Protocol):
    """Where work of accounts waits its turn."""

    def put(self, account: str, urgency: Urgency, work: Work) -> None:
        """Let work wait; what it gives, unless that is nothing, or raises is collected."""
        ...

    def collect(self, timeout_seconds: float = 0.0) -> list[object]:
        """Give what was done since, waiting so long for the first; raises what a work raised."""
        ...

    def ask(self, account: str, work: Callable[[], Result]) -> Result:
        """Do a read now, ahead of all but what is under way, and give what it gives; raises what it raises."""
        ...

    def close(self) -> None:
        """Do nothing more; what is under way ends."""
        ...


class _Queue:
    """Work by urgency, then by when it came."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Work]] = []
        self._numbers = itertools.count()

    def put(self, urgency: int, work: Work) -> None:
        heapq.heappush(self._heap, (urgency, next(self._numbers), work))

    def take(self) -> Work | None:
        return heapq.heappop(self._heap)[2] if self._heap else None


class InlineLanes:
    """Lanes without threads: work is done where it is collected, so that every run of the same is the same."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._queues = {account: _Queue() for account in accounts}

    def put(self, account: str, urgency: Urgency, work: Work) -> None:
        """Let work wait."""
        self._queues[account].put(urgency, work)

    def collect(self, timeout_seconds: float = 0.0) -> list[object]:
        """Do all that waits, the accounts by turns, and what it makes wait."""
        done: list[object] = []
        while works := [(name, work) for name, queue in self._queues.items() if (work := queue.take()) is not None]:
            for account, work in works:
                given = work()
                if isinstance(given, Later):
                    self.put(account, given.urgency, given.work)
                elif given is not None:
                    done.append(given)
        return done

    def ask(self, account: str, work: Callable[[], Result]) -> Result:
        """Do it at once."""
        return work()

    def close(self) -> None:
        """Forget what waits."""
        self._queues = {account: _Queue() for account in self._queues}


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class ThreadLanes:
    """A thread per account."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._queues = {account: _Queue() for account in accounts}
        self._changed = {account: threading.Condition() for account in self._queues}
        self._done: deque[object] = deque()
        self._any_done = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._serve, args=(account,), name=f"orders of {account}", daemon=True)
            for account in self._queues
        ]
        for thread in self._threads:
            thread.start()

    def put(self, account: str, urgency: Urgency, work: Work) -> None:
        """Let work wait."""
        self._put(account, int(urgency), lambda: self._finish(account, _outcome(work)))

    def collect(self, timeout_seconds: float = 0.0) -> list[object]:
        """Give what was done since."""
        with self._any_done:
            if not self._done and timeout_seconds > 0.0:
                self._any_done.wait(timeout_seconds)
            done = list(self._done)
            self._done.clear()
        for item in done:
            if isinstance(item, _Failed):
                raise item.error
        return done

    def ask(self, account: str, work: Callable[[], Result]) -> Result:
        """Do it on the account's thread, which alone may use its client."""
        answers: deque[object] = deque()
        is_done = threading.Event()

        def answer() -> None:
            answers.append(_outcome(work))
            is_done.set()

        self._put(account, -1, answer)
        is_done.wait()
        given = answers.pop()
        if isinstance(given, _Failed):
            raise given.error
        return given  # type: ignore[return-value]

    def close(self) -> None:
        """Let each thread end with what it is doing."""
        self._closing = True
        for changed in self._changed.values():
            with changed:
                changed.notify()

    def _put(self, account: str, urgency: int, work: Work) -> None:
        with self._changed[account]:
            self._queues[account].put(urgency, work)
            self._changed[account].notify()

    def _serve(self, account: str) -> None:
        queue, changed = self._queues[account], self._changed[account]
        while True:
            with changed:
                while not self._closing and (work := queue.take()) is None:
                    changed.wait()
                if self._closing:
                    return
            assert work is not None
            work()

    def _finish(self, account: str, given: object) -> None:
        if isinstance(given, Later):
            self.put(account, given.urgency, given.work)
            return
        if given is None:
            return
        with self._any_done:
            self._done.append(given)
            self._any_done.notify()


def _outcome(work: Work) -> object:
    try:
        return work()
    except BaseException as error:  # noqa: BLE001 - raised again where it is collected
        return _Failed(error)
