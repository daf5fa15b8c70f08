"""What stands beside every page: whether the worker lives, the zone of times, and the way to stop everything.

Where the sidebar is closed, as on a phone, the way to stop everything stands in the line at the top (`style.py`).
"""

from typing import Literal

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import worker_liveness
from dashboard.components.confirm import STOP_WORKER, asking_button
from dashboard.components.header import CONTROL, asked_badges, level_badge
from dashboard.components.live_chart import fetch_chart_library
from dashboard.components.panels import live
from dashboard.components.places import follow_links
from dashboard.components.watch import watch
from dashboard.components.words import plain
from dashboard.components.zone import zone_switch
from dashboard.gate.person import UNKNOWN, person

STOP_ICON = ":material/emergency_home:"
Width = Literal["content", "stretch"]


def sidebar(has_charts: bool) -> None:
    """Draw it; a page that has charts lets the browser read their library meanwhile."""
    is_operator = person().is_operator
    if is_operator:
        _stop_trading("kill_on_top", "content")
    with st.sidebar:
        live(_worker, has_figures=False)
        follow_links()
        if is_operator:
            _stop_trading("kill", "stretch")
        zone_switch()
        _who()
        if has_charts:
            fetch_chart_library()


def sidebar_without_books() -> None:
    """Draw what can be there while no database can be read: commands need one, supervisor does not."""
    is_operator = person().is_operator
    if is_operator:
        _stop_process("kill_on_top", "content")
    with st.sidebar:
        if is_operator:
            _stop_process("kill", "stretch")
        _who()


def _stop_trading(key: str, width: Width) -> None:
    # A link, for the browser follows it while the page is still being drawn; a button would wait for its turn.
    with st.container(key=key):
        st.page_link(CONTROL, label="Stop trading", icon=STOP_ICON, width=width)


def _stop_process(key: str, width: Width) -> None:
    asking_button("Stop the worker", key, STOP_WORKER, type="primary", width=width, icon=STOP_ICON)


def _who() -> None:
    someone = person()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/person: {plain(someone.name)}, {someone.role}", width="content")
        if someone != UNKNOWN:
            st.link_button("Sign out", "/logout", type="tertiary", icon=":material/logout:")


def _worker() -> None:
    try:
        overview = loaders.overview()
    finally:
        # Not before: what is drawn apart from the rest is sent apart from it, 10 ms sooner, and the rest later.
        watch()
    if overview is None:
        st.caption("nothing has started yet")
        return
    state = worker_liveness(overview)
    with st.container(horizontal=True):
        st.markdown(f"**{plain(overview.name)}**", width="content")
        level_badge(overview.level)
        asked_badges()
    if state.is_well:
        # In two lines whatever the age: what stands beneath, the way to stop everything first of all, must not move.
        said, _, stepped = state.sentence.partition(", ")
        st.caption(f":green[●] {plain(said)},  \n{plain(stepped)}")
    else:
        st.error(plain(state.sentence), icon=":material/heart_broken:")
