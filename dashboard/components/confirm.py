"""Asking before something is done: driven by the session's state, so that a refresh does not close the question.

A question is its asker's: it closes where somebody else looks, or where the asker is no operator any more.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from dashboard.gate.person import person

# The one question that several pages ask: whether to set or release a level.
LEVEL_QUESTION = "level"
# The one that every page asks, and that needs no database: whether to stop the worker's process.
STOP_WORKER = "stop_worker"
_OPEN = "question"


def ask_first(name: str, **values: Any) -> None:
    """Open the question of this name; `values` is what it is about."""
    st.session_state[_OPEN] = (name, values, person())


def asking_button(
    label: str, key: str, name: str, values: dict[str, Any] | None = None, page: str | None = None, **options: Any
) -> None:
    """Draw a button that opens a question, on the page that draws it; `options` are those of `st.button`."""
    if st.button(label, key=key, **options):
        ask_first(name, **(values or {}))
        if page is not None:
            st.switch_page(page, query_params={})
        # The questions are drawn by the page, and a button in a live part would draw that part only.
        st.rerun()


def close_question() -> None:
    """Close whatever question is open."""
    st.session_state.pop(_OPEN, None)


def question(name: str, title: str, draw: Callable[..., None]) -> None:
    """Draw the question of this name in a dialog where it is open; `draw` takes what it is about."""
    opened = st.session_state.get(_OPEN)
    if opened is None or opened[0] != name:
        return
    if not _asker_may_act():
        close_question()
        return
    st.dialog(title, on_dismiss=close_question)(only_for_asker(draw))(**opened[1])


def only_for_asker(draw: Callable[..., None]) -> Callable[..., None]:
    """Make of what draws a part of a question one that closes it instead, where its asker may act no more.

    A part that is drawn again by itself does not come by where the question was opened.
    """

    @wraps(draw)
    def draw_or_close(*about: Any, **values: Any) -> None:
        if _asker_may_act():
            draw(*about, **values)
            return
        close_question()
        st.rerun()

    return draw_or_close


def _asker_may_act() -> bool:
    opened, someone = st.session_state.get(_OPEN), person()
    # One that was closed a moment ago is still drawn to its end.
    return someone.is_operator and (opened is None or opened[2] == someone)
