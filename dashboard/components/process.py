"""The worker's process, by way of supervisor: its state, and the one thing to do next. Needs no database."""

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from dashboard import actions
from dashboard.components.confirm import close_question, only_for_asker
from dashboard.components.words import plain
from dashboard.gate.acts import FILE
from shared.clock import SystemClock
from shared.errors import FlotillaError

LOOK_SECONDS = 1.0
# A double click must not do the next thing, too: it stands where the one before stood.
PAUSE_MS = 2_000
REASON = "process_reason"
_TOLD_MS = "process_told_ms"
_TROUBLE = "process_trouble"


class Step(NamedTuple):
    """What a state means to a person, and what to do next."""

    means: str
    label: str
    key: str
    act: Callable[[str], bool]


STOP = Step("It may trade.", "Stop it now", "stop_worker_now", actions.stop_worker)
KILL = Step(
    "It was told to stop and has not ended yet. Supervisor kills it by itself after a while (`stopwaitsecs`).",
    "Kill it now",
    "kill_worker_now",
    actions.kill_worker,
)
START = Step(
    "Nothing trades and nothing starts it but a person, or a new start of supervisor.",
    "Start it again",
    "start_worker_now",
    actions.start_worker,
)


def next_step(state: str) -> Step:
    """Give what to do next about a process in a state of supervisor's, such as `RUNNING`."""
    if state == "STOPPING":
        return KILL
    # BACKOFF: supervisor is about to start it again.
    return STOP if state in ("RUNNING", "STARTING", "BACKOFF") else START


def process_question() -> None:
    """Draw the state of the worker's process, kept up to date, with what to do next."""
    st.error("Without the worker nothing trades **and no stop is looked after**: open positions stay as they are.")
    reason = st.text_input(
        "Reason, for the record", key=REASON, max_chars=actions.LONGEST_REASON, live=True, placeholder="needed"
    )
    st.caption(
        f"Your name, the time and the reason go into `{FILE}` on the machine of the page, not into the audit "
        "trail: that is in the database, which this does without."
    )
    st.fragment(only_for_asker(_now), run_every=LOOK_SECONDS)((reason or "").strip())
    if st.button("Close", key="process_close"):
        st.session_state.pop(_TROUBLE, None)
        close_question()
        st.rerun()


def _now(reason: str) -> None:
    try:
        state = actions.worker_process()
    except FlotillaError as error:
        st.warning(plain(error))
        return
    step = next_step(state)
    st.markdown(f"**The worker is {plain(state)}.** {step.means}")
    is_pausing = SystemClock().now_ms() - st.session_state.get(_TOLD_MS, 0) < PAUSE_MS
    if st.button(step.label, type="primary", key=step.key, disabled=not reason or is_pausing):
        _act(step, reason)
        st.rerun(scope="fragment")
    if _TROUBLE in st.session_state:
        st.error(plain(st.session_state[_TROUBLE]))


def _act(step: Step, reason: str) -> None:
    st.session_state.pop(_TROUBLE, None)
    st.session_state[_TOLD_MS] = SystemClock().now_ms()
    try:
        if not step.act(reason):
            st.session_state[_TROUBLE] = f"this was done, and could not be written into {FILE}"
    except FlotillaError as error:
        st.session_state[_TROUBLE] = str(error)
