"""The loop with a worker that only counts: it beats whatever else there is to do."""

import contextlib
import gc
import math
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from shared.clock import ManualClock
from shared.errors import MarketError
from shared.settings import WorkerSettings
from worker.process.host import Wakes
from worker.process.loop import BEAT_SECONDS, Loop


class Counting:
    """Steps `steps` bars without a pause, a second each, asking after each as a worker does."""

    wall_bar_ms = None

    def __init__(self, steps: int) -> None:
        self.now = 0.0
        self.left = steps
        self.beaten: list[float] = []
        self.answered: list[float] = []

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        made = 0
        while self.left:
            self.now += 1.0
            self.left -= 1
            made += 1
            assert not interrupted()
        return made

    def monotonic_ms(self) -> int:
        return round(1000.0 * self.now)

    def seconds_until_due(self) -> float:
        return 0.0 if self.left else float("inf")

    def answer_commands(self) -> int:
        self.answered.append(self.now)
        return 0

    def beat(self) -> None:
        self.beaten.append(self.now)

    def reload(self) -> list[str]:
        raise AssertionError("nobody asked for a reload")

    def record(self, sentence: str) -> None:
        raise AssertionError(sentence)

    def recover(self, crash_brake: bool) -> None:
        raise AssertionError("the loop does not recover")

    def close(self) -> None:
        raise AssertionError("the loop does not close")


class Waiting(Counting):
    """Waits within its one step, as a worker does whose exchange does not answer: it asks all the while."""

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        while self.left:
            self.now += 1.0
            self.left -= 1
            assert not interrupted()
        return 1


@pytest.mark.parametrize("kind", [Counting, Waiting])
def test_a_worker_without_a_pause_beats_and_answers_all_the_same(kind: type[Counting]) -> None:
    worker = kind(steps=23)
    Loop(worker, WorkerSettings(), Wakes(), worker, until_end=True).run()
    assert worker.beaten == [1.0 + BEAT_SECONDS * number for number in range(5)]
    assert worker.answered == [float(second) for second in range(24)]


class Node:
    """Refers to itself, so that only a collection can free it; and has enough with it to ask for one."""

    def __init__(self) -> None:
        self.itself = self
        self.more: list[list[int]] = [[] for _ in range(gc.get_threshold()[0] + 1)]


class Littering(Counting):
    """Leaves garbage with every step, and counts what is still there of it, and the collections within steps."""

    def __init__(self, steps: int, fails_with: int = -1) -> None:
        super().__init__(steps)
        self.fails_with = fails_with
        self.left_there: list[weakref.ref[Node]] = []
        self.most = 0
        self.collections = 0

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        made = 0
        while self.left:
            gc.callbacks.append(self._count)
            self.left_there += [weakref.ref(Node()) for _ in range(10)]
            gc.callbacks.remove(self._count)
            self.now += 1.0
            self.left -= 1
            made += 1
            if self.left == self.fails_with:
                raise ZeroDivisionError
            interrupted()
            self.most = max(self.most, sum(node() is not None for node in self.left_there))
        return made

    def _count(self, phase: str, _: object) -> None:
        self.collections += phase == "start"


@pytest.fixture
def collecting() -> Iterator[None]:
    assert gc.isenabled() and gc.get_freeze_count() == 0
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("collecting")
def test_garbage_of_steps_is_collected_between_them_and_never_within() -> None:
    worker = Littering(steps=23)
    Loop(worker, WorkerSettings(), Wakes(), worker, until_end=True).run()
    assert worker.collections == 0
    assert 10 <= worker.most <= 10 * BEAT_SECONDS
    assert [node for node in worker.left_there if node() is not None] == []
    assert gc.isenabled() and gc.get_freeze_count() == 0


@pytest.mark.usefixtures("collecting")
def test_without_that_garbage_is_collected_within_steps() -> None:
    worker = Littering(steps=1)
    worker.step_due(lambda: False)
    assert worker.collections > 0


@pytest.mark.usefixtures("collecting")
@pytest.mark.parametrize("was_enabled", [True, False])
def test_collection_is_as_it_was_after_a_step_that_raised(was_enabled: bool) -> None:
    if not was_enabled:
        gc.disable()
    worker = Littering(steps=3, fails_with=1)
    with pytest.raises(ZeroDivisionError):
        Loop(worker, WorkerSettings(), Wakes(), worker, until_end=True).run()
    assert (gc.isenabled(), gc.get_freeze_count()) == (was_enabled, 0)


HOUR_SECONDS = 3600.0
CLOSE_SECONDS = 10.0


class OnTheHour(Counting):
    """Has one bar, which closes at 10 s and can be stepped from `there_at` on; until then the market may `fail`."""

    wall_bar_ms = 3_600_000

    def __init__(self, clock: ManualClock, there_at: float, fail: bool) -> None:
        super().__init__(steps=1)
        self.clock = clock
        self.there_at = there_at
        self.fail = fail
        self.back_at = math.inf
        self.asked: list[float] = []
        self.said: list[str] = []

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        now = self.clock.monotonic_ms() / 1000
        if self.seconds_until_due() > 0.0:
            return 0
        self.asked.append(now)
        if now >= self.there_at:
            self.left = 0
            return 1
        if self.fail and now < self.back_at:
            raise MarketError("the exchange is away")
        return 0

    def seconds_until_due(self) -> float:
        return CLOSE_SECONDS + (0.0 if self.left else HOUR_SECONDS) - self.clock.monotonic_ms() / 1000

    def record(self, sentence: str) -> None:
        self.said.append(sentence)

    def beat(self) -> None:
        """Nothing."""


class ManualWakes(Wakes):
    """Sleeps by moving the clock, and stops when it has moved far enough."""

    def __init__(self, clock: ManualClock, until_seconds: float) -> None:
        super().__init__()
        self.clock = clock
        self.until_ms = 1000.0 * until_seconds

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(max(seconds, 0.001))

    def stopping(self) -> bool:
        return self.clock.monotonic_ms() >= self.until_ms


def drive(there_at: float, fail: bool = False, until: float = 1_000.0) -> OnTheHour:
    """Run the loop over one bar; its alarm never rings."""
    return drive_worker(OnTheHour(ManualClock(0), there_at, fail), until)


def drive_worker(worker: OnTheHour, until: float = 1_000.0) -> OnTheHour:
    wakes = ManualWakes(worker.clock, until)
    loop = Loop(worker, WorkerSettings(), wakes, worker.clock)
    loop._alarm = contextlib.nullcontext
    loop.run()
    return worker


def test_a_bar_that_the_alarm_did_not_ring_for_is_noticed_a_second_late() -> None:
    assert drive(there_at=0.0).asked == [CLOSE_SECONDS + 3.0]


@pytest.mark.parametrize("fail", [False, True])
def test_a_bar_that_is_not_there_is_asked_for_again_after_1_2_4_and_at_most_60_seconds(fail: bool) -> None:
    worker = drive(there_at=250.0, fail=fail)
    waits = [round(later - asked, 3) for asked, later in pairwise(worker.asked)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert worker.asked[-1] - 250.0 < 60.0


def test_an_exchange_that_answers_again_and_has_no_candle_yet_is_asked_soon() -> None:
    worker = OnTheHour(ManualClock(0), there_at=262.0, fail=True)
    worker.back_at = 200.0
    waits = [round(later - asked, 3) for asked, later in pairwise(drive_worker(worker).asked)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 1.0, 2.0, 4.0]


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    assert drive(there_at=250.0, fail=True).said == [
        "the exchange is away",
        "the market answers again, after 4 min",
    ]
