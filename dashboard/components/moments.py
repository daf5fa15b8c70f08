"""A moment in market time, picked by date and clock, kept in the address bar."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import loaders
from dashboard.components.pickers import to_market_ms
from dashboard.components.zone import zone
from shared.units import to_datetime


def moment_picker() -> int:
    """Let a person pick a time and give it in ms UTC; at first the close of the last step."""
    latest = _local(loaders.newest().market_ms)
    left, right = st.columns(2)
    day = left.date_input(f"Date, {zone()}", value=latest.date(), key="day", bind="query-params", format="YYYY-MM-DD")
    clock = right.time_input(
        f"Time, {zone()}", value=latest.time().replace(second=0, microsecond=0), key="at", step=300, bind="query-params"
    )
    return to_market_ms(day if isinstance(day, date) else latest.date(), clock or time())


def _local(time_ms: int) -> datetime:
    return to_datetime(time_ms).astimezone(ZoneInfo(zone()))
