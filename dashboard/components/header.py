"""What stands at the top of every page: where the figures come from, and what a person must not miss."""

import math
from typing import Any, Literal

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import worker_liveness
from dashboard.components.answers import names_in_words
from dashboard.components.asked import COUNTS, asked_in_full, asked_in_short, asked_levels, asked_over
from dashboard.components.halts import halt_warning
from dashboard.components.panels import live
from dashboard.components.words import plain, plain_badge, when, words
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.levels import load_levels
from dashboard.queries.overview import Overview
from shared.enums import Level
from shared.market_time import catching_up

Colour = Literal["green", "orange", "red", "gray"]
COLOURS: dict[str, Colour] = {
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
    live(_now, link_to_control, has_figures=False)


def level_badge(level: str, scope: Scope = PORTFOLIO, sleeve: str = "") -> None:
    """Draw the level that rules a scope in its colour; running is green only where a worker runs and no stop waits."""
    st.badge(words(level), color=_colour(level, scope, sleeve), icon=_icon(level))


def asked_badges() -> None:
    """Draw what was asked and the worker has not set yet."""
    asked = asked_levels()
    if asked.empty:
        return
    for row in asked.head(MOST_CAUSES).to_dict("records"):
        st.badge(plain_badge(asked_in_short(row)), color=COLOURS[row["level"]], icon=":material/hourglass_top:")
    if len(asked) > MOST_CAUSES:
        st.badge(f"{len(asked) - MOST_CAUSES} more asked", color="orange")


def _colour(level: str, scope: Scope, sleeve: str) -> Colour:
    if level != Level.RUNNING.name:
        return COLOURS.get(level, "red")
    overview = loaders.overview()
    runs = overview is not None and worker_liveness(overview).is_well
    return "green" if runs and asked_over(scope, sleeve).empty else "gray"


def _icon(level: str) -> str:
    return ":material/play_arrow:" if level == Level.RUNNING.name else ":material/front_hand:"


def _now(link_to_control: bool) -> None:
    overview = loaders.overview()
    if overview is not None:
        _labels(overview)
        _past_bars(overview)
        _warnings(overview, link_to_control)
        if link_to_control and (overview.level != Level.RUNNING.name or not asked_levels().empty):
            st.page_link(CONTROL, label="To Control", icon=":material/tune:")


def _labels(overview: Overview) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        prices = ", ".join(filter(None, (overview.market_label, overview.pace)))
        st.badge(plain_badge(prices), color="violet", icon=":material/science:")
        st.badge(plain_badge(overview.broker_label), color="blue", icon=":material/description:")
        level_badge(overview.level)
        asked_badges()
        st.caption(f"market time {when(overview.market_ms)}", width="content")


def _past_bars(overview: Overview) -> None:
    """Draw how far a worker that lives is with bars that closed before it could step them."""
    if overview.bars_left and worker_liveness(overview).is_well:
        st.progress(1.0 - overview.bars_left / overview.bars_total, text=f"{catching_up(overview)}.")


def _warnings(overview: Overview, link_to_control: bool) -> None:
    state = worker_liveness(overview)
    if not state.is_well:
        st.error(
            f"{plain(state.sentence)}. What is shown is as old as that; positions are not looked after meanwhile.",
            icon=":material/heart_broken:",
        )
    if state.clock:
        said = plain(state.clock[0].upper() + state.clock[1:])
        st.warning(
            f"{said}. Steps are made all the same; times of commands and ages may be off.", icon=":material/schedule:"
        )
    asked = asked_levels()
    if overview.level == Level.HALTED.name or overview.unprotected > 0.0 or Level.HALTED.name in set(asked["level"]):
        halt_warning(overview, f"{_causes(Level.HALTED)}.", CONTROL if link_to_control else None)
    if overview.level in (Level.NO_ENTRIES.name, Level.FLATTEN.name):
        _level_warning(Level[overview.level])
    if not asked.empty:
        for row in asked[asked["level"] != Level.HALTED.name].head(MOST_CAUSES).to_dict("records"):
            _asked_warning(row)


def _level_warning(level: Level) -> None:
    means = "Everything is closed and stays closed" if level is Level.FLATTEN else NO_ENTRIES
    title = words(level.name).capitalize()
    st.warning(f"{means}. {_causes(level, of_portfolio=True)}.", title=title, icon=":material/front_hand:")


def _asked_warning(row: dict[str, Any]) -> None:
    closes = " Positions stay open until the worker takes it." if row["level"] == Level.FLATTEN.name else ""
    st.warning(f"{asked_in_full(row)}. {COUNTS}{closes}", icon=":material/hourglass_top:")


def _causes(level: Level, of_portfolio: bool = False) -> str:
    """Say who or what set a level, and why."""
    held = loaders.live(load_levels)
    causes = held[(held["level"] == level.name) & ((held["scope"] == "") | (not of_portfolio))]
    asked = asked_levels()
    waiting = asked[(asked["level"] == level.name) & (level is Level.HALTED)]
    said = [asked_in_full(row) for row in waiting.to_dict("records")]
    said += [_set_by(row) for row in causes.to_dict("records")]
    more = [f"{len(said) - MOST_CAUSES} more"] if len(said) > MOST_CAUSES else []
    return "; ".join((*said[:MOST_CAUSES], *more)) or "Control says who set it"


def _set_by(row: dict[str, Any]) -> str:
    where = f" for {row['scope_kind'].lower()} {plain(row['scope'])}" if row["scope"] else ""
    who = plain(row["who"]) or f"{words(row['cause'])}"
    said = row["reason"] if row["who"] else names_in_words(row["reason"])
    why = f": {plain(said)}" if said else ""
    since = f", since {when(row['since_ms'])} by the wall clock" if math.isfinite(row["since_ms"]) else ""
    return f"Set by {who}{where}{why}{since}"
