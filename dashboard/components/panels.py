"""Panels: parts of a page that fail alone, and parts that draw themselves again."""

import functools
from collections.abc import Callable

import streamlit as st

from dashboard import loaders
from dashboard.components.empty import nothing
from dashboard.components.words import plain
from dashboard.queries.overview import Overview
from shared.errors import DatabaseError

Panel = Callable[..., None]


def guarded(panel: Panel) -> Panel:
    """Make a panel say that the database does not answer, instead of taking the page with it."""

    @functools.wraps(panel)
    def draw(*arguments: object) -> None:
        try:
            panel(*arguments)
        except DatabaseError as error:
            st.error(plain(error), title="No figures: the database does not answer", icon=":material/cloud_off:")

    return draw


def live(panel: Panel, *arguments: object) -> None:
    """Draw a panel, and draw it again by itself every `dashboard.refresh_seconds`."""
    st.fragment(guarded(panel), run_every=loaders.refresh_seconds())(*arguments)


def still(panel: Panel, *arguments: object) -> None:
    """Draw a panel once; it changes when the person changes something."""
    guarded(panel)(*arguments)


def overview_or_nothing() -> Overview | None:
    """Give the portfolio as of its last step; draw what is missing where there is none."""
    overview = loaders.overview()
    if overview is None:
        nothing("The worker has not opened its books yet", "It does so at its first start: `make run`.")
    return overview
