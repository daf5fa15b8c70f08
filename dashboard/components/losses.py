"""Which bot lost most, and on what: its exits, its fees, what is open, and why it did or did not trade last."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.reasons import meaning_of
from dashboard.components.words import many, plain, words
from dashboard.queries.exits import load_exits
from dashboard.queries.filters import EVERYTHING, Filters
from shared.enums import Reason
from shared.money import Money


def lost_most(bots: pd.DataFrame, counted: Money, filters: Filters = EVERYTHING) -> None:
    """Draw the sentence on the bot that lost most of `load_bots` with `load_made`, within the times of the filters."""
    times = Filters(filters.start_ms, filters.end_ms)
    is_period = times != EVERYTHING
    worst = bots.nsmallest(1, "period_profit" if is_period else "profit").to_dict("records")[0]
    when = "in this period" if is_period else "so far"
    lost = worst["period_profit" if is_period else "profit"]
    if not lost < 0.0 or counted.is_nothing(lost):
        st.markdown(f"None of these bots has lost money {when}.")
        return
    if is_period:
        said = lost_in_period(worst, loaders.of_books(load_exits, worst["bot"], times), counted)
        st.markdown(f":material/trending_down: Lost most {when}: {said}")
        return
    said = lost_on(worst, loaders.of_books(load_exits, worst["bot"]), counted)
    st.markdown(f":material/trending_down: Lost most so far: {said}")


def lost_on(bot: Mapping[str, Any], exits: pd.DataFrame, counted: Money) -> str:
    """Say what a bot's profit is made of; what is named adds up to it (`load_exits`, a row of `load_bots`)."""
    closed, fees = _sums(exits)
    parts = _closed(exits, closed, fees, counted)
    others = (
        # What an open round trip has realised so far belongs to no closed one.
        (float(bot["realised_profit"]) - closed, "realised in the one that is open"),
        (float(bot["open_profit"]), f"open, {words(bot['side'])}"),
        (float(bot["funding"]), "of funding"),
    )
    parts += [f"{counted.gain(amount)} {what}" for amount, what in others if not counted.is_nothing(amount)]
    return _sentence(bot, float(bot["profit"]), parts, counted)


def lost_in_period(bot: Mapping[str, Any], exits: pd.DataFrame, counted: Money) -> str:
    """Say what a bot's profit of a period is made of: what closed in it, and what was open at an end of it."""
    closed, fees = _sums(exits)
    parts, rest = _closed(exits, closed, fees, counted), float(bot["period_profit"]) - closed
    if not counted.is_nothing(rest):
        # A round trip that closed in the period brings with it what it made before, so this may have another sign.
        parts.append(f"{counted.gain(rest)} by what was open when it began or ended, and of funding")
    return _sentence(bot, float(bot["period_profit"]), parts, counted)


def _sums(exits: pd.DataFrame) -> tuple[float, float]:
    return float(exits["profit"].sum()), float(exits["fees"].sum())


def _closed(exits: pd.DataFrame, closed: float, fees: float, counted: Money) -> list[str]:
    if not len(exits):
        return []
    before = " (before them it was up)" if closed < 0.0 < closed + fees else ""
    count = int(exits["round_trips"].sum())
    ways = [
        f"{counted.gain(row.profit)} by {words(row.exit_reason)} ({row.round_trips:,})" for row in exits.itertuples()
    ]
    return [
        f"{counted.gain(closed)} in {many(count, 'round trip')} after {counted.amount(fees)} of fees{before}: "
        f"{', '.join(ways)}"
    ]


def _sentence(bot: Mapping[str, Any], profit: float, parts: list[str], counted: Money) -> str:
    who = f"**{plain(bot['bot'])}** ({plain(bot['symbol'])}), **{counted.gain(profit)} {plain(counted.quote)}**"
    why = meaning_of(Reason[bot["reason"]], bot["reason_value"], bot["reason_limit"]).sentence
    return f"{who}: {'; '.join(parts)}. Last reason: {words(bot['reason'])}. {why}"
