"""UTC, or the time of the person's own clock: one switch for everything on the screen."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from shared.units import DAY_MS, format_time, to_datetime

KEY = "local_time"
UTC = "UTC"


def zone() -> str:
    """Give the zone times are shown in."""
    return _own() if st.session_state.get(KEY) else UTC


def zone_switch() -> None:
    """Draw the switch between UTC and local time."""
    own = _own()
    about = (
        "What is by UTC days (today's profit, the daily limit, what is told by day) and what is downloaded stays UTC."
    )
    st.toggle(f"Local time ({own})", key=KEY, disabled=own == UTC, help=about)


def in_own_zone(time_ms: int) -> datetime:
    """Give a time as the clock of the switch shows it."""
    return to_datetime(time_ms).astimezone(ZoneInfo(zone()))


def utc_midnight(after_ms: int) -> str:
    """Name the next start of a UTC day, and what the clock of the switch says then: `00:00 UTC (02:00 CEST)`."""
    own = format_time((after_ms // DAY_MS + 1) * DAY_MS, zone()).partition(" ")[2]
    return "00:00 UTC" if zone() == UTC else f"00:00 UTC ({own})"


def _own() -> str:
    # The browser says it, so it may be anything: the path of a file, or a hundred thousand letters.
    name = st.context.timezone
    return name if name in _zones() else UTC


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
