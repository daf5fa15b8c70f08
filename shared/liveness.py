"""Whether a worker lives: judged in one place, by its lease, its answers and its next step, in the same words."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from shared.units import format_duration

# A worker renews its lease every 5 s, and with each step: two renewals and more are missing.
SILENT_MS = 12_000
# A worker that has just taken its lease reads its history before it renews it.
STARTING_MS = 60_000
# A worker that lives answers within a second.
ANSWER_MS = 5_000
# A step may come so long after it was due, and the time it takes. For a bar that an exchange is late with, a worker
# waits longer, as `worker.live.fetching.PATIENCE_MS` says: a quarter of a bar, at most half a minute.
OVERDUE_MS = 5_000
LONGEST_PATIENCE_MS = 30_000


class Pulse(Protocol):
    """What is known of a worker, wall times: its last step (0 before one), its lease, and when it is to step next.

    `waiting_since_ms` is when the oldest command without an answer was asked.
    """

    @property
    def wall_ms(self) -> int: ...
    @property
    def due_ms(self) -> int | None: ...
    @property
    def duration_ms(self) -> float: ...
    @property
    def lease_pid(self) -> int | None: ...
    @property
    def lease_since_ms(self) -> int | None: ...
    @property
    def lease_renewed_ms(self) -> int | None: ...
    @property
    def waiting_since_ms(self) -> int | None: ...


class Liveness(NamedTuple):
    """What the worker does, in a sentence without its full stop, whether all is well, and the age of its last step."""

    sentence: str
    is_well: bool
    age_ms: int | None


def liveness(pulse: Pulse, now_ms: int) -> Liveness:
    """Judge a worker; `now_ms` is wall time."""
    age_ms = now_ms - pulse.wall_ms if pulse.wall_ms else None
    amiss = list(_amiss(pulse, now_ms))
    stepped = f"last step {format_duration(age_ms)} ago" if age_ms is not None else "no step yet"
    return Liveness(f"{' and '.join(amiss) or 'The worker runs'}, {stepped}", not amiss, age_ms)


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
    is_starting = pulse.lease_since_ms == pulse.lease_renewed_ms
    if silent_ms > (STARTING_MS if is_starting else SILENT_MS + pulse.duration_ms):
        return f"The worker (process {pulse.lease_pid}) has been silent for {format_duration(silent_ms)}"
    return ""


def _longest_late_ms(pulse: Pulse) -> float:
    expected_ms = max(0, pulse.due_ms - pulse.wall_ms) if pulse.due_ms is not None else 0
    return OVERDUE_MS + 2.0 * pulse.duration_ms + min(LONGEST_PATIENCE_MS, expected_ms // 4)
