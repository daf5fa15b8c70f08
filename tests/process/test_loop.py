"""The loop with a worker that only counts: it beats whatever else there is to do."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.settings import WorkerSettings
from worker.process import loop
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
def test_a_worker_without_a_pause_beats_and_answers_all_the_same(
    kind: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = kind(steps=23)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: worker.now))
    Loop(worker, WorkerSettings(), Wakes(), until_end=True).run()
    assert worker.beaten == [1.0 + BEAT_SECONDS * number for number in range(5)]
    assert worker.answered == [float(second) for second in range(24)]
