"""The loop that decides when the worker steps, answers and beats.

One thread calls the worker. Signals and the bar alarm only wake it.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from shared.errors import ConfigurationError, MarketError
from shared.settings import WorkerSettings
from worker.process.host import Wakes
from worker.process.schedule import BarAlarm

BEAT_SECONDS = 5.0
# A closed bar that the alarm should have rung for this long ago (a suspended machine, a clock set forward) is stepped
# without it.
ALARM_OVERDUE_SECONDS = 1.0
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0

log = logging.getLogger(__name__)


class Worker(Protocol):
    """What the process drives; every call comes from one thread."""

    @property
    def wall_bar_ms(self) -> int | None:
        """The length of a bar where bars close on the wall clock's grid; None where market time is paced."""
        ...

    def recover(self, crash_brake: bool) -> None:
        """Take the books up where they are.

        `crash_brake` sets the portfolio to NO_ENTRIES for the cause CRASHES, with an event.
        """
        ...

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        """Step every closed bar not yet in the books, one commit each, and give the number of steps made.

        `interrupted` is to be called after each commit: it answers commands and beats meanwhile, and true asks to
        return.
        """
        ...

    def answer_commands(self) -> int:
        """Take and answer what people asked, and give the number answered."""
        ...

    def seconds_until_due(self) -> float:
        """The wall seconds until the next bar not yet in the books closes; ≤ 0 when it has, inf when none will come."""
        ...

    def reload(self) -> list[str]:
        """Read the settings again, take over what may change, and say what changed and what was refused."""
        ...

    def record(self, sentence: str) -> None:
        """Write a warning event that a person should see."""
        ...

    def beat(self) -> None:
        """Renew heartbeat and lease, and do what a step should not have to."""
        ...

    def close(self) -> None:
        """Give the lease and the connections back."""
        ...


class Loop:
    """Decide what the worker does next, until it is stopped."""

    def __init__(
        self,
        worker: Worker,
        settings: WorkerSettings,
        wakes: Wakes,
        until_end: bool = False,
    ) -> None:
        self._worker = worker
        self._wake_after_seconds = settings.wake_after_seconds
        self._poll_seconds = settings.command_poll_seconds
        self._wakes = wakes
        self._until_end = until_end
        self._retry_seconds = 0.0
        self._answer_at = self._beat_at = self._step_at = -math.inf
        self._ended = False

    def run(self, hold_seconds: float = 0.0) -> None:
        """Step, answer and sleep until told to stop, the first step not before `hold_seconds`."""
        self._step_at = time.monotonic() + hold_seconds
        with self._alarm():
            self._wakes.bar_closed = True
            while not self._wakes.stopping():
                self._pass_on_news()
                self._answer()
                if self._step_wanted():
                    self._step()
                elif self._replay_ended() and self._until_end:
                    return
                else:
                    self._beat()
                    self._wakes.sleep(self._sleep_seconds())

    @contextlib.contextmanager
    def _alarm(self) -> Iterator[None]:
        bar_ms = self._worker.wall_bar_ms
        if bar_ms is None:
            yield
            return
        alarm = BarAlarm(bar_ms, self._wake_after_seconds, self._wakes.close_bar, self._wakes.note)
        alarm.start()
        try:
            yield
        finally:
            alarm.stop()

    def _step_wanted(self) -> bool:
        if time.monotonic() < self._step_at:
            return False
        rung, self._wakes.bar_closed = self._wakes.bar_closed, False
        return rung or self._until_due() <= 0.0

    def _until_due(self) -> float:
        patience = 0.0 if self._worker.wall_bar_ms is None else self._wake_after_seconds + ALARM_OVERDUE_SECONDS
        return self._worker.seconds_until_due() + patience

    def _step(self) -> None:
        try:
            steps = self._worker.step_due(self._interrupted)
        except MarketError as error:
            log.warning("%s; the bar is tried again", error)
            self._worker.record(str(error))
            steps = 0
        if steps:
            self._retry_seconds = 0.0
        elif self._until_due() <= 0.0 and not self._wakes.stopping():
            # Due, but not there: asking again at once would hammer the exchange.
            self._retry_seconds = min(max(2.0 * self._retry_seconds, RETRY_SECONDS), LONGEST_RETRY_SECONDS)
            self._step_at = time.monotonic() + self._retry_seconds

    def _interrupted(self) -> bool:
        self._answer()
        self._beat()
        return self._wakes.stopping() or self._wakes.reload_asked

    def _answer(self) -> None:
        if time.monotonic() >= self._answer_at:
            self._worker.answer_commands()
            self._answer_at = time.monotonic() + self._poll_seconds

    def _pass_on_news(self) -> None:
        if self._wakes.reload_asked:
            self._wakes.reload_asked = False
            self._reload()
        while self._wakes.notes:
            sentence = self._wakes.notes.popleft()
            log.warning("%s", sentence)
            self._worker.record(sentence)

    def _reload(self) -> None:
        try:
            sentences = self._worker.reload()
        except ConfigurationError as error:
            sentences = [f"the settings were left as they are: {error}"]
            self._worker.record(sentences[0])
        for sentence in sentences or ["the settings have not changed"]:
            log.info("%s", sentence)

    def _beat(self) -> None:
        if time.monotonic() >= self._beat_at:
            self._worker.beat()
            self._beat_at = time.monotonic() + BEAT_SECONDS

    def _replay_ended(self) -> bool:
        ended = math.isinf(self._worker.seconds_until_due())
        if ended and not self._ended:
            log.info("the replay has ended%s", "" if self._until_end else "; commands are still answered")
        self._ended = ended
        return ended

    def _sleep_seconds(self) -> float:
        now = time.monotonic()
        until_step = max(self._until_due(), self._step_at - now)
        return min(until_step, self._answer_at - now, self._poll_seconds)
