"""The way from a row that tells of a trade to the candles it was made on."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.address import moment_text
from dashboard.components.pickers import CUSTOM
from shared.units import MINUTE_MS

TRADE = "trade"
GO_THERE = "Click a row to see it on the candles of its bot."
# Around a trade at least so many bars are shown, and half of its own time.
_BARS_AROUND = 30


def picked_row(rows: pd.DataFrame, picked: Any) -> dict[str, Any] | None:
    """Give the row a cell of which was clicked; None without one."""
    cells = picked.selection.cells
    return rows.iloc[cells[0][0]].to_dict() if cells and cells[0][0] < len(rows) else None


def around(row: Mapping[str, Any], step_ms: int) -> dict[str, str]:
    """Give what the address of One bot says to show a round trip or a fill with what was around it."""
    begin_ms = int(row.get("opened_ms", row.get("time_ms", 0)))
    end_ms = int(row.get("closed_ms", begin_ms))
    pad_ms = max((end_ms - begin_ms) // 2, _BARS_AROUND * step_ms)
    first_ms, last_ms = (begin_ms - pad_ms) // MINUTE_MS * MINUTE_MS, -(-(end_ms + pad_ms) // MINUTE_MS) * MINUTE_MS
    asked = {"period": CUSTOM, "period_from": moment_text(first_ms), "period_to": moment_text(last_ms, is_end=True)}
    return asked | ({TRADE: str(row["round_trip_id"])} if "round_trip_id" in row else {})


def go_to_trade(rows: pd.DataFrame, picked: Any) -> None:
    """Open One bot where a row was clicked."""
    row, overview = picked_row(rows, picked), loaders.overview()
    if row is not None and overview is not None:
        st.switch_page("views/bot.py", query_params={"bot": row["bot"], **around(row, overview.step_ms)})


def show_trade(rows: pd.DataFrame, key: str) -> None:
    """Let this page show the row that was clicked in the table under a key; called before it is drawn again."""
    row, overview = picked_row(rows, st.session_state[key]), loaders.overview()
    if row is None or overview is None:
        return
    st.query_params.pop(TRADE, None)
    asked = around(row, overview.step_ms)
    for name, value in asked.items():
        st.query_params[name] = value
    st.session_state["period"] = CUSTOM
    for box in [name for name in st.session_state if str(name).startswith(("period_from_", "period_to_"))]:
        del st.session_state[box]


def trade_of_address() -> int | None:
    """Give the id of the round trip that the address names; None without one."""
    written = st.query_params.get(TRADE, "")
    return int(written) if written.isdecimal() and len(written) < 18 else None
