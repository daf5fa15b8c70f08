"""Whether a worker lives: judged in one place, by its lease, its answers and its next step, in the same words."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from shared.units import format_duration

# A worker renews its lease every 2 s, by a thread of its own: one that is silent is gone, one that hangs is overdue.
SILENT_MS = 12_000
# A worker that has just taken its lease reads its history before it renews it.
STARTING_MS = 60_000
# A worker that lives answers within a second.
ANSWER_MS = 5_000
# A step may come so long after it was due, and the time it takes. For a bar that an exchange is late with, a worker
# waits longer, as `worker.live.fetching.PATIENCE_MS` says: a quarter of a bar, at most half a minute.
OVERDUE_MS = 5_000
LONGEST_PATIENCE_MS = 30_000
# What lies further in the future than two clocks differ by says that this machine's was set back.
SET_BACK_MS = 2_000
# A clock this far from the exchange's is said to be wrong; bars are closed by the exchange's all the same.
WRONG_CLOCK_MS = 10_000


class Clocked(Protocol):
    """Wall times that a worker left: of its last step (0 before one), of its lease; and its clock's distance."""

    @property
    def wall_ms(self) -> int: ...
    @property
    def lease_renewed_ms(self) -> int | None: ...
    @property
    def ahead_ms(self) -> int: ...


class Pulse(Clocked, Protocol):
    """What is known of a worker, wall times: its last step (0 before one), its lease, and when it is to step next.

    `waiting_since_ms` is when the oldest command without an answer was asked; `ahead_ms` how far the exchange's time is
    ahead of the worker's clock. A worker that lives moves its wall times along when its clock is set.
    """

    @property
    def due_ms(self) -> int | None: ...
    @property
    def duration_ms(self) -> float: ...
    @property
    def lease_pid(self) -> int | None: ...
    @property
    def lease_since_ms(self) -> int | None: ...
    @property
    def waiting_since_ms(self) -> int | None: ...


class Liveness(NamedTuple):
    """What the worker does, in a sentence without its full stop, whether all is well, and the age of its last step.

    `clock` says what is wrong with this machine's clock; it is part of the sentence, and no reason for a step not to be
    made.
    """

    sentence: str
    is_well: bool
    age_ms: int | None
    clock: str = ""


def liveness(pulse: Pulse, now_ms: int) -> Liveness:
    """Judge a worker; `now_ms` is wall time."""
    age_ms = age_of(pulse.wall_ms, now_ms)
    amiss, clock = list(_amiss(pulse, now_ms)), wrong_clock(pulse, now_ms)
    stepped = "no step yet" if not pulse.wall_ms else "last step before the clock was set back"
    if age_ms is not None:
        stepped = f"last step {format_duration(age_ms)} ago"
    said = ", ".join(filter(None, (" and ".join(amiss) or "The worker is running", stepped, clock)))
    return Liveness(said, not amiss, age_ms, clock)


def age_of(time_ms: int | None, now_ms: int) -> int | None:
    """Give the age of what happened then, wall times; None where it never did or the clock was set back since."""
    if not time_ms or time_ms - now_ms > SET_BACK_MS:
        return None
    return max(now_ms - time_ms, 0)


def wrong_clock(pulse: Clocked, now_ms: int) -> str:
    """Say what is wrong with this machine's clock; empty where nothing is."""
    back_ms = max(pulse.wall_ms, pulse.lease_renewed_ms or 0) - now_ms
    if back_ms > SET_BACK_MS:
        return f"this machine's clock was set back by at least {format_duration(back_ms)}"
    if abs(pulse.ahead_ms) > WRONG_CLOCK_MS:
        where = "behind" if pulse.ahead_ms > 0 else "ahead of"
        return f"this machine's clock is {format_duration(abs(pulse.ahead_ms))} {where} the exchange's"
    return ""


def is_unanswered(asked_ms: int, now_ms: int) -> bool:
    """Say whether a command without an answer, asked then, has waited too long for it; wall times."""
    return now_ms - asked_ms > ANSWER_MS


def _amiss(pulse: Pulse, now_ms: int) -> Iterator[str]:
    """Give what is wrong: whether it lives, then whether it answers; a step is overdue only where both are well."""
    gone = _gone(pulse, now_ms)
    if gone:
        yield gone
    if pulse.waiting_since_ms is not None and is_unanswered(pulse.waiting_since_ms, now_ms):
        subject = "" if gone else "The worker "
        yield f"{subject}has not answered for {format_duration(now_ms - pulse.waiting_since_ms)}"
    elif not gone and pulse.due_ms is not None and now_ms - pulse.due_ms > _longest_late_ms(pulse):
        yield f"A step is overdue since {format_duration(now_ms - pulse.due_ms)}"


def _gone(pulse: Pulse, now_ms: int) -> str:
    if pulse.lease_pid is None or pulse.lease_renewed_ms is None:
        return "The worker is not running"
    silent_ms = now_ms - pulse.lease_renewed_ms
    if silent_ms < -SET_BACK_MS:
        return f"The worker (process {pulse.lease_pid}) has not been heard since the clock was set back"
    is_starting = pulse.lease_since_ms == pulse.lease_renewed_ms
    if silent_ms > (STARTING_MS if is_starting else SILENT_MS + pulse.duration_ms):
        return f"The worker (process {pulse.lease_pid}) has been silent for {format_duration(silent_ms)}"
    return ""


def _longest_late_ms(pulse: Pulse) -> float:
    expected_ms = max(0, pulse.due_ms - pulse.wall_ms) if pulse.due_ms is not None else 0
    return OVERDUE_MS + 2.0 * pulse.duration_ms + min(LONGEST_PATIENCE_MS, expected_ms // 4)
