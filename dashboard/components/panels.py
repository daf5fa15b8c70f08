"""Panels: parts of a page that fail alone, and parts that draw themselves again."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import loaders
from dashboard.components.ages import age_of_data
from dashboard.components.empty import nothing
from dashboard.components.pickers import as_of_now
from dashboard.components.words import plain
from dashboard.queries.overview import Overview
from shared.errors import DatabaseError

Panel = Callable[..., None]

# The fragments of the live panels of a page that is being drawn, and the seconds each took.
_DRAWN: ContextVar[dict[str, float] | None] = ContextVar("live_panels", default=None)


def guarded(panel: Panel) -> Panel:
    """Make a panel say that the database does not answer, instead of taking the page with it."""

    @functools.wraps(panel)
    def draw(*arguments: object) -> None:
        try:
            panel(*(as_of_now(argument) for argument in arguments))
        except DatabaseError as error:
            st.error(plain(error), title="No figures: the database does not answer", icon=":material/cloud_off:")

    return draw


def aged(panel: Panel) -> Panel:
    """Make a panel carry the age of what it shows."""

    @functools.wraps(panel)
    def draw(*arguments: object) -> None:
        panel(*arguments)
        overview = loaders.overview()
        if overview is not None:
            age_of_data(overview)

    return draw


def live(panel: Panel, *arguments: object, has_figures: bool = True) -> None:
    """Draw a panel, and draw it again by itself every `dashboard.refresh_seconds`, with the age of its figures."""
    drawn, drawing = _DRAWN.get(), guarded(aged(panel) if has_figures else panel)
    if drawn is None:
        st.fragment(drawing, run_every=loaders.refresh_seconds())(*arguments)
        return
    before, began = _fragments(), time.perf_counter()
    try:
        st.fragment(drawing)(*arguments)
    finally:
        drawn.update(dict.fromkeys(_fragments() - before, time.perf_counter() - began))


@contextmanager
def refreshed_together() -> Iterator[None]:
    """Let the browser ask for all live panels drawn within in the same moment, so that Streamlit runs them together.

    With `run_every` a browser has a timer for each, begun when each was first drawn. Every panel is then a run of its
    own, which costs three times as much, and where a request comes in the moment the run before it ends, Streamlit
    throws away what that run drew.
    """
    drawn: dict[str, float] = {}
    token = _DRAWN.set(drawn)
    try:
        yield
    finally:
        _DRAWN.reset(token)
        # The slowest is asked for first: while it runs, the requests for the others come in.
        _start_timers(sorted(drawn, key=lambda fragment: -drawn[fragment]))


def _fragments() -> frozenset[str]:
    context = get_script_run_ctx()
    return frozenset() if context is None else context.shared.new_fragment_ids.snapshot()


def _start_timers(fragments: list[str]) -> None:
    context = get_script_run_ctx()
    if context is None:
        return
    for fragment in fragments:
        message = ForwardMsg()
        message.auto_rerun.interval = loaders.refresh_seconds()
        message.auto_rerun.fragment_id = fragment
        context.enqueue(message)


def still(panel: Panel, *arguments: object) -> None:
    """Draw a panel once; it changes when the person changes something."""
    guarded(panel)(*arguments)


def overview_or_nothing() -> Overview | None:
    """Give the portfolio as of its last step; draw what is missing where there is none."""
    overview = loaders.overview()
    if overview is None:
        nothing("The worker has not opened its books yet", "It does so at its first start: `make run`.")
    return overview
