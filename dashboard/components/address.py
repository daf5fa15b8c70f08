"""What stands in the address bar: names that are there, and days as moments in UTC, which are the same to all."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from typing import NoReturn
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.components.words import plain
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
    else:
        st.query_params[name] = moment_text(time_ms, is_end)


def moment_text(time_ms: int, is_end: bool = False) -> str:
    """Write a moment as the address bar has it: to the minute, and as a date where it is a midnight, UTC."""
    if time_ms % DAY_MS:
        return f"{to_datetime(time_ms):%Y-%m-%dT%H:%MZ}"
    return f"{to_datetime(time_ms - DAY_MS if is_end else time_ms):%Y-%m-%d}"


def clock_to_ms(day: date, at: time, fold: int = 0) -> int:
    """Give the ms of a date and a clock of the zone of the switch; `fold` 1 is the later of two equal times."""
    return to_ms(datetime.combine(day, at, ZoneInfo(zone())).replace(fold=fold))


def known_or_stop(name: str, what: str, known: Collection[str]) -> None:
    """Refuse an address that names what is not there: anything else in its place would be taken for it."""
    missing = [written for written in st.query_params.get_all(name) if written not in known]
    if missing:
        unknown(f"There is no {what} {' nor '.join(plain(written) for written in missing)} in these books.", name)


def taken_over(name: str, key: str, known: Mapping[str, str]) -> list[str]:
    """Give what stands under another name of the filter `key`, such as `bot` for `bots`, and take it out.

    `known` are the names there are, and what the page calls each of them.
    """
    written = list(st.query_params.get_all(name))
    if written:
        known_or_stop(name, name.removesuffix("s"), known)
        if key in st.query_params:
            unknown(f"It names the same filter twice, as {name} and as {key}.", name)
        del st.query_params[name]
    return [known[one] for one in dict.fromkeys(written)]


def unknown(sentence: str, *names: str) -> NoReturn:
    """Say what is wrong with the address and draw nothing else, but a way on without these names in it."""
    st.error(sentence, title="The address asks for what is not there", icon=":material/link_off:")
    st.button("Show the page without it", key=f"without_{names[0]}", on_click=_forget, args=names)
    st.stop()


def _forget(*names: str) -> None:
    for name in names:
        st.query_params.pop(name, None)
