"""The graded kill switch of a scope: buttons that ask first, and the question itself."""

import streamlit as st

from dashboard import actions, loaders
from dashboard.components.asked import asked_levels
from dashboard.components.confirm import (
    LEVEL_QUESTION,
    STOP_WORKER,
    ask_first,
    asking_button,
    close_question,
    question,
)
from dashboard.components.halts import flatten_button, halt_over, scope_name
from dashboard.components.progress import follow
from dashboard.components.words import plain, words
from dashboard.gate.person import person
from dashboard.queries.equity import Scope
from dashboard.queries.levels import load_levels, load_scopes
from shared.enums import Cause, CommandKind
from shared.errors import DatabaseError, FlotillaError
from shared.money import Money

LABELS = {
    CommandKind.PAUSE: ("No entries", ":material/pause:", "Opens nothing new; exits and stops go on."),
    CommandKind.FLATTEN: ("Flatten", ":material/vertical_align_center:", "Closes every position now and stays flat."),
    CommandKind.HALT: ("Halt", ":material/dangerous:", "Sends no order at all, no stops either; positions stay open."),
    CommandKind.RELEASE: ("Release", ":material/play_arrow:", "Lets trading go on where it was stopped."),
    CommandKind.CLOSE: (
        "Close position",
        ":material/logout:",
        "Closes it at the next open; the bot goes that way again once its signal has left that side.",
    ),
}
# What the release of a cause does beside.
RELEASED = {
    Cause.DRAWDOWN: "The brake then measures from the equity of now.",
    Cause.FIRST_ORDERS: "The first orders were compared with the exchange's own page and look right: from then on new "
    "ones leave without a limit of this kind.",
}
# What sets or releases a level, for any scope.
LEVEL_KINDS = (CommandKind.PAUSE, CommandKind.FLATTEN, CommandKind.HALT, CommandKind.RELEASE)
# What cannot be undone by releasing it is typed out.
TYPED = {CommandKind.FLATTEN: "FLATTEN", CommandKind.HALT: "HALT", CommandKind.CLOSE: "CLOSE"}


def kill_switch(scope: Scope, notional: float, counted: Money, offered: tuple[CommandKind, ...] = LEVEL_KINDS) -> None:
    """Draw the buttons for a scope that holds positions worth `notional`; nothing for a viewer.

    What a halt keeps open is offered to be flattened first, where the halt is: what is above rules.
    """
    if not person().is_operator:
        st.caption(":material/visibility: You can look as a viewer; only an operator can stop and release.")
        return
    halt = halt_over(scope, loaders.live(load_scopes)) if notional > 0.0 else None
    if halt is not None:
        whose = "It is" if halt.scope == scope else f"What rules here is {scope_name(halt.scope)}, which is"
        st.error(f"{whose} halted: positions are open **without stops**. Flatten closes them, out of the halt.")
    shown = [kind for kind in offered if kind is not CommandKind.RELEASE or _is_held(scope)]
    with st.container(horizontal=True):
        if halt is not None:
            label = LABELS[CommandKind.FLATTEN][0] if halt.scope == scope else None
            flatten_button(halt, counted, _key(CommandKind.FLATTEN, scope), label=label)
        for kind in shown:
            if halt is None or kind is not CommandKind.FLATTEN:
                _button(kind, scope, notional, counted, halt is not None)
    st.caption(" ".join(f"**{LABELS[kind][0]}:** {LABELS[kind][2]}" for kind in shown))


def _is_held(scope: Scope) -> bool:
    """Say whether a person stopped this scope itself, or asked for it: there is nothing else to release."""
    levels, asked = loaders.live(load_levels), asked_levels()
    by_people = levels[levels["cause"] == Cause.PERSON.name]
    return any(
        ((rows["scope_kind"] == scope.kind.name) & (rows["scope"] == scope.name)).any() for rows in (by_people, asked)
    )


def _button(kind: CommandKind, scope: Scope, notional: float, counted: Money, is_halted: bool) -> None:
    label, icon, about = LABELS[kind]
    asking_button(
        label,
        _key(kind, scope),
        LEVEL_QUESTION,
        {"kind": kind, "scope": scope, "notional": notional, "counted": counted},
        icon=icon,
        help=about,
        type="primary" if kind is CommandKind.PAUSE and not is_halted else "secondary",
        # The worker would refuse them: a halt is more than these, and where nothing is held nothing is closed.
        disabled=(is_halted and kind is not CommandKind.RELEASE) or (kind is CommandKind.CLOSE and not notional),
    )


def _key(kind: CommandKind, scope: Scope) -> str:
    return f"ask_{kind}_{scope.kind}_{scope.name}"


def level_question() -> None:
    """Draw the question that is open, if one is."""
    question(LEVEL_QUESTION, "Are you sure?", _ask)


def release_button(scope: Scope, cause: Cause, key: str, label: str = "Release") -> None:
    """Draw the button that releases one cause of a scope."""
    about = {"kind": CommandKind.RELEASE, "scope": scope, "notional": 0.0, "counted": Money(), "cause": cause}
    asking_button(label, key, LEVEL_QUESTION, about)


def _ask(kind: CommandKind, scope: Scope, notional: float, counted: Money, cause: Cause | None = None) -> None:
    label, icon, about = LABELS[kind]
    st.markdown(f"{icon} **{label}** for **{scope_name(scope)}**. {about}")
    if cause is not None:
        st.caption(f"Set by: {words(cause.name)}. {RELEASED.get(cause, '')}")
    if kind is CommandKind.HALT and notional > 0.0:
        _offer_flatten(scope, notional, counted)
    elif kind is CommandKind.FLATTEN and notional > 0.0:
        st.markdown(f"Positions worth **{counted.amount(notional)} {plain(counted.quote)}** are closed at once.")
    elif kind is CommandKind.CLOSE:
        st.markdown(f"A position worth **{counted.amount(notional)} {plain(counted.quote)}** is closed.")
    reason = st.text_input(
        "Reason, for the audit trail",
        key="command_reason",
        max_chars=actions.LONGEST_REASON,
        live=True,
        placeholder="needed",
    )
    typed = TYPED.get(kind)
    word = st.text_input(f"Type {typed} to confirm", key="command_word", live=True) if typed else None
    with st.container(horizontal=True):
        is_typed = typed is None or (word or "").strip().upper() == typed
        certain = bool((reason or "").strip()) and is_typed
        if st.button(f"{label} now", type="primary", key="command_send", disabled=not certain, icon=icon):
            _send(kind, scope, reason or "", cause)
        if st.button("Cancel", key="command_leave"):
            close_question()
            st.rerun()


def _offer_flatten(scope: Scope, notional: float, counted: Money) -> None:
    st.error(
        f"Positions worth {counted.amount(notional)} {plain(counted.quote)} would stay open **without stops**. "
        "Flatten closes them first.",
        icon=":material/warning:",
    )
    if st.button("Flatten instead", key="flatten_instead", type="primary"):
        ask_first(LEVEL_QUESTION, kind=CommandKind.FLATTEN, scope=scope, notional=notional, counted=counted)
        st.rerun()


def _send(kind: CommandKind, scope: Scope, reason: str, cause: Cause | None) -> None:
    try:
        follow(actions.ask(kind, scope.kind, scope.name, reason, cause))
    except FlotillaError as error:
        st.error(plain(error))
        if isinstance(error, DatabaseError):
            # A worker that hangs within a transaction keeps everybody from writing; its process can still be stopped.
            st.button("Stop the worker's process instead", key="stop_instead", on_click=ask_first, args=(STOP_WORKER,))
        return
    close_question()
    st.rerun()
