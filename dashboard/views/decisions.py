"""Decisions: for a bot and a time, why it did or did not trade."""

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import as_of
from dashboard.components.downloads import Books
from dashboard.components.empty import nothing
from dashboard.components.explain import explain
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.moments import moment_picker
from dashboard.components.no_trades import bots_without_trades
from dashboard.components.panels import still
from dashboard.components.pickers import Period, bot_picker, period_picker
from dashboard.components.reasons import decided_at, decision_card, rows_of_the_gate
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.words import plain
from dashboard.figures.decisions import reason_counts_figure, reasons_figure
from dashboard.queries.decisions import (
    load_bar_records,
    load_decisions,
    load_fleet_decisions_at,
    load_reason_counts,
)
from dashboard.queries.filters import Filters
from dashboard.queries.seen import load_seen_at

STRETCHES = (
    "from_ms", "until_ms", "steps", "reason", "low", "high", "confirmed", "ordered", "first_value", "first_limit",
    "last_value", "last_limit",
)  # fmt: skip
FLEET = ("bot", "symbol", "reason", "value", "limit", "confirmed", "steps", "from_ms")
COUNTS = ("bot", "sleeve", "symbol", "reason", "steps", "ordered")
BAR_RECORDS = ("open_ms", "symbol", "status", "late_ms", "reason", "step")
PARTS = ("Over time", "Reasons counted", "Bars late, missing, repaired")


def at_a_time(bot: str, time_ms: int) -> None:
    found = loaders.of_books(load_seen_at, bot, time_ms)
    if found.empty:
        nothing(
            "Nothing was decided at this time", "The fleet was not at work then: its books begin later or end earlier."
        )
        return
    for place, stretch in zip(st.columns(len(found)), found.to_dict("records"), strict=True):
        with place:
            decision_card(stretch, decided_at(stretch))
    with st.expander("The rules that a trade must pass, in order"):
        st.caption("Each rule stops a trade, or makes it smaller and passes it on. The last that acted is the reason.")
        gate = rows_of_the_gate(found["reason"].iloc[0])
        table(gate, ("row", "reason", "meaning"), "gate", Rows("gate", gate), free_text=("row",), total=None)


def fleet_at_a_time(time_ms: int) -> None:
    frame = loaders.of_books(load_fleet_decisions_at, time_ms)
    if frame.empty:
        return
    st.markdown("**All bots at this time**")
    table(frame, FLEET, "fleet_at", Rows("fleet_decisions", frame), pinned=True, height=320, total=None)


def stretches(bot: str, period: Period) -> None:
    frame = loaders.of_books(load_decisions, bot, *period)
    if frame.empty:
        nothing("Nothing was decided in this period", "Look at a longer period, or wait for the next step.")
        return
    books = Books("decisions", Filters(*period, bots=(bot,)))
    live_chart(reasons_figure(frame, period.start_ms), "reasons", f"Reasons of {bot} over time", books)
    table(frame.iloc[::-1], STRETCHES, "stretches", books, height=360)


def counts(bot: str, period: Period, whole: bool) -> None:
    frame = loaders.of_books(load_reason_counts, Filters(*period, bots=() if whole else (bot,)))
    if frame.empty:
        nothing("Nothing was decided in this period", "Look at a longer period, or wait for the next step.")
        return
    bots_without_trades(Filters(*period, bots=() if whole else (bot,)))
    rows = Rows("reason_counts", frame)
    live_chart(reason_counts_figure(frame), "reason_counts", "How often each reason decided", rows)
    with st.expander("As a table"):
        table(frame, COUNTS, "counts_table", rows, pinned=True)


def bars(period: Period) -> None:
    frame = loaders.of_books(load_bar_records, Filters(*period))
    if frame.empty:
        nothing(
            "Every bar came in time",
            "Bars that are late, missing or repaired are listed here.",
            ":material/check:",
        )
    else:
        table(frame, BAR_RECORDS, "bar_records", Books("bar_records", Filters(*period)), free_text=("reason",))


header("Decisions", "For every bot and bar there is one recorded reason why it did or did not trade.")
left, right = st.columns(2)
with left:
    picked = bot_picker()
with right:
    moment_ms = moment_picker()
if picked is None:
    nothing("No bots yet", "The worker makes them from the settings at its first start.")
else:
    still(at_a_time, picked, moment_ms)
    still(fleet_at_a_time, moment_ms)
    st.subheader("Now", anchor=False)
    st.caption("What every rule says at the newest step, whatever time is picked above.")
    still(explain, picked)
    st.subheader("Over a period", anchor=False)
    chosen = period_picker("7d")
    over_time, counted, records = st.tabs(PARTS, key="part", bind="query-params", on_change="rerun")
    if over_time.open:
        with over_time:
            still(stretches, picked, chosen)
            still(as_of)
    if counted.open:
        with counted:
            fleet = f"The whole fleet, not only {plain(picked)}"
            everyone = st.toggle(fleet, value=True, key="fleet", bind="query-params")
            still(counts, picked, chosen, everyone)
            still(as_of)
    if records.open:
        with records:
            still(bars, chosen)
            still(as_of)
