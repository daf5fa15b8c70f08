"""Asking before something is done: driven by the session's state, so that a refresh does not close the question."""

from collections.abc import Callable
from typing import Any

import streamlit as st

# The one question that several pages ask: whether to set or release a level.
LEVEL_QUESTION = "level"
# The one that every page asks, and that needs no database: whether to stop the worker's process.
STOP_WORKER = "stop_worker"
_OPEN = "question"


def ask_first(name: str, **values: Any) -> None:
    """Open the question of this name; `values` is what it is about."""
    st.session_state[_OPEN] = (name, values)


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


def open_question(name: str) -> dict[str, Any] | None:
    """Give what the question of this name is about where it is open."""
    opened = st.session_state.get(_OPEN)
    return opened[1] if opened and opened[0] == name else None


def question(name: str, title: str, draw: Callable[..., None]) -> None:
    """Draw the question of this name in a dialog where it is open; `draw` takes what it is about."""
    values = open_question(name)
    if values is None:
        return
    st.dialog(title, on_dismiss=close_question)(draw)(**values)
