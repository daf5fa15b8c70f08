"""Whether a worker lives: judged in one place, by its lease and by when its next step is due, in the same words."""

from typing import NamedTuple, Protocol

from shared.units import format_duration

# A worker renews its lease every few seconds; one that has not for so long does not answer.
SILENT_MS = 20_000
# A step is overdue when it was due so long ago.
OVERDUE_MS = 30_000


class Pulse(Protocol):
    """What is known of a worker, wall times: its last step (0 before one), its lease, and when it is to step next."""

    @property
    def wall_ms(self) -> int: ...
    @property
    def due_ms(self) -> int | None: ...
    @property
    def lease_pid(self) -> int | None: ...
    @property
    def lease_renewed_ms(self) -> int | None: ...


class Liveness(NamedTuple):
    """What the worker does, in a sentence without its full stop, whether all is well, and the age of its last step."""

    sentence: str
    is_well: bool
    age_ms: int | None


def liveness(pulse: Pulse, now_ms: int) -> Liveness:
    """Judge a worker; `now_ms` is wall time."""
    age_ms = now_ms - pulse.wall_ms if pulse.wall_ms else None
    said, is_well = _judged(pulse, now_ms)
    stepped = f"last step {format_duration(age_ms)} ago" if age_ms is not None else "no step yet"
    return Liveness(f"{said}, {stepped}", is_well, age_ms)


def _judged(pulse: Pulse, now_ms: int) -> tuple[str, bool]:
    if pulse.lease_pid is None or pulse.lease_renewed_ms is None:
        return "The worker is not running", False
    silent_ms = now_ms - pulse.lease_renewed_ms
    if silent_ms > SILENT_MS:
        return f"The worker (process {pulse.lease_pid}) has been silent for {format_duration(silent_ms)}", False
    if pulse.due_ms is not None and now_ms - pulse.due_ms > OVERDUE_MS:
        return f"A step is overdue since {format_duration(now_ms - pulse.due_ms)}", False
    return "The worker runs", True
