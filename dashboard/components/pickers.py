"""What a person picks: a period, scopes, a bot. Each stands in the address bar, so that a link shows the same."""

from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import NamedTuple

import streamlit as st

from dashboard import loaders
from dashboard.components.address import (
    FIRST_DAY,
    LAST_DAY,
    clock_to_ms,
    held_ms,
    hold_ms,
    known_or_stop,
    taken_over,
    unknown,
)
from dashboard.components.words import plain, when
from dashboard.components.zone import UTC, in_own_zone, zone
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from shared.enums import ScopeKind
from shared.units import DAY_MS, bar_open_ms

PERIODS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "All": None}
CUSTOM = "Dates"
# Around what the address points at.
TRADE = "Trade"
PORTFOLIO_LABEL = "Portfolio"
MOST_LINES = 12


class Period(NamedTuple):
    """Market times in `[start_ms, end_ms)`; None is open."""

    start_ms: int | None
    end_ms: int | None


ALWAYS = Period(None, None)


@dataclass(frozen=True, slots=True)
class ChosenPeriod:
    """A period as it was chosen: dates stay where they are, the last days move on with the books."""

    days: int | None = None
    dates: Period = ALWAYS

    def now(self) -> Period:
        """Give the times as of the newest step."""
        return self.dates if self.days is None else Period(_begin_ms(self.days), None)


@dataclass(frozen=True, slots=True)
class ChosenFilters:
    """Filters as they were chosen; their times are those of the period."""

    period: ChosenPeriod = field(default_factory=ChosenPeriod)
    others: Filters = EVERYTHING

    def now(self) -> Filters:
        """Give the filters as of the newest step."""
        start_ms, end_ms = self.period.now()
        return replace(self.others, start_ms=start_ms, end_ms=end_ms)


def as_of_now(argument: object) -> object:
    """Give what a choice amounts to as of the newest step; anything else as it is.

    A panel that draws itself again asks anew each time: a start worked out once would make `1d` longer and longer.
    """
    return argument.now() if isinstance(argument, ChosenPeriod | ChosenFilters) else argument


def period_picker(
    default: str = "30d", key: str = "period", dates: bool = True, trade: Period | None = None
) -> ChosenPeriod:
    """Let a person pick a period that ends at the last step, dates of their own, or that of a trade where one is given.

    The latter is what is shown until another is picked.
    """
    options = [*PERIODS, CUSTOM] if dates else list(PERIODS)
    if trade is not None:
        options, default = [*options, TRADE], TRADE
    known_or_stop(key, "period", options)
    chosen = st.segmented_control(
        "Period", options, default=default, required=True, key=key, bind="query-params", label_visibility="collapsed"
    )
    if chosen == TRADE and trade is not None:
        return ChosenPeriod(dates=trade)
    if chosen == CUSTOM:
        return ChosenPeriod(dates=_dates(key))
    return ChosenPeriod(PERIODS[chosen or default])


def scope_picker(key: str = "lines", label: str = "Lines") -> tuple[Scope, ...]:
    """Let a person pick scopes to draw: the portfolio, sleeves, bots."""
    scopes = {PORTFOLIO_LABEL: PORTFOLIO} | {named_scope(scope): scope for scope in _scopes()}
    also = _scopes_of_address(key)
    if also:
        st.session_state[key] = also[:MOST_LINES]
    known_or_stop(key, "scope", scopes)
    chosen = st.multiselect(
        label, list(scopes), default=[PORTFOLIO_LABEL], key=key, bind="query-params", placeholder="Portfolio",
        max_selections=MOST_LINES, select_all=False,
    )  # fmt: skip
    return tuple(scopes[name] for name in chosen) or (PORTFOLIO,)


def one_scope_picker(key: str = "scope", label: str = "Scope") -> Scope:
    """Let a person pick one scope; a link to one that is not there is refused, for another must not stand for it."""
    scopes = {PORTFOLIO_LABEL: PORTFOLIO} | {named_scope(scope): scope for scope in _scopes()}
    _take_over(key, _scopes_of_address(key), "scope")
    known_or_stop(key, "scope", scopes)
    return scopes[st.selectbox(label, list(scopes), key=key, bind="query-params") or PORTFOLIO_LABEL]


