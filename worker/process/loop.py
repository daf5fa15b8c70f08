"""The loop that decides when the worker steps, answers and beats.

One thread calls the worker. Signals and the bar alarm only wake it.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from typing import Protocol

from shared.clock import Clock
from shared.errors import ConfigurationError, MarketError
from shared.settings import WorkerSettings
from shared.units import format_duration
from worker.process.garbage import collect, kept_out_of_steps
from worker.process.host import Wakes
from worker.process.schedule import BarAlarm

BEAT_SECONDS = 5.0
# A closed bar that the alarm should have rung for this long ago (a suspended machine, a clock that was set) is stepped
# without it.
ALARM_OVERDUE_SECONDS = 1.0
# A bar that has closed and could not be stepped is tried again after 1, 2, 4 … 60 s.
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
        """The wall seconds until the next bar not yet in the books closes; inf when none will come.

        0 or less when it has: in real time as far below 0 as it is ago.
        """
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


class Retry:
    """The wait of a bar that has closed and could not be stepped; its delays double until it was."""

    def __init__(self) -> None:
        self._delay_seconds = 0.0
        self._at: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a bar waits to be tried again."""
        return self._at is not None

    def put_off(self, now: float) -> None:
        """Wait once more, twice as long as before."""
        self._delay_seconds = min(max(2.0 * self._delay_seconds, RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        self._at = now + self._delay_seconds

    def end(self) -> None:
        """Wait no more."""
        self._delay_seconds, self._at = 0.0, None

    def seconds_left(self, now: float) -> float:
        """Give the rest of the wait; 0 or less where it is over."""
        return -math.inf if self._at is None else self._at - now


class Loop:
    """Decide what the worker does next, until it is stopped."""

    def __init__(
        self,
        worker: Worker,
        settings: WorkerSettings,
        wakes: Wakes,
        clock: Clock,
        until_end: bool = False,
        news: Callable[[], str] = lambda: "",
    ) -> None:
        """Put a loop together; `news` is asked at each beat for what a person should be told."""
        self._worker = worker
        self._clock = clock
        self._wake_after_seconds = settings.wake_after_seconds
        self._poll_seconds = settings.command_poll_seconds
        self._wakes = wakes
        self._until_end = until_end
        self._news = news
        self._retry = Retry()
        self._failing_since: float | None = None
        self._answer_at = self._beat_at = self._held_until = -math.inf
        self._ended = False

    def run(self, hold_seconds: float = 0.0) -> None:
        """Step, answer and sleep until told to stop, the first step not before `hold_seconds`."""
        self._held_until = self._now() + hold_seconds
        with self._alarm(), kept_out_of_steps():
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

    def _now(self) -> float:
        return self._clock.monotonic_ms() / 1000

    def _step_wanted(self) -> bool:
        now = self._now()
        if now < self._held_until:
            return False
        if self._retry.is_waiting:
            return self._retry.seconds_left(now) <= 0.0
        return self._wakes.bar_closed or self._until_due() <= 0.0

    def _until_due(self) -> float:
        """Give the seconds until a bar is stepped that no alarm has rung for."""
        patience = 0.0 if self._worker.wall_bar_ms is None else self._wake_after_seconds + ALARM_OVERDUE_SECONDS
        return self._worker.seconds_until_due() + patience

    def _step(self) -> None:
        self._wakes.bar_closed = False
        steps = 0
        try:
            steps = self._worker.step_due(self._interrupted)
        except MarketError as error:
            self._note_failure(error)
        else:
            if steps or not self._leaving():
                self._note_recovery()
        collect()
        if steps or self._worker.seconds_until_due() > 0.0:
            self._retry.end()
        else:
            # Closed, but not there: asking again at once would hammer the exchange.
            self._retry.put_off(self._now())

    def _leaving(self) -> bool:
        return self._wakes.stopping() or self._wakes.reload_asked

    def _note_failure(self, error: MarketError) -> None:
        """Log each failure; a person is told once that it began, and once that it is over."""
        log.warning("%s; the bar is tried again", error)
        if self._failing_since is None:
            self._failing_since = self._now()
            self._worker.record(str(error))

    def _note_recovery(self) -> None:
        if self._failing_since is None:
            return
        lasted_ms = 1000.0 * (self._now() - self._failing_since)
        self._failing_since = None
        # What it has not got yet is asked for as after a close, not as in an outage.
        self._retry.end()
        self._worker.record(f"the market answers again, after {format_duration(lasted_ms)}")

    def _interrupted(self) -> bool:
        self._answer()
        self._beat()
        return self._leaving()

    def _answer(self) -> None:
        if self._now() >= self._answer_at:
            self._worker.answer_commands()
            self._answer_at = self._now() + self._poll_seconds

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
            refusal = f"the settings were left as they are: {error}"
            log.warning("%s", refusal)
            self._worker.record(refusal)
            return
        for sentence in sentences or ["the settings have not changed"]:
            log.info("%s", sentence)

    def _beat(self) -> None:
        if self._now() >= self._beat_at:
            self._worker.beat()
            collect()
            self._beat_at = self._now() + BEAT_SECONDS
            if sentence := self._news():
                log.warning("%s", sentence)
                self._worker.record(sentence)

    def _replay_ended(self) -> bool:
        ended = math.isinf(self._worker.seconds_until_due())
        if ended and not self._ended:
            log.info("the replay has ended%s", "" if self._until_end else "; commands are still answered")
        self._ended = ended
        return ended

    def _sleep_seconds(self) -> float:
        now = self._now()
        until_step = self._retry.seconds_left(now) if self._retry.is_waiting else self._until_due()
        return min(max(until_step, self._held_until - now), self._answer_at - now, self._poll_seconds)
