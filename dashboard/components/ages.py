"""How old what is shown is, and whether the worker that should renew it does."""

from typing import NamedTuple

import streamlit as st

from dashboard.components.words import duration, plain
from dashboard.queries.overview import Overview
from shared.clock import SystemClock

# A worker renews its lease every few seconds; one that has not for so long does not answer.
SILENT_MS = 20_000
# A step is overdue when it was due so long ago.
OVERDUE_MS = 30_000


class Liveness(NamedTuple):
    """What the worker does, in a sentence, and whether all is well."""

    sentence: str
    is_well: bool
    age_ms: int | None


def liveness(overview: Overview, now_ms: int) -> Liveness:
    """Judge the worker by its lease and by when its next step is due; `now_ms` is wall time."""
    age_ms = now_ms - overview.wall_ms if overview.wall_ms else None
    stepped = f"last step {duration(age_ms)} ago" if age_ms is not None else "no step yet"
    if overview.lease_pid is None or overview.lease_renewed_ms is None:
        return Liveness(f"The worker is not running, {stepped}", False, age_ms)
    silent_ms = now_ms - overview.lease_renewed_ms
    if silent_ms > SILENT_MS:
        return Liveness(f"The worker has been silent for {duration(silent_ms)}, {stepped}", False, age_ms)
    if overview.due_ms is not None and now_ms - overview.due_ms > OVERDUE_MS:
        return Liveness(f"A step is overdue since {duration(now_ms - overview.due_ms)}, {stepped}", False, age_ms)
    return Liveness(f"The worker runs, {stepped}", True, age_ms)


def worker_liveness(overview: Overview) -> Liveness:
    """Judge the worker as of now."""
    return liveness(overview, SystemClock().now_ms())


def age_of_data(overview: Overview) -> None:
    """Write under a panel how old it is; as a warning where nobody renews it."""
    state = worker_liveness(overview)
    age = f"{duration(state.age_ms)} old" if state.age_ms is not None else "before the first step"
    if state.is_well:
        st.caption(f":material/schedule: {age} · step {overview.step:,}")
    else:
        st.caption(f":red[:material/warning: {age} · step {overview.step:,} · {plain(state.sentence)}]")
