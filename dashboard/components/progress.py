"""What became of what a person asked: asked, taken, done, with the worker's answer; and what to do without one."""

from collections.abc import Callable

import streamlit as st

from dashboard import actions, loaders
from dashboard.components.answers import in_words
from dashboard.components.confirm import asking_button, close_question
from dashboard.components.halts import still_open
from dashboard.components.person import person
from dashboard.components.words import duration, plain, words
from dashboard.queries.equity import Scope
from shared.clock import SystemClock
from shared.enums import CommandKind, CommandStatus, ScopeKind
from shared.errors import FlotillaError

ASKED_HERE = "asked_here"
STOP_WORKER = "stop_worker"
# A worker that lives answers within a second; so long without an answer, it does not live.
ANSWER_MS = 5_000
# How many of this session's commands stay on the page.
SHOWN = 4
# What is to leave no position open, or leaves them open without stops: what is still open is told.
LEAVES_NOTHING = (CommandKind.FLATTEN.name, CommandKind.HALT.name)
STOPS = (CommandKind.PAUSE.name, CommandKind.FLATTEN.name, CommandKind.HALT.name)
_FINISHED = (CommandStatus.DONE.name, CommandStatus.REFUSED.name)


def follow(command_id: int) -> None:
    """Show from now on what becomes of a command."""
    st.session_state[ASKED_HERE] = [command_id, *st.session_state.get(ASKED_HERE, [])][:SHOWN]


def progress() -> None:
    """Draw what this session asked for and how far it is."""
    commands = [loaders.command(command_id) for command_id in st.session_state.get(ASKED_HERE, [])]
    for command in commands:
        if command is not None:
            _draw(command)


def unanswered(command: dict, now_ms: int) -> bool:
    """Say whether a command has waited too long for its answer; `now_ms` is wall time."""
    return command["status"] not in _FINISHED and now_ms - command["asked_ms"] > ANSWER_MS


def _draw(command: dict) -> None:
    now_ms = SystemClock().now_ms()
    what = f"{words(command['kind'])} {words(command['scope_kind'])} {plain(command['scope'])}".strip()
    with st.container(border=True):
        st.markdown(f"**{what}** · {' → '.join(_stages(command))}")
        if command["status"] in _FINISHED:
            tell = st.success if command["status"] == CommandStatus.DONE.name else st.error
            tell(plain(in_words(command)))
            if command["status"] == CommandStatus.DONE.name and command["kind"] in LEAVES_NOTHING:
                still_open(Scope(ScopeKind[command["scope_kind"]], command["scope"]))
        elif unanswered(command, now_ms):
            _no_answer(command, now_ms)
        else:
            st.caption(f":material/hourglass_top: waiting for the worker, {duration(now_ms - command['asked_ms'])}")


def _stages(command: dict) -> list[str]:
    stages = ["asked"]
    if command["taken_ms"] is not None:
        stages.append(f"taken after {duration(command['taken_ms'] - command['asked_ms'])}")
    if command["status"] in _FINISHED:
        stages.append(f"{words(command['status'])} after {duration(command['answered_ms'] - command['asked_ms'])}")
    return stages


def _no_answer(command: dict, now_ms: int) -> None:
    latched = " It counts already: no order leaves that it forbids." if command["kind"] in STOPS else ""
    st.error(
        f"The worker has not answered for {duration(now_ms - command['asked_ms'])}. What was asked stays asked "
        f"and is the first thing it does when it comes back.{latched}",
        title="No answer",
        icon=":material/heart_broken:",
    )
    if person().is_operator:
        asking_button(
            "Stop the worker's process",
            f"stop_for_{command['command_id']}",
            STOP_WORKER,
            type="primary",
            icon=":material/power_settings_new:",
        )


def stop_worker_question() -> None:
    """Draw the question before the worker's process is stopped."""
    st.error("Without the worker nothing trades **and no stop is looked after**: open positions stay as they are.")
    try:
        state = actions.worker_process()
    except FlotillaError as error:
        st.warning(plain(error))
        st.button("Close", on_click=close_question)
        return
    st.text(f"Supervisor says the worker is {state}.")
    with st.container(horizontal=True):
        if st.button("Stop it now", type="primary", key="stop_worker_now", disabled=state == "STOPPED"):
            _tell(actions.stop_worker)
        if st.button("Kill it", key="kill_worker_now", disabled=state != "STOPPING", help="It does not end by itself."):
            _tell(actions.kill_worker)
        if st.button("Start it", key="start_worker_now", disabled=state in ("RUNNING", "STARTING", "STOPPING")):
            _tell(actions.start_worker)
        st.button("Look again", key="look_again")


def _tell(action: Callable[[], str]) -> None:
    try:
        st.success(f"Supervisor says the worker is {action()}.")
    except FlotillaError as error:
        st.error(plain(error))
