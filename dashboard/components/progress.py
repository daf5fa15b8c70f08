"""What became of what a person asked: asked, taken, done, with the worker's answer; and what to do without one."""

import streamlit as st

from dashboard import loaders
from dashboard.actions import Asked
from dashboard.components.answers import in_words
from dashboard.components.asked import COUNTS
from dashboard.components.confirm import STOP_WORKER, asking_button
from dashboard.components.halts import still_open
from dashboard.components.words import duration, plain, words
from dashboard.gate.acts import FILE
from dashboard.gate.person import person
from dashboard.queries.equity import Scope
from shared.clock import SystemClock
from shared.enums import CommandKind, CommandStatus, ScopeKind
from shared.liveness import is_unanswered

ASKED_HERE = "asked_here"
# How many of this session's commands stay on the page.
SHOWN = 4
# What is to leave no position open, or leaves them open without stops: what is still open is told.
LEAVES_NOTHING = (CommandKind.FLATTEN.name, CommandKind.HALT.name)
STOPS = (CommandKind.PAUSE.name, CommandKind.FLATTEN.name, CommandKind.HALT.name)
NOT_RECORDED = f"This could not be written into `{FILE}`: it is in the audit trail alone."
_FINISHED = (CommandStatus.DONE.name, CommandStatus.REFUSED.name)


def follow(asked: Asked) -> None:
    """Show from now on what becomes of a command."""
    st.session_state[ASKED_HERE] = [asked, *st.session_state.get(ASKED_HERE, [])][:SHOWN]


def progress() -> None:
    """Draw what this session asked for and how far it is."""
    asked = st.session_state.get(ASKED_HERE, [])
    commands = [loaders.command(one.command_id) for one in asked]
    for one, command in zip(asked, commands, strict=True):
        if command is not None:
            _draw(command, one.is_recorded)


def unanswered(command: dict, now_ms: int) -> bool:
    """Say whether a command has waited too long for its answer; `now_ms` is wall time."""
    return command["status"] not in _FINISHED and is_unanswered(command["asked_ms"], now_ms)


def _draw(command: dict, is_recorded: bool) -> None:
    now_ms = SystemClock().now_ms()
    what = f"{words(command['kind'])} {words(command['scope_kind'])} {plain(command['scope'])}".strip()
    with st.container(border=True):
        st.markdown(f"**{what}** · {' → '.join(_stages(command))}")
        if not is_recorded:
            st.warning(NOT_RECORDED)
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
    latched = f" {COUNTS}" if command["kind"] in STOPS else ""
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
