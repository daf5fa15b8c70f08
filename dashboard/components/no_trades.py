"""Where nothing was traded, why: the reasons with counts, and the one number that binds."""

import streamlit as st

from dashboard import loaders
from dashboard.components.words import many, plain, words
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_settings
from dashboard.queries.no_trades import Idle, load_idle_bots, load_idle_fleet
from shared.no_trades import why_no_trades

MOST_NAMED = 3
MOST_GROUPS = 3


def fleet_without_trades(filters: Filters = EVERYTHING) -> None:
    """Say why none of the bots that filters take traded, where none did."""
    idle = loaders.of_books(load_idle_fleet, filters)
    if idle is not None:
        span = " in this period" if filters.start_ms is not None or filters.end_ms is not None else " so far"
        who = "Nothing was traded" if idle.of_bots > 1 or not filters.bots else f"{plain(idle.bots[0])} made no trade"
        _say(f"{who}{span}", idle)


def bots_without_trades(filters: Filters = EVERYTHING) -> None:
    """Say of the bots that made no trade why, those of one reason together."""
    groups = loaders.of_books(load_idle_bots, filters)
    if groups and sum(len(group.bots) for group in groups) == groups[0].of_bots:
        fleet_without_trades(filters)
        return
    for idle in groups[:MOST_GROUPS]:
        _say(f"{_named(idle)} made no trade", idle)


def _say(who: str, idle: Idle) -> None:
    settings = loaders.of_books(load_settings)
    if settings:
        why = why_no_trades(idle.stood, settings, loaders.counted(), words)
        st.info(f"{who}: {plain(why)}.", icon=":material/help_center:")


def _named(idle: Idle) -> str:
    names = ", ".join(plain(name) for name in idle.bots[:MOST_NAMED])
    more = f" and {len(idle.bots) - MOST_NAMED:,} more" if len(idle.bots) > MOST_NAMED else ""
    return f"{many(len(idle.bots), 'bot', idle.of_bots)} ({names}{more})"
