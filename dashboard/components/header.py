"""What stands at the top of every page: where the figures come from, and what a person must not miss."""

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import worker_liveness
from dashboard.components.panels import live
from dashboard.components.words import money, percent, plain, plain_badge, when, words
from dashboard.queries.levels import load_levels
from dashboard.queries.overview import Overview
from shared.enums import Level

COLOURS = {"RUNNING": "green", "NO_ENTRIES": "orange", "FLATTEN": "orange", "HALTED": "red"}
CONTROL = "views/control.py"


def header(title: str, about: str, link_to_control: bool = True) -> None:
    """Draw the title of a page, the labels of what it shows, and the warnings that hold now."""
    st.header(title, anchor=False)
    st.caption(about)
    live(_now, link_to_control)


def level_badge(level: str) -> None:
    """Draw a level in its colour."""
    st.badge(words(level), color=COLOURS.get(level, "red"), icon=_icon(level))


def _icon(level: str) -> str:
    return ":material/play_arrow:" if level == Level.RUNNING.name else ":material/front_hand:"


def _now(link_to_control: bool) -> None:
    overview = loaders.overview()
    if overview is not None:
        _labels(overview)
        _warnings(overview)
        if link_to_control and overview.level != Level.RUNNING.name:
            st.page_link(CONTROL, label="To Control", icon=":material/tune:")


def _labels(overview: Overview) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plain_badge(overview.market_label), color="violet", icon=":material/science:")
        st.badge(plain_badge(overview.broker_label), color="blue", icon=":material/description:")
        level_badge(overview.level)
        st.caption(f"market time {when(overview.market_ms)}", width="content")


def _warnings(overview: Overview) -> None:
    state = worker_liveness(overview)
    if not state.is_well:
        st.error(
            f"{plain(state.sentence)}. What is shown is as old as that; positions are not looked after meanwhile.",
            icon=":material/heart_broken:",
        )
    if overview.level != Level.RUNNING.name:
        _level_warning(overview)


def _level_warning(overview: Overview) -> None:
    held = loaders.live(load_levels)
    causes = held[held["scope"] == ""] if not held.empty else held
    said = "; ".join(f"{words(row.cause)}: {_by(row)}" for row in causes.itertuples()) or "see Control"
    if overview.level == Level.HALTED.name:
        st.error(
            f"No order leaves, **no stop either**: {overview.positions} positions worth "
            f"{money(overview.gross_exposure)} {plain(overview.quote)} "
            f"({percent(overview.exposure_fraction, 1)} of equity) stay open without protection. "
            f"Release, then flatten to close them. {said}.",
            title="HALTED",
            icon=":material/dangerous:",
        )
    elif overview.level == Level.FLATTEN.name:
        st.warning(f"Everything is closed and stays closed. {said}.", title="FLATTEN", icon=":material/front_hand:")
    else:
        st.warning(
            f"Nothing new is opened; exits and stops go on. {said}.", title="NO ENTRIES", icon=":material/front_hand:"
        )


def _by(row: object) -> str:
    who, reason = getattr(row, "who", None), getattr(row, "reason", None)
    parts = [plain(part) for part in (who, reason) if isinstance(part, str) and part]
    return ", ".join(parts) or "its brake"
