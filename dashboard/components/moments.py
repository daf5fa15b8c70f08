"""A moment in market time, picked by date and clock of the zone of the switch, kept in the address bar in UTC."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import loaders
from dashboard.components.address import FIRST_DAY, LAST_DAY, clock_to_ms, moment_ms, unknown
from dashboard.components.words import plain, when
from dashboard.components.zone import UTC, in_own_zone, zone
from shared.units import MINUTE_MS, format_time, to_datetime

STEP_SECONDS = 300
# Times of the newest day that has come so far, each a click away.
SHORTCUTS = (time(0), time(6), time(12), time(18))


def moment_picker() -> int:
    """Let a person pick a time and give it in ms; at first that of the address bar, else the close of the last step."""
    shown = in_own_zone(_linked_ms())
    st.session_state.setdefault(_key("day"), shown.date())
    st.session_state.setdefault(_key("at"), shown.time())
    left, right = st.columns(2)
    left.date_input(
        f"Date, {zone()}", key=_key("day"), on_change=_hold, format="YYYY-MM-DD",
        min_value=FIRST_DAY, max_value=LAST_DAY,
    )  # fmt: skip
    right.time_input(f"Time, {zone()}", key=_key("at"), on_change=_hold, step=STEP_SECONDS)
    with st.container(horizontal=True, gap="small"):
        for at in SHORTCUTS:
            st.button(f"{at:%H:%M}", key=f"at_{at:%H}", type="tertiary", on_click=_go_to, args=(at,))
        st.button("Newest", key="at_newest", type="tertiary", on_click=_go_to)
    names = twice(*_clock())
    if names:
        if st.session_state.get(_key("fold")) not in names:
            st.session_state[_key("fold")] = names[shown.fold]
        st.segmented_control("The clock showed it twice", names, key=_key("fold"), required=True, on_change=_hold)
    picked_ms = _picked_ms()
    if zone() != UTC:
        st.caption(f"{when(picked_ms)} is {format_time(picked_ms)}")
    return picked_ms


def twice(day: date, at: time) -> tuple[str, ...]:
    """Give the two names of a time that the clock of the switch shows twice, `CEST` before `CET`; () for any other."""
    both = [datetime.combine(day, at, ZoneInfo(zone())).replace(fold=fold) for fold in (0, 1)]
    first, second = (each.utcoffset() for each in both)
    is_set_back = first is not None and second is not None and first > second
    return tuple(each.tzname() or "" for each in both) if is_set_back else ()


def _go_to(at: time | None = None) -> None:
    """Pick the newest moment at which a clock showed `at`; the close of the last step without one."""
    newest = in_own_zone(loaders.newest().market_ms)
    at = newest.time() if at is None else at
    day = newest.date() if at <= newest.time() else newest.date() - timedelta(days=1)
    st.session_state[_key("day")], st.session_state[_key("at")] = day, at.replace(second=0, microsecond=0)
    _hold()


def _linked_ms() -> int:
    latest_ms = loaders.newest().market_ms // MINUTE_MS * MINUTE_MS
    latest = to_datetime(latest_ms)
    day, at = (st.query_params.get(name) for name in ("day", "at"))
    if day is None and at is None:
        return latest_ms
    linked_ms = moment_ms(f"{day or latest.date()}T{at or f'{latest:%H:%M}'}")
    if linked_ms is None:
        unknown(
            f"{plain(day or '')} {plain(at or '')} is no moment: `day` is like 2026-01-31, `at` like 13:05.",
            "day",
            "at",
        )
    return linked_ms


def _hold() -> None:
    picked = to_datetime(_picked_ms())
    st.query_params["day"], st.query_params["at"] = f"{picked:%Y-%m-%d}", f"{picked:%H:%M}"


def _picked_ms() -> int:
    names = twice(*_clock())
    return clock_to_ms(*_clock(), fold=int(bool(names) and st.session_state.get(_key("fold")) == names[-1]))


def _clock() -> tuple[date, time]:
    """Give the date and time in the boxes; a box that was emptied is that of the link."""
    linked = in_own_zone(_linked_ms())
    day, at = (st.session_state.get(_key(part)) for part in ("day", "at"))
    return day if isinstance(day, date) else linked.date(), at if isinstance(at, time) else linked.time()


def _key(part: str) -> str:
    # Another zone is another clock: the boxes are made anew, and show the moment that was picked.
    return f"{part}_{zone()}"
