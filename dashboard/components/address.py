"""Days in the address bar as moments in UTC, so that a link shows the same to somebody whose clock is another."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.components.zone import zone
from shared.errors import ConfigurationError
from shared.units import DAY_MS, parse_time_ms, to_datetime, to_ms

# Picked or linked, a day is one of these.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2099, 12, 31)


def moment_ms(written: str) -> int | None:
    """Read an ISO date or time, UTC where it names no zone; None for what makes no sense."""
    try:
        time_ms = parse_time_ms(written)
        return time_ms if FIRST_DAY <= to_datetime(time_ms).date() <= LAST_DAY else None
    except (ConfigurationError, OverflowError):
        return None


def held_ms(name: str, is_end: bool = False) -> int | None:
    """Give the moment under a name of the address bar; None without one.

    A date is the midnight it begins at, UTC; as an end the one it ends at, for dates are inclusive.
    """
    written = st.query_params.get(name, "")
    time_ms = moment_ms(written) if written else None
    return time_ms + DAY_MS if time_ms is not None and is_end and "T" not in written else time_ms


def hold_ms(name: str, time_ms: int | None, is_end: bool = False) -> None:
    """Write a moment into the address bar, as a date where it is a midnight, UTC; None takes it out."""
    if time_ms is None:
        st.query_params.pop(name, None)
    elif time_ms % DAY_MS:
        st.query_params[name] = f"{to_datetime(time_ms):%Y-%m-%dT%H:%MZ}"
    else:
        st.query_params[name] = f"{to_datetime(time_ms - DAY_MS if is_end else time_ms):%Y-%m-%d}"


def clock_to_ms(day: date, at: time, fold: int = 0) -> int:
    """Give the ms of a date and a clock of the zone of the switch; `fold` 1 is the later of two equal times."""
    return to_ms(datetime.combine(day, at, ZoneInfo(zone())).replace(fold=fold))
