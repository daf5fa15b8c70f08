"""What positions are valued at whose symbol has no bar by now: it must not look like a price of today."""

import streamlit as st
from pandas import DataFrame

from dashboard.components.words import plain, when
from shared.enums import BarStatus
from shared.money import price_text

# So many symbols are named; the table has them all.
MOST_SYMBOLS = 5


def stale_prices(held: DataFrame) -> None:
    """Write under positions (symbol, close, bar_status, price_ms) which of them are valued at a price of the past."""
    stale = held[held["bar_status"] == BarStatus.MISSING.name].drop_duplicates("symbol")
    if stale.empty:
        return
    said = [_said(row) for row in stale.head(MOST_SYMBOLS).to_dict("records")]
    more = [f"{len(stale) - MOST_SYMBOLS} more"] if len(stale) > MOST_SYMBOLS else []
    st.warning(
        f"No bar by now, valued at the last price: {'; '.join((*said, *more))}. "
        "What can be sold no more is written off by `flotilla write-off`.",
        icon=":material/event_busy:",
    )


def _said(row: dict) -> str:
    since = f" of {when(row['price_ms'])}" if row["price_ms"] else ""
    return f"{plain(row['symbol'])} {price_text(row['close'])}{since}"
