"""What a person picks: a period, scopes, a bot. Each stands in the address bar, so that a link shows the same."""

from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import loaders
from dashboard.components.zone import zone
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.fleet import load_members
from shared.enums import ScopeKind
from shared.units import DAY_MS, bar_open_ms, to_ms

PERIODS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "All": None}
CUSTOM = "Dates"
PORTFOLIO_LABEL = "Portfolio"


class Period(NamedTuple):
    """Market times in `[start_ms, end_ms)`; None is open."""

    start_ms: int | None
    end_ms: int | None


def period_picker(default: str = "30d", key: str = "period", dates: bool = True) -> Period:
    """Let a person pick a period that ends at the last step, or dates of their own."""
    options = [*PERIODS, CUSTOM] if dates else list(PERIODS)
    chosen = st.segmented_control(
        "Period", options, default=default, required=True, key=key, bind="query-params", label_visibility="collapsed"
    )
    if chosen == CUSTOM:
        return _dates(key)
    days = PERIODS.get(chosen or default)
    return Period(None, None) if days is None else Period(_begin_ms(days), None)


def scope_picker(key: str = "scope", label: str = "Lines") -> tuple[Scope, ...]:
    """Let a person pick scopes to draw: the portfolio, sleeves, bots."""
    scopes = {PORTFOLIO_LABEL: PORTFOLIO} | {named_scope(scope): scope for scope in _scopes()}
    chosen = st.multiselect(
        label, list(scopes), default=[PORTFOLIO_LABEL], key=key, bind="query-params", placeholder="Portfolio",
        max_selections=12, select_all=False,
    )  # fmt: skip
    return tuple(scopes[name] for name in chosen) or (PORTFOLIO,)


def one_scope_picker(key: str = "scope", label: str = "Scope") -> Scope:
    """Let a person pick one scope."""
    scopes = {PORTFOLIO_LABEL: PORTFOLIO} | {named_scope(scope): scope for scope in _scopes()}
    return scopes[st.selectbox(label, list(scopes), key=key, bind="query-params") or PORTFOLIO_LABEL]


def bot_picker(key: str = "bot", label: str = "Bot") -> str | None:
    """Let a person pick a bot; None where the fleet has none."""
    bots = list(loaders.of_books(load_members)["bot"])
    return st.selectbox(label, bots, key=key, bind="query-params", placeholder="No bots yet")


def named_scope(scope: Scope) -> str:
    """Name a scope for people."""
    return PORTFOLIO_LABEL if scope.kind is ScopeKind.PORTFOLIO else f"{scope.kind.lower()} {scope.name}"


def to_market_ms(day: date, at: time) -> int:
    """Give the time of a date and a clock of the zone of the switch."""
    return to_ms(datetime.combine(day, at, ZoneInfo(zone())))


def _scopes() -> list[Scope]:
    members = loaders.of_books(load_members)
    sleeves = [Scope(ScopeKind.SLEEVE, name) for name in members["sleeve"].drop_duplicates()]
    return sleeves + [Scope(ScopeKind.BOT, name) for name in members["bot"]]


def _begin_ms(days: int) -> int:
    # By the hour, so that what was loaded for this period is not loaded anew at each step.
    return bar_open_ms(loaders.newest().market_ms - days * DAY_MS, DAY_MS // 24)


def _dates(key: str) -> Period:
    left, right = st.columns(2)
    first = left.date_input("From", value=None, key=f"{key}_from", bind="query-params", format="YYYY-MM-DD")
    last = right.date_input("To, inclusive", value=None, key=f"{key}_to", bind="query-params", format="YYYY-MM-DD")
    start_ms = to_market_ms(first, time()) if isinstance(first, date) else None
    end_ms = to_market_ms(last, time()) + DAY_MS if isinstance(last, date) else None
    return Period(start_ms, end_ms)
