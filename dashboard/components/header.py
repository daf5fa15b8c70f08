"""What stands at the top of every page: where the figures come from, and what a person must not miss."""

import math
from typing import Any, Literal

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import worker_liveness
from dashboard.components.halts import halt_warning
from dashboard.components.panels import live
from dashboard.components.words import plain, plain_badge, when, words
from dashboard.queries.levels import load_levels
from dashboard.queries.overview import Overview
from shared.enums import Level

COLOURS: dict[str, Literal["green", "orange", "red"]] = {
    "RUNNING": "green",
    "NO_ENTRIES": "orange",
    "FLATTEN": "orange",
    "HALTED": "red",
}
CONTROL = "views/control.py"
NO_ENTRIES = "Nothing new is opened; exits and stops go on"
# So many causes stand at the top of every page; Control has them all.
MOST_CAUSES = 3


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
        _warnings(overview, link_to_control)
        if link_to_control and overview.level != Level.RUNNING.name:
            st.page_link(CONTROL, label="To Control", icon=":material/tune:")


def _labels(overview: Overview) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plain_badge(overview.market_label), color="violet", icon=":material/science:")
        st.badge(plain_badge(overview.broker_label), color="blue", icon=":material/description:")
        level_badge(overview.level)
        st.caption(f"market time {when(overview.market_ms)}", width="content")


def _warnings(overview: Overview, link_to_control: bool) -> None:
    state = worker_liveness(overview)
    if not state.is_well:
        st.error(
            f"{plain(state.sentence)}. What is shown is as old as that; positions are not looked after meanwhile.",
            icon=":material/heart_broken:",
        )
    if overview.level == Level.HALTED.name or overview.unprotected > 0.0:
        halt_warning(overview, f"{_causes(Level.HALTED)}.", CONTROL if link_to_control else None)
    if overview.level in (Level.NO_ENTRIES.name, Level.FLATTEN.name):
        _level_warning(Level[overview.level])


def _level_warning(level: Level) -> None:
    means = "Everything is closed and stays closed" if level is Level.FLATTEN else NO_ENTRIES
    title = words(level.name).upper()
    st.warning(f"{means}. {_causes(level, of_portfolio=True)}.", title=title, icon=":material/front_hand:")


def _causes(level: Level, of_portfolio: bool = False) -> str:
    """Say who or what set a level, and why."""
    held = loaders.live(load_levels)
    causes = held[(held["level"] == level.name) & ((held["scope"] == "") | (not of_portfolio))]
    said = [_set_by(row) for row in causes.head(MOST_CAUSES).to_dict("records")]
    more = [f"{len(causes) - MOST_CAUSES} more"] if len(causes) > MOST_CAUSES else []
    return "; ".join((*said, *more)) or "Who set it stands on Control"


def _set_by(row: dict[str, Any]) -> str:
    where = f" for {row['scope_kind'].lower()} {plain(row['scope'])}" if row["scope"] else ""
    who = plain(row["who"]) or f"the cause {words(row['cause'])}"
    why = f": {plain(row['reason'])}" if row["reason"] else ""
    since = f", since {when(row['since_ms'])}" if math.isfinite(row["since_ms"]) else ""
    return f"Set by {who}{where}{why}{since}"
