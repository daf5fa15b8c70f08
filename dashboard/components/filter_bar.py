"""The filters of a page, bound to the address bar."""

import streamlit as st

from dashboard import loaders
from dashboard.components.address import known_or_stop, taken_over
from dashboard.components.pickers import ChosenFilters, period_picker
from dashboard.components.words import words
from dashboard.queries.filters import Filters
from dashboard.queries.fleet import load_members
from shared.enums import Side, Trigger

SIDES = {"long": Side.BUY.name, "short": Side.SELL.name}


def filter_bar(default_period: str = "30d", sides: bool = True, exit_reasons: bool = True) -> ChosenFilters:
    """Draw the filters and give what they take; the times are those of the moment they are used in."""
    members = loaders.of_books(load_members)
    period = period_picker(default_period)
    with st.expander("Filters", expanded=_is_filtered(), icon=":material/filter_alt:"):
        first, second, third = st.columns(3)
        with first:
            sleeve_names = _many("Sleeves", list(members["sleeve"].drop_duplicates()), "sleeves")
        with second:
            bot_names = _many("Bots", list(members["bot"]), "bots")
        with third:
            symbols = _many("Symbols", list(members["symbol"].drop_duplicates()), "symbols")
        left, right = st.columns(2)
        with left:
            directions = _pills("Side", list(SIDES), "sides") if sides else ()
        with right:
            reasons = _pills("Exit reason", [trigger.name for trigger in Trigger], "exits") if exit_reasons else ()
    taken = tuple(SIDES[name] for name in directions)
    others = Filters(None, None, bot_names, sleeve_names, symbols, taken, reasons)
    return ChosenFilters(period, others)


def _is_filtered() -> bool:
    return any(
        st.session_state.get(key) or key in st.query_params for key in ("sleeves", "bots", "symbols", "sides", "exits")
    )


def _many(label: str, names: list[str], key: str) -> tuple[str, ...]:
    also = taken_over(key.removesuffix("s"), key, {name: name for name in names})
    if also:
        st.session_state[key] = also
    known_or_stop(key, label.lower().removesuffix("s"), names)
    return tuple(st.multiselect(label, names, key=key, bind="query-params", placeholder="All", select_all=False))


def _pills(label: str, names: list[str], key: str) -> tuple[str, ...]:
    also = taken_over(key.removesuffix("s"), key, {word: name for name in names for word in (words(name), name)})
    if also:
        st.session_state[key] = also
    known_or_stop(key, label.lower(), [words(name) for name in names] + names)
    chosen = st.pills(label, names, selection_mode="multi", key=key, bind="query-params", format_func=words)
    return tuple(chosen)
