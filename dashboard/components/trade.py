"""The way from a row that tells of a trade to the candles it was made on."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.address import held_ms, moment_text
from dashboard.components.pickers import TRADE, Period
from shared.units import MINUTE_MS

_ID, _ASKED = "trade", "trade_asked"
GO_THERE = "Click a row to see it on the candles of its bot."
# Around a trade at least so many bars are shown, and half of its own time.
_BARS_AROUND = 30


def rows_key(key: str, rows: pd.DataFrame) -> str:
    """Give the key of a table of which rows are clicked by their place: other rows are another table."""
    names = [name for name in ("round_trip_id", "fill_id", "order_id") if name in rows]
    return f"{key}_{hash(tuple(rows[names[0]])):x}" if names else key


def around(row: Mapping[str, Any], step_ms: int) -> dict[str, str]:
    """Give what the address of One bot says to show a round trip or a fill with what was around it."""
    begin_ms = int(row.get("opened_ms", row.get("time_ms", 0)))
    end_ms = int(row.get("closed_ms", begin_ms))
    pad_ms = max((end_ms - begin_ms) // 2, _BARS_AROUND * step_ms)
    first_ms, last_ms = (begin_ms - pad_ms) // MINUTE_MS * MINUTE_MS, -(-(end_ms + pad_ms) // MINUTE_MS) * MINUTE_MS
    asked = {"trade_from": moment_text(first_ms), "trade_to": moment_text(last_ms, is_end=True)}
    return asked | ({_ID: str(row["round_trip_id"])} if "round_trip_id" in row else {})


def ask_for_trade(row: Mapping[str, Any]) -> None:
    """Take down that a trade of a row with `bot` is to be shown; called before the page is drawn again."""
    overview = loaders.overview()
    if overview is not None:
        st.session_state[_ASKED] = {"bot": row["bot"], **around(row, overview.step_ms)}


def ask_for_row(rows: pd.DataFrame, at: int) -> None:
    """Do so for the row at a place of a table that was clicked."""
    if 0 <= at < len(rows):
        ask_for_trade(rows.iloc[at].to_dict())


def follow_trade() -> None:
    """Open One bot at the trade that was asked for; comes before a period is picked, for pages share what was."""
    address = st.session_state.pop(_ASKED, None)
    if address is not None:
        st.session_state["period"] = TRADE
        st.switch_page("views/bot.py", query_params=address)


def show_row(rows: pd.DataFrame, at: int) -> None:
    """Let One bot show the row that was clicked in its table; called before the page is drawn again."""
    overview = loaders.overview()
    if overview is None or not 0 <= at < len(rows):
        return
    st.query_params.pop(_ID, None)
    for name, value in around(rows.iloc[at].to_dict(), overview.step_ms).items():
        st.query_params[name] = value
    st.session_state["period"] = TRADE


def trade_period() -> Period | None:
    """Give the period that the address wants shown for a trade; None where it names none."""
    start_ms, end_ms = held_ms("trade_from"), held_ms("trade_to", is_end=True)
    return None if start_ms is None or end_ms is None else Period(start_ms, end_ms)


def trade_of_address() -> int | None:
    """Give the id of the round trip that the address names; None without one."""
    written = st.query_params.get(_ID, "")
    return int(written) if written.isdecimal() and len(written) < 18 else None
