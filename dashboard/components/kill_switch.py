"""The graded kill switch of a scope: buttons that ask first, and the question itself."""

import streamlit as st

from dashboard import actions
from dashboard.components.confirm import ask_first, asking_button, close_question, question
from dashboard.components.person import person
from dashboard.components.progress import follow
from dashboard.components.words import money, plain
from dashboard.queries.equity import Scope
from shared.enums import Cause, CommandKind, ScopeKind
from shared.errors import FlotillaError

QUESTION = "level"
LABELS = {
    CommandKind.PAUSE: ("No entries", ":material/pause:", "Opens nothing new; exits and stops go on."),
    CommandKind.FLATTEN: ("Flatten", ":material/vertical_align_center:", "Closes every position now and stays flat."),
    CommandKind.HALT: ("Halt", ":material/dangerous:", "Sends no order at all, no stops either; positions stay open."),
    CommandKind.RELEASE: ("Release", ":material/play_arrow:", "Takes back what a person set."),
}
# What cannot be undone by releasing it is typed out.
TYPED = {CommandKind.FLATTEN: "FLATTEN", CommandKind.HALT: "HALT"}
NOTIONAL = "held_notional"


def kill_switch(scope: Scope, notional: float, quote: str, offered: tuple[CommandKind, ...] = tuple(LABELS)) -> None:
    """Draw the buttons for a scope that holds positions worth `notional`; nothing for a viewer."""
    if not person().is_operator:
        st.caption(":material/visibility: You look on as a viewer; an operator can stop and release.")
        return
    with st.container(horizontal=True):
        for kind in offered:
            label, icon, about = LABELS[kind]
            asking_button(
                label,
                f"ask_{kind}_{scope.kind}_{scope.name}",
                QUESTION,
                {"kind": kind, "scope": scope, "notional": notional, "quote": quote},
                icon=icon,
                help=about,
                type="primary" if kind is CommandKind.PAUSE else "secondary",
            )


def level_question() -> None:
    """Draw the question that is open, if one is."""
    question(QUESTION, "Are you sure?", _ask)


def release_button(scope: Scope, cause: Cause, key: str) -> None:
    """Draw the button that releases one cause of a scope."""
    about = {"kind": CommandKind.RELEASE, "scope": scope, "notional": 0.0, "quote": "", "cause": cause}
    asking_button("Release", key, QUESTION, about)


def _ask(kind: CommandKind, scope: Scope, notional: float, quote: str, cause: Cause | None = None) -> None:
    label, icon, about = LABELS[kind]
    where = "the whole portfolio" if scope.kind is ScopeKind.PORTFOLIO else f"{scope.kind.lower()} {plain(scope.name)}"
    st.markdown(f"{icon} **{label}** for **{where}**. {about}")
    if cause is not None:
        st.caption(f"Cause: {cause.name.lower()}. Releasing a drawdown brake lets it measure from the equity of now.")
    if kind is CommandKind.HALT and notional > 0.0:
        _offer_flatten(scope, notional, quote)
    reason = st.text_input(
        "Reason, for the audit trail", key="command_reason", max_chars=actions.LONGEST_REASON, live=True
    )
    typed = TYPED.get(kind)
    word = st.text_input(f"Type {typed} to confirm", key="command_word", live=True) if typed else None
    with st.container(horizontal=True):
        certain = bool((reason or "").strip()) and word == typed
        if st.button(f"{label} now", type="primary", key="command_send", disabled=not certain, icon=icon):
            _send(kind, scope, reason or "", cause)
        if st.button("Leave it", key="command_leave"):
            close_question()
            st.rerun()


def _offer_flatten(scope: Scope, notional: float, quote: str) -> None:
    st.error(
        f"Positions worth {money(notional)} {plain(quote)} would stay open **without stops**. "
        "Flatten closes them first.",
        icon=":material/warning:",
    )
    if st.button("Flatten instead", key="flatten_instead", type="primary"):
        ask_first(QUESTION, kind=CommandKind.FLATTEN, scope=scope, notional=notional, quote=quote)
        st.rerun()


def _send(kind: CommandKind, scope: Scope, reason: str, cause: Cause | None) -> None:
    try:
        follow(actions.ask(kind, scope.kind, scope.name, reason, cause))
    except FlotillaError as error:
        st.error(plain(error))
        return
    close_question()
    st.rerun()
