"""Which bot lost most, and on what: its exits, its fees, what is open, and why it did or did not trade last."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.reasons import MEANINGS
from dashboard.components.words import gain, money, plain, words
from dashboard.queries.exits import load_exits
from shared.enums import Reason

# Half of the smallest amount that is written.
NOTHING = 0.005


def lost_most(bots: pd.DataFrame, quote: str) -> None:
    """Draw the sentence on the bot that lost most of `load_bots`; all figures are since the books began."""
    worst = bots.nsmallest(1, "profit").to_dict("records")[0]
    if not worst["profit"] < -NOTHING:
        st.markdown("None of these bots has lost money so far.")
        return
    said = lost_on(worst, loaders.of_books(load_exits, worst["bot"]), quote)
    st.markdown(f":material/trending_down: Lost most so far: {said}")


def lost_on(bot: Mapping[str, Any], exits: pd.DataFrame, quote: str) -> str:
    """Say what a bot's profit is made of; what is named adds up to it (`load_exits`, a row of `load_bots`)."""
    closed, fees = float(exits["profit"].sum()), float(exits["fees"].sum())
    parts = []
    if len(exits):
        before = " (before them it was up)" if closed < 0.0 < closed + fees else ""
        count = int(exits["round_trips"].sum())
        ways = [f"{gain(row.profit)} by {words(row.exit_reason)} ({row.round_trips:,})" for row in exits.itertuples()]
        parts.append(f"{gain(closed)} in {count:,} round trips after {money(fees)} of fees{before}: {', '.join(ways)}")
    others = (
        # What an open round trip has realised so far belongs to no closed one.
        (float(bot["realised_profit"]) - closed, "realised in the one that is open"),
        (float(bot["open_profit"]), f"open, {words(bot['side'])}"),
        (float(bot["funding"]), "of funding"),
    )
    parts += [f"{gain(amount)} {what}" for amount, what in others if abs(amount) >= NOTHING]
    who = f"**{plain(bot['bot'])}** ({plain(bot['symbol'])}), **{gain(bot['profit'])} {plain(quote)}**"
    return f"{who}: {'; '.join(parts)}. Last reason: {words(bot['reason'])}. {MEANINGS[Reason[bot['reason']]].sentence}"
