"""The loop with a worker that only counts: it beats whatever else there is to do."""

import time
from collections.abc import Callable

import pytest

from shared.settings import WorkerSettings
from worker import loop
from worker.loop import Loop
from worker.process import Wakes

BEAT_SECONDS = 0.05


class Counting:
    """Steps `steps` bars without a pause, each in `step_seconds`, asking between them as a worker does."""

    wall_bar_ms = None

    def __init__(self, wakes: Wakes, steps: int, step_seconds: float) -> None:
        self._wakes = wakes
        self._left = steps
        self._step_seconds = step_seconds
        self.beaten: list[int] = []
        self.answered = 0

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        made = 0
        while self._left:
            self._left -= 1
            made += 1
            time.sleep(self._step_seconds)
            if interrupted():
                break
        return made

    def seconds_until_due(self) -> float:
        return 0.0 if self._left else float("inf")

    def answer_commands(self) -> int:
        self.answered += 1
        return 0

    def beat(self) -> None:
        self.beaten.append(self._left)

    def reload(self) -> list[str]:
        return []

    def record(self, sentence: str) -> None:
        raise AssertionError(sentence)

    def recover(self, crash_brake: bool) -> None:
        raise AssertionError("the loop does not recover")

    def close(self) -> None:
        raise AssertionError("the loop does not close")


def test_a_worker_that_steps_without_a_pause_beats_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BEAT_SECONDS", BEAT_SECONDS)
    wakes = Wakes()
    worker = Counting(wakes, steps=40, step_seconds=0.01)
    Loop(worker, WorkerSettings(), wakes, until_end=True).run()
    during = [left for left in worker.beaten if left]
    assert 3 <= len(during) <= 20, "every 5 of the 40 steps or so, not at each"


def test_a_worker_that_waits_within_a_step_beats_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does whose exchange does not answer: it asks while it waits."""
    monkeypatch.setattr(loop, "BEAT_SECONDS", BEAT_SECONDS)
    wakes = Wakes()

    class Waiting(Counting):
        def step_due(self, interrupted: Callable[[], bool]) -> int:
            for _ in range(40):
                time.sleep(0.01)
                assert not interrupted()
            self._left = 0
            return 1

    worker = Waiting(wakes, steps=1, step_seconds=0.0)
    Loop(worker, WorkerSettings(), wakes, until_end=True).run()
    assert 3 <= len([left for left in worker.beaten if left]) <= 20
    assert worker.answered > 1