def bot_picker(key: str = "bot", label: str = "Bot") -> str | None:
    """Let a person pick a bot; None where the fleet has none. A link to one that is not there is refused."""
    return _one("bot", key, label)


def symbol_picker(key: str = "symbol", label: str = "Symbol") -> str | None:
    """Let a person pick a symbol; None where the fleet has none. A link to one that is not there is refused."""
    return _one("symbol", key, label)


def _one(what: str, key: str, label: str) -> str | None:
    names = list(loaders.of_books(load_members)[what].drop_duplicates())
    if names:
        _take_over(key, taken_over(f"{key}s", key, {name: name for name in names}), what)
        known_or_stop(key, what, names)
    return st.selectbox(label, names, key=key, bind="query-params", placeholder=f"No {what}s yet")


def _take_over(key: str, names: list[str], what: str) -> None:
    """Pick the one that an address names by another word."""
    if len(names) > 1:
        unknown(f"Here one {what} is picked, and the address names {len(names)}.", key)
    if names:
        st.session_state[key] = names[0]


def _scopes_of_address(key: str) -> list[str]:
    """Give the scopes that an address names as bots or sleeves."""
    found = []
    for kind in (ScopeKind.SLEEVE, ScopeKind.BOT):
        known = {scope.name: named_scope(scope) for scope in _scopes() if scope.kind is kind}
        for name in (kind.lower(), f"{kind.lower()}s"):
            found += taken_over(name, key, known)
    return found


def named_scope(scope: Scope) -> str:
    """Name a scope for people."""
    return PORTFOLIO_LABEL if scope.kind is ScopeKind.PORTFOLIO else f"{scope.kind.lower()} {scope.name}"


def _scopes() -> list[Scope]:
    members = loaders.of_books(load_members)
    sleeves = [Scope(ScopeKind.SLEEVE, name) for name in members["sleeve"].drop_duplicates()]
    return sleeves + [Scope(ScopeKind.BOT, name) for name in members["bot"]]


def _begin_ms(days: int) -> int:
    # By the hour, so that what was loaded for this period is not loaded anew at each step.
    return bar_open_ms(loaders.newest().market_ms - days * DAY_MS, DAY_MS // 24)


def _dates(key: str) -> Period:
    """Let a person pick dates of the zone of the switch; the address bar holds where they begin and end, in UTC."""
    for end in ("from", "to"):
        written = st.query_params.get(f"{key}_{end}", "")
        if written and held_ms(f"{key}_{end}") is None:
            unknown(f"{plain(written)} is no date.", f"{key}_{end}")
    left, right = st.columns(2)
    for place, label, end in ((left, "From", "from"), (right, "To, inclusive", "to")):
        held = held_ms(f"{key}_{end}", end == "to")
        box = f"{key}_{end}_{zone()}"
        if held is not None:
            st.session_state.setdefault(box, in_own_zone(held - (end == "to")).date())
        place.date_input(
            f"{label}, {zone()}", value=None, key=box, on_change=_hold_date, args=(key, end), format="YYYY-MM-DD",
            min_value=FIRST_DAY, max_value=LAST_DAY,
        )  # fmt: skip
    period = Period(held_ms(f"{key}_from"), held_ms(f"{key}_to", is_end=True))
    if zone() != UTC and period != ALWAYS:
        first, last = (when(time_ms) if time_ms is not None else "open" for time_ms in period)
        st.caption(f"From {first} to {last}")
    return period


def _hold_date(key: str, end: str) -> None:
    day = st.session_state.get(f"{key}_{end}_{zone()}")
    midnight = day + timedelta(days=end == "to") if isinstance(day, date) else None
    hold_ms(f"{key}_{end}", None if midnight is None else clock_to_ms(midnight, time()), end == "to")
