"""Analytics: whether what was earned is more than luck, by any side one can look at it from."""

import streamlit as st

from dashboard import loaders
from dashboard.components.definitions import definitions
from dashboard.components.downloads import Books, equity_books
from dashboard.components.empty import nothing
from dashboard.components.filter_bar import filter_bar
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.panels import still
from dashboard.components.pickers import Period, one_scope_picker
from dashboard.components.report_link import report_link
from dashboard.components.rows import Rows, pairs
from dashboard.components.tables import table
from dashboard.components.tiles import return_tiles, trip_tiles
from dashboard.components.words import words
from dashboard.figures.calendar import profit_bars_figure, profit_calendar_figure
from dashboard.figures.equity import benchmark_figure
from dashboard.figures.returns import correlation_figure, costs_figure, monthly_figure, sharpe_figure
from dashboard.figures.round_trips import distribution_figure, profit_by_group_figure, win_rate_figure
from dashboard.queries.calendar import Stretch, load_profit_by_time
from dashboard.queries.costs import load_costs
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.holding import load_benchmark
from dashboard.queries.returns import (
    load_correlations,
    load_daily,
    monthly_returns,
    return_figures,
    rolling_sharpe,
)
from dashboard.queries.round_trips import Dimension, distribution, load_trip_facts, trip_figures, win_rates

RATES = (
    "label", "count", "wins", "win_rate", "win_rate_low", "win_rate_high", "trials", "symbol_days", "profit", "fees",
    "profit_factor", "expectancy",
)  # fmt: skip
COSTS = ("bot", "sleeve", "symbol", "gross_profit", "fees", "funding", "profit", "money_in", "equity")
PROFITS = ("day_ms", "profit", "return_fraction", "fees", "fills", "days")
NO_CANDLES = ("No candles are kept for this period", "The worker keeps the bars it has worked on, from its start.")
OF_A_PERIOD = (
    "All figures are of the period picked: after the mark it begins with, until the newest or the one it ends with. "
    "Round trips are those that were closed within it."
)
NO_TRIPS = ("No closed round trips fit these filters", "A round trip goes from flat to flat; look at a longer period.")


def trips(filters: Filters) -> None:
    facts = loaders.history(load_trip_facts, filters)
    if facts.empty:
        nothing(*NO_TRIPS)
        return
    trip_tiles(trip_figures(facts), loaders.counted())
    counted = distribution(facts)
    live_chart(
        distribution_figure(counted),
        "distribution",
        "How many round trips returned how much",
        Rows("distribution", counted),
        Books("round_trips", filters),
    )


def rates(filters: Filters, by: Dimension) -> None:
    facts = loaders.history(load_trip_facts, filters)
    if facts.empty:
        nothing(*NO_TRIPS)
        return
    frame = win_rates(facts, by)
    st.info(
        "The intervals assume that what they count is independent. Bots on one symbol are not: they win and lose "
        "together. So fleet-wide intervals count days per symbol, and are wider than the round trips alone would make "
        "them.",
        icon=":material/info:",
    )
    if by in (Dimension.HOUR, Dimension.WEEKDAY):
        st.caption(f"The {words(by)} is that of the close, UTC.")
    named = frame.rename(columns={"low": "win_rate_low", "high": "win_rate_high"})
    rows = Rows("win_rates", named.assign(by=str(by)))
    live_chart(
        win_rate_figure(frame, f"win rate by {words(by)}", loaders.counted()),
        "win_rates",
        f"Win rate by {words(by)}",
        rows,
    )
    live_chart(
        profit_by_group_figure(frame, f"profit by {words(by)}", loaders.counted()),
        "profit_by",
        f"Profit by {words(by)}",
        rows,
    )
    table(named, RATES, "rates", rows, pinned=True)


def returns(scope: Scope, filters: Filters) -> None:
    daily = loaders.history(load_daily, scope, filters.start_ms, filters.end_ms)
    if len(daily) < 2:
        nothing("Less than two days in this period", "These figures come from daily returns.")
        return
    return_tiles(return_figures(daily))
    months, rolled, days = monthly_returns(daily), rolling_sharpe(daily), Rows("daily_returns", daily)
    live_chart(monthly_figure(months), "monthly", "Return of each month", Rows("monthly_returns", months), days)
    live_chart(sharpe_figure(rolled), "sharpe", "Rolling Sharpe ratio", Rows("rolling_sharpe", rolled), days)


