"""Bots: every bot in one table, the best and the worst, and any of them side by side."""

import hashlib

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.downloads import equity_books
from dashboard.components.empty import nothing
from dashboard.components.filter_bar import filter_bar
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.losses import lost_most
from dashboard.components.no_trades import bots_without_trades
from dashboard.components.panels import live
from dashboard.components.pickers import Period
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.words import many
from dashboard.figures.equity import equity_figure
from dashboard.queries.bots import load_bots
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.made import load_made
from shared.enums import ScopeKind

COLUMNS = (
    "bot", "profit_so_far", "return_fraction", "sparkline", "drawdown_fraction", "win_rate", "round_trips", "side",
    "open_profit", "reason", "level", "win_rate_low", "win_rate_high", "max_drawdown_fraction", "notional", "equity",
    "weight", "fees", "status", "sleeve", "symbol", "last_fill_ms",
)  # fmt: skip
LEADERBOARD = ("bot", "profit_so_far", "return_fraction", "win_rate", "round_trips", "fees", "reason")
COMPARED = (
    "bot", "profit_so_far", "return_fraction", "fees", "max_drawdown_fraction", "win_rate", "win_rate_low",
    "win_rate_high", "round_trips", "open_profit", "side", "reason",
)  # fmt: skip
# What these columns are of since the beginning, and what of a period.
OF_PERIOD = {"profit_so_far": "period_profit", "fees": "period_fees"}
PERIOD_NOTE = (
    "Profit, fees, returns, drawdowns, round trips and win rates are of the period picked: after the mark it begins "
    "with, until the newest or the one it ends with."
)
LEADERS = 5
MOST_COMPARED = 12
TALL_PX = 520


def every_bot(filters: Filters) -> None:
    bots = loaders.of_books(load_bots, filters).rename(columns={"profit": "profit_so_far"})
    made = loaders.of_books(load_made, filters)[["bot", "period_profit", "period_fees"]]
    bots = bots.merge(made, on="bot", how="left", validate="one_to_one")
    is_period = filters.start_ms is not None or filters.end_ms is not None
    profit, said = ("period_profit", "in this period") if is_period else ("profit_so_far", "so far")
    if bots.empty:
        nothing("No bot fits these filters", "Take a filter away, or look at a longer period.")
        return
    lost_most(bots.rename(columns={"profit_so_far": "profit"}), loaders.counted(), filters)
    bots_without_trades(filters)
    st.caption(f"{many(len(bots), 'bot')}. Tick two or more to compare them.")
    if is_period:
        st.caption(PERIOD_NOTE)
    # Rows are picked by their place: other bots on show are another table, in which nothing is picked yet.
    key = f"bots_{_digest(bots['bot'])}"
    columns = _of_period(COLUMNS, is_period)
    ticked = table(bots, columns, key, Rows("bots", bots), picks="ticks", pinned=True, height=TALL_PX)
    names = tuple(bots["bot"].iloc[[row for row in ticked if row < len(bots)]])
    if len(names) > 1:
        _comparison(bots[bots["bot"].isin(names[:MOST_COMPARED])], filters, _of_period(COMPARED, is_period))
    best, worst = st.columns(2)
    with best:
        st.subheader(f"Earned most {said}", anchor=False)
        _leaders(bots.nlargest(LEADERS, profit), "best", is_period)
    with worst:
        st.subheader(f"Lost most {said}", anchor=False)
        _leaders(bots.nsmallest(LEADERS, profit), "worst", is_period)


def _of_period(columns: tuple[str, ...], is_period: bool) -> tuple[str, ...]:
    return tuple(OF_PERIOD.get(name, name) for name in columns) if is_period else columns


def _digest(names: pd.Series) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]


def _leaders(bots: pd.DataFrame, key: str, is_period: bool) -> None:
    table(bots, _of_period(LEADERBOARD, is_period), key, Rows("bots", bots), pinned=True, total=None)


def _comparison(bots: pd.DataFrame, filters: Filters, columns: tuple[str, ...]) -> None:
    st.subheader("Side by side", anchor=False)
    scopes = tuple(Scope(ScopeKind.BOT, name) for name in bots["bot"])
    marks = loaders.of_books(load_equity, scopes, filters.start_ms, filters.end_ms)
    live_chart(
        equity_figure(marks, "return_fraction", open_profit=False),
        "comparison",
        "Returns of the bots picked, over time",
        equity_books(scopes, Period(filters.start_ms, filters.end_ms), marks),
    )
    table(bots, columns, "compared", Rows("bots", bots), pinned=True)


header("Bots", "Every bot, what it earned and why it did or did not trade last.")
chosen = filter_bar("All", sides=False, exit_reasons=False)
live(every_bot, chosen)
