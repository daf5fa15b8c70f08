"""The reasons of the gate in words, with what each measured."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.words import duration, many, percent, plain, when, words
from dashboard.components.words import ratio as two_places
from shared.enums import BarStatus, Level, Reason
from shared.money import Money, is_known, quantity_text
from shared.quantities import LARGEST_UNITS, SMALLEST_UNIT


class Meaning(NamedTuple):
    """What a reason says, and how its value and limit are called and written."""

    sentence: str
    value: str = ""
    limit: str = ""
    written: Callable[[float], str] = two_places
    is_money: bool = False

    @property
    def is_level(self) -> bool:
        """Say whether it measures a level, of which its sentence says all there is."""
        return self.written is _level

    def said(self, value: float, counted: Money) -> str:
        """Write a value or limit."""
        return counted.amount(value) if self.is_money else self.written(value)


def _level(value: float) -> str:
    return words(Level(int(value)).name)


def _bar(value: float) -> str:
    return words(BarStatus(int(value)).name)


def _bars(value: float) -> str:
    return f"{value:.0f}"


def _seconds(value: float) -> str:
    return duration(value * 1000.0)


def _share(value: float) -> str:
    return percent(value, 3)


MEANINGS = {
    Reason.HALTED: Meaning("It was halted: no order at all, no stop either.", "level", "halted from", _level),
    Reason.FLATTEN: Meaning("Its level said flatten: positions close and stay closed.", "level", "from", _level),
    Reason.CLOSE: Meaning("A person asked for its position to be closed.", "held", "wanted", quantity_text),
    Reason.STALE: Meaning("The bar was missing, late or repaired: nothing is traded on it.", "bar", "must be", _bar),
    Reason.WARMUP: Meaning("Its strategy had not seen enough bars yet."),
    Reason.NO_ENTRIES: Meaning("Its level allowed no entries; exits and stops went on.", "level", "from", _level),
    Reason.RECONCILIATION: Meaning("The exchange held another quantity than the books: no entries."),
    Reason.UNRESOLVED: Meaning(
        "An order of its own was not yet known to be anything: no entries, and nothing by signal while an exit was out."
    ),
    Reason.REENTRY_LOCK: Meaning(
        "A protective exit or a person closed its last position, and the exposure it wants still has that sign.",
        "confirmed exposure",
        "locked sign",
        lambda value: f"{value:+.2f}",
    ),
    Reason.HOLD: Meaning("Its position was as wanted.", "held", "wanted", quantity_text),
    Reason.FLAT: Meaning("It wanted no position and had none.", "held", "wanted", quantity_text),
    Reason.UNCONFIRMED: Meaning("Another sign was wanted, but not for long enough.", "bars counted", "needed", _bars),
    Reason.COST: Meaning(
        "The move to expect was smaller than what trading costs ask for.", "expected move", "needed", _share
    ),
    Reason.COOLDOWN: Meaning("Its last fill was too recent.", "elapsed", "needed", _seconds),
    Reason.CAP: Meaning(
        "Exposure would have exceeded a cap, or there was no money for it, or more coins than can be counted.",
        "exposure of equity",
        "cap",
        _share,
    ),
    Reason.MIN_NOTIONAL: Meaning("What was left to change was worth too little.", "worth", "at least", is_money=True),
    Reason.TRADE: Meaning("An order was made.", "worth", "at least", is_money=True),
}

OVER_CAP = MEANINGS[Reason.CAP]._replace(sentence="Exposure would have exceeded a cap.")
NO_MONEY = Meaning("There was no money for a larger position.", "equity", "must be above", is_money=True)
UNCOUNTABLE = Meaning("It wanted more coins than can be told from one another.", "coins", "at most", quantity_text)
# Of the asset with the smallest unit; no exposure comes near so many times the equity.
FEWEST_UNCOUNTABLE = LARGEST_UNITS * SMALLEST_UNIT


def meaning_of(reason: Reason, value: float | None, limit: float | None) -> Meaning:
    """Give what a reason says with what it measured: CAP is told of caps, of money and of what can be counted."""
    if reason is not Reason.CAP or not is_known(value):
        return MEANINGS[reason]
    if limit == 0.0 and value <= 0.0:
        return NO_MONEY
    return UNCOUNTABLE if is_known(limit) and limit >= FEWEST_UNCOUNTABLE else OVER_CAP


def decision_card(stretch: Mapping[str, Any], title: str) -> None:
    """Draw why a bot did or did not trade during a stretch; `stretch` is a row of `load_seen_at`."""
    reason = Reason[stretch["reason"]]
    first, last = ((stretch[f"{at}_value"], stretch[f"{at}_limit"]) for at in ("first", "last"))
    meaning = meaning_of(reason, *last)
    with st.container(border=True):
        st.caption(title)
        st.markdown(f"#### {words(reason.name).capitalize()}", anchors=False)
        st.markdown(f"{meaning.sentence}{_ordered(stretch)}")
        if meaning.value and not meaning.is_level and is_known(stretch["last_value"]):
            began, ended = _measured(reason, *first), _measured(reason, *last)
            st.markdown(f"**{began}**" if began == ended else f"**{began}** at first, **{ended}** at last")
        st.markdown(f":material/visibility: {plain(stretch['saw'])}")
        st.markdown(f"Band **{_band(stretch)}**, confirmed exposure **{stretch['confirmed']:+.2f}**.")
        until = "and goes on" if stretch["is_open"] else f"until {when(stretch['until_ms'])}"
        steps = many(stretch["steps"], "step")
        st.caption(f"Unchanged for {steps}, from the bar of {when(stretch['from_ms'])} {until}.")


def decided_at(stretch: Mapping[str, Any]) -> str:
    """Say when a decision was taken and on which bar; `stretch` is a row of `load_decision_at`."""
    open_ms, step_ms = int(stretch["bar_open_ms"]), int(stretch["until_ms"] - stretch["to_ms"])
    return f"Decided at {when(open_ms + step_ms)}, when the bar that opened at {when(open_ms)} closed"


def rows_of_the_gate(decided: str) -> pd.DataFrame:
    """Give the rows of the gate from the top, the one that decided marked."""
    return pd.DataFrame(
        [
            {"row": "▶" if reason.name == decided else "", "reason": reason.name, "meaning": meaning.sentence}
            for reason, meaning in MEANINGS.items()
        ]
    )


def _measured(reason: Reason, value: float, limit: float) -> str:
    meaning, counted = meaning_of(reason, value, limit), loaders.counted()
    said = f"{meaning.value} {plain(meaning.said(value, counted))}"
    return f"{said}, {meaning.limit} {plain(meaning.said(limit, counted))}" if is_known(limit) else said


def _ordered(stretch: Mapping[str, Any]) -> str:
    """Say whether an order was made, where that is so of every step of the stretch."""
    if stretch["reason"] == Reason.TRADE.name:
        return ""
    return " **No order was made.**" if not stretch["ordered"] else ""


def _band(stretch: Mapping[str, Any]) -> str:
    if not is_known(stretch["low"]):
        return "none yet"
    return f"{stretch['low']:+.2f} to {stretch['high']:+.2f}"
