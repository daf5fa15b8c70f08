"""Which bot lost most and why: costs, worst trade, how often it was right; and all that the loss is made of."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.places import link
from dashboard.components.reasons import meaning_of
from dashboard.components.tables import DIRECTIONS
from dashboard.components.trade import ask_for_trade, follow_trade
from dashboard.components.words import many, percent, plain, when, words
from dashboard.queries.exits import load_exits, load_worst_trip
from dashboard.queries.filters import EVERYTHING, Filters
from shared.enums import Reason
from shared.metrics.round_trips import wilson_interval
from shared.money import Money


def lost_most(bots: pd.DataFrame, counted: Money, filters: Filters = EVERYTHING) -> None:
    """Draw why the bot lost that lost most of `load_bots` with `load_made`, within the times of the filters."""
    follow_trade()
    times = Filters(filters.start_ms, filters.end_ms)
    is_period = times != EVERYTHING
    made, paid = ("period_profit", "period_fees") if is_period else ("profit", "fees")
    worst, span = bots.nsmallest(1, made).to_dict("records")[0], "in this period" if is_period else "so far"
    if not worst[made] < 0.0 or counted.is_nothing(worst[made]):
        st.markdown(f"None of these bots has lost money {span}.")
        return
    st.markdown(f":material/trending_down: Lost most {span}: {_who(worst, worst[made], counted)}")
    exits = loaders.of_books(load_exits, worst["bot"], times)
    trip = loaders.of_books(load_worst_trip, worst["bot"], times)
    # Of a period the funding is not told apart.
    funding = 0.0 if is_period else float(worst["funding"])
    st.markdown("\n".join(f"- {line}" for line in why_lost(-worst[made], worst[paid], funding, exits, trip, counted)))
    if trip is not None:
        row = {"bot": worst["bot"], **trip}
        st.button(
            "Its worst trade",
            icon=":material/candlestick_chart:",
            key="worst_trade",
            on_click=ask_for_trade,
            args=(row,),
        )
    with st.expander("What the loss is made of"):
        said = lost_in_period if is_period else lost_on
        st.markdown(said(worst, exits, counted))


def why_lost(
    lost: float, fees: float, funding: float, exits: pd.DataFrame, trip: Mapping[str, Any] | None, counted: Money
) -> list[str]:
    """Say in three lines what share of a loss costs were, what share the worst trade, and how often a bot was right.

    `lost` and `fees` are positive; `funding` is negative where it was paid. `exits` and `trip` are those of
    `load_exits` and `load_worst_trip`.
    """
    return [_costs(lost, fees, funding, counted), _worst(lost, trip, counted), _right(exits)]


def _costs(lost: float, fees: float, funding: float, counted: Money) -> str:
    paid = max(-funding, 0.0)
    costs = fees + paid
    parts = f" (fees {counted.amount(fees)}, funding {counted.amount(paid)})" if not counted.is_nothing(paid) else ""
    share = f"{percent(costs / lost, 0)} of the loss"
    before = f"; before them it made {counted.amount(costs - lost)}" if costs > lost else ""
    return f"**Costs**: {counted.amount(costs)}{parts or ' of fees'}, {share}{before}."


def _worst(lost: float, trip: Mapping[str, Any] | None, counted: Money) -> str:
    if trip is None:
        return "**Worst trade**: none has closed; what it lost is open."
    if trip["profit"] >= 0.0:
        return "**Worst trade**: none that closed lost anything; what it lost is open."
    closed = f"a {DIRECTIONS[trip['side']]} closed by {words(trip['exit_reason'])}, {when(trip['closed_ms'])}"
    return (
        f"**Worst trade**: {counted.gain(trip['profit'])}, {percent(-trip['profit'] / lost, 0)} of the loss: {closed}."
    )


def _right(exits: pd.DataFrame) -> str:
    count, won = int(exits["round_trips"].sum()), int(exits["wins"].sum())
    if not count:
        return "**Right**: not known, for no trade has closed."
    low, high = wilson_interval(won, count)
    bounds = f"95% interval {percent(low, 0)} to {percent(high, 0)}"
    return f"**Right**: in {won:,} of {many(count, 'trade')}, {percent(won / count, 0)} ({bounds})."


def lost_on(bot: Mapping[str, Any], exits: pd.DataFrame, counted: Money) -> str:
    """Say what a bot's profit is made of; what is named adds up to it (`load_exits`, a row of `load_bots`)."""
    closed, fees = _sums(exits)
    parts = _closed(exits, closed, fees, counted)
    others = (
        # What an open round trip has realised so far belongs to no closed one.
        (float(bot["realised_profit"]) - closed, "realised in the one that is open"),
        (float(bot["marked_open_profit"]), "open at the last close"),
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
    why = meaning_of(Reason[bot["reason"]], bot["reason_value"], bot["reason_limit"]).sentence
    return f"{_who(bot, profit, counted)}: {'; '.join(parts)}. Last reason: {words(bot['reason'])}. {why}"


def _who(bot: Mapping[str, Any], profit: float, counted: Money) -> str:
    who = f"**{link('bot', bot['bot'])}** ({link('symbol', bot['symbol'])})"
    return f"{who}, **{counted.gain(profit)} {plain(counted.quote)}**"
