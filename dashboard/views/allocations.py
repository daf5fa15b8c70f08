"""Allocations: who holds how much money, how that changed, and what it is to be."""

from functools import partial

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import as_of
from dashboard.components.downloads import Books
from dashboard.components.empty import nothing
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.meanings import means
from dashboard.components.panels import live, overview_or_nothing, still
from dashboard.components.pickers import Period, period_picker
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.tiles import tile
from dashboard.figures.allocations import holdings_figure, savings_figure, targets_figure, weights_figure
from dashboard.queries.allocations import load_holdings, load_savings, load_targets, load_transfers, load_weights
from dashboard.queries.filters import Filters

TARGETS = (
    "bot", "sleeve", "equity", "allocation", "difference", "difference_fraction", "actual_share", "target_share",
)  # fmt: skip
TRANSFERS = ("time_ms", "amount", "kind", "bot", "sleeve", "who", "reason")
SAVINGS = ("day_ms", "saved", "crossed_notional", "traded_notional", "fees", "fills")


def holdings() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    frame = loaders.live(load_holdings)
    drawn = partial(holdings_figure, frame, overview.counted)
    live_chart(drawn, "holdings", "Equity of portfolio, sleeves and bots", Rows("holdings", frame))


def targets() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    frame = loaders.live(load_targets)
    if frame.empty:
        nothing("No bots yet", "The worker makes them from the settings at its first start.")
        return
    rows = Rows("targets", frame)
    drawn = partial(targets_figure, frame, overview.counted)
    live_chart(drawn, "targets", "Money each bot is to hold against what it holds", rows)
    with st.expander("As a table"):
        table(frame, TARGETS, "targets_table", rows, pinned=True)


def weights(kind: str, period: Period) -> None:
    frame = loaders.of_books(load_weights, kind, Filters(*period))
    books = Books("allocations", Filters(*period), scope_kinds=(kind,))
    live_chart(weights_figure(frame), "weights", "Shares of the money over time", books)


def transfers(period: Period) -> None:
    frame = loaders.of_books(load_transfers, Filters(*period))
    if frame.empty:
        nothing("No transfers in this period", "Money moves at a rebalance that leaves the band, and by deposits.")
    else:
        table(frame, TRANSFERS, "transfers", Books("transfers", Filters(*period)), free_text=("reason",))


def savings(period: Period) -> None:
    frame = loaders.of_books(load_savings, Filters(*period))
    tile("Saved in this period", loaders.counted().amount(frame["saved"].sum()), means("Saved in this period"))
    rows = Rows("savings", frame)
    live_chart(savings_figure(frame, loaders.counted()), "savings", "Saved by netting, by day", rows)
    with st.expander("As a table"):
        table(frame, SAVINGS, "savings_table", rows)


header("Allocations", "Portfolio, sleeves and bots: who holds how much money, and how much each is to hold.")
live(holdings)
st.subheader("Target against actual", anchor=False)
live(targets)
st.subheader("Over time", anchor=False)
with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    chosen = period_picker("30d")
    kind = st.segmented_control(
        "Of", ["SLEEVE", "BOT"], default="SLEEVE", required=True, key="of", bind="query-params",
        format_func={"SLEEVE": "Sleeves", "BOT": "Bots"}.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
still(weights, kind, chosen)
still(as_of)
left, right = st.tabs(["Transfers", "Saved by netting"])
with left:
    still(transfers, chosen)
with right:
    still(savings, chosen)
still(as_of)
