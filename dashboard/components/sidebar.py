"""What stands beside every page: whether the worker lives, the zone of times, and the way to stop everything."""

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import worker_liveness
from dashboard.components.header import CONTROL, level_badge
from dashboard.components.live_chart import fetch_chart_library
from dashboard.components.panels import live
from dashboard.components.person import LOCAL, person
from dashboard.components.words import plain
from dashboard.components.zone import zone_switch


def sidebar(has_charts: bool) -> None:
    """Draw it; a page that has charts lets the browser read their library meanwhile."""
    someone = person()
    with st.sidebar:
        live(_worker)
        if someone.is_operator and st.button(
            "Stop trading", icon=":material/emergency_home:", type="primary", width="stretch", key="kill"
        ):
            # Without query parameters of its own it refuses to leave a page whose filters stand in the address bar.
            st.switch_page(CONTROL, query_params={})
        zone_switch()
        st.caption(f":material/person: {plain(someone.name)}, {someone.role}")
        if someone.name != LOCAL:
            st.link_button("Sign out", "/logout", type="tertiary", icon=":material/logout:")
        if has_charts:
            fetch_chart_library()


def _worker() -> None:
    overview = loaders.overview()
    if overview is None:
        st.caption("no books yet")
        return
    state = worker_liveness(overview)
    with st.container(horizontal=True):
        st.markdown(f"**{plain(overview.name)}**", width="content")
        level_badge(overview.level)
    if state.is_well:
        st.caption(f":green[●] {plain(state.sentence)}")
    else:
        st.error(plain(state.sentence), icon=":material/heart_broken:")