def profits(scope: Scope, filters: Filters, by: Stretch) -> None:
    frame = loaders.history(load_profit_by_time, by, scope, filters.start_ms, filters.end_ms)
    if frame.empty:
        nothing("No day of this period has a mark yet", "The worker marks what there is at the close of each bar.")
        return
    newest_first, counted = frame.iloc[::-1].reset_index(drop=True), loaders.counted()
    rows = Rows("profit_by_time", newest_first.assign(by=str(by)))
    live_chart(profit_bars_figure(frame, by, counted), "profit_bars", f"Profit of each {by}, as bars", rows)
    live_chart(profit_calendar_figure(frame, by, counted), "profit_calendar", f"Profit of each {by}, a calendar", rows)
    st.caption(f"UTC {by}s. The first and the last may be cut: all of them sum to the profit of the period.")
    table(newest_first.rename(columns={"from_ms": "day_ms"}), PROFITS, "profit_by_time", rows, height=300)


def benchmark(scope: Scope, filters: Filters) -> None:
    marks = loaders.history(load_equity, (scope,), filters.start_ms, filters.end_ms)
    held = loaders.history(load_benchmark, scope, filters.start_ms, filters.end_ms)
    if held.empty:
        nothing(*NO_CANDLES)
        return
    live_chart(
        benchmark_figure(marks, held),
        "benchmark",
        "Return against buy and hold of the same symbols",
        Rows("benchmark", held),
        equity_books((scope,), Period(filters.start_ms, filters.end_ms), marks),
    )


def costs(filters: Filters) -> None:
    frame = loaders.history(load_costs, filters)
    if frame.empty:
        nothing("No bots yet", "The worker makes them from the settings at its first start.")
        return
    rows = Rows("costs", frame)
    live_chart(
        costs_figure(frame, counted=loaders.counted(), title=_said(filters)),
        "costs",
        "Gross profit against costs",
        rows,
    )
    table(frame, COSTS, "costs_table", rows, pinned=True)


def _said(filters: Filters) -> str:
    is_whole = filters.start_ms is None and filters.end_ms is None
    return "since the books began" if is_whole else "in the period picked"


def correlations(filters: Filters) -> None:
    frame = loaders.history(load_correlations, filters)
    if len(frame) < 2:
        nothing("Fewer than two bots with daily returns", "Correlations come from returns of the same days.")
        return
    rows = Rows("correlations", pairs(frame))
    live_chart(correlation_figure(frame), "correlations", "Correlation of the daily returns of bots", rows)


header("Analytics", "What the round trips and the days say, and how sure one can be of it.")
definitions()
chosen = filter_bar("All")
st.caption(OF_A_PERIOD)
report_link(chosen)
trips_tab, rates_tab, profits_tab, returns_tab, benchmark_tab, costs_tab, correlations_tab = st.tabs(
    ["Round trips", "Win rates", "Profit by day", "Returns", "Benchmark", "Costs", "Correlation"], key="tab",
    bind="query-params", on_change="rerun",
)  # fmt: skip
if trips_tab.open:
    with trips_tab:
        still(trips, chosen)
if rates_tab.open:
    with rates_tab:
        dimension = st.segmented_control(
            "By", list(Dimension), default=Dimension.SLEEVE, required=True, key="by", bind="query-params",
            format_func=words,
        )  # fmt: skip
        still(rates, chosen, dimension)
if profits_tab.open:
    with profits_tab:
        chosen_stretch = st.segmented_control(
            "Summed by", list(Stretch), default=Stretch.DAY, required=True, key="stretch", bind="query-params",
            format_func=words,
        )  # fmt: skip
        still(profits, one_scope_picker("made_by", "Made by"), chosen, chosen_stretch)
if returns_tab.open:
    with returns_tab:
        still(returns, one_scope_picker("of"), chosen)
if benchmark_tab.open:
    with benchmark_tab:
        still(benchmark, one_scope_picker("against"), chosen)
if costs_tab.open:
    with costs_tab:
        still(costs, chosen)
if correlations_tab.open:
    with correlations_tab:
        still(correlations, chosen)
