"""One bot: its candles and trades, its band and confirmed exposure, its money, its reasons, its parameters."""

from functools import partial
from typing import Any

import streamlit as st
from pandas import DataFrame

from dashboard import loaders
from dashboard.components.ages import as_of
from dashboard.components.downloads import Books, equity_books
from dashboard.components.empty import nothing
from dashboard.components.header import header, level_badge
from dashboard.components.kill_switch import kill_switch, level_question
from dashboard.components.live_chart import live_chart
from dashboard.components.no_trades import fleet_without_trades
from dashboard.components.panels import live, overview_or_nothing, still
from dashboard.components.pickers import Period, bot_picker, period_picker
from dashboard.components.places import link
from dashboard.components.progress import progress
from dashboard.components.report_link import report_link
from dashboard.components.rows import Rows
from dashboard.components.stale_prices import stale_prices
from dashboard.components.tables import table
from dashboard.components.tiles import bot_tiles
from dashboard.components.trade import rows_key, show_row, trade_of_address, trade_period
from dashboard.components.words import plain, words
from dashboard.figures.bot import candles_figure
from dashboard.figures.decisions import reasons_figure
from dashboard.figures.equity import equity_figure
from dashboard.queries.bot import load_bot, load_bot_fills, load_candles, load_protection
from dashboard.queries.decisions import load_decisions
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.seen import load_lines, named_parameters
from dashboard.queries.trades import load_round_trips, load_trip_times
from dashboard.queries.window import load_window
from shared.enums import CommandKind, ScopeKind

TRIPS = (
    "closed_ms", "profit", "return_fraction", "side", "exit_reason", "duration_ms", "quantity", "entry_price",
    "exit_price", "fees", "best_fraction", "worst_fraction", "opened_ms",
)  # fmt: skip
GO_HERE = "Click a row to see it on the candles above."
TABS = ("Profit", "Trades", "Reasons", "Parameters")
FILLS = ("time_ms", "side", "leg", "trigger", "quantity", "price", "fee", "crossed")


def summary(name: str, period: Period) -> None:
    bot, overview = loaders.live(load_bot, name, Filters(*period)), overview_or_nothing()
    if bot is None or overview is None:
        return
    _line(bot)
    bot_tiles(bot, overview.counted)
    if bot["is_open"]:
        stale_prices(DataFrame([bot]))


def chart(name: str, period: Period) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    shown, own = _marked(period), _own(name, period)
    protection = loaders.of_books(load_protection, name, *shown)
    lines, trade = loaders.of_books(load_lines, name, *shown), None
    if (trade_id := trade_of_address()) is not None:
        trade = loaders.of_books(load_trip_times, name, trade_id)
    drawn = partial(
        candles_figure,
        loaders.of_books(load_candles, name, *shown),
        _fills(name, period),
        protection,
        loaders.of_books(load_decisions, name, *shown),
        lines,
        overview.counted,
        None if trade is None else (trade["opened_ms"], trade["closed_ms"]),
    )
    live_chart(
        drawn,
        "candles",
        f"Candles, what the strategy looks at, trades, stops, targets, band and confirmed exposure of {name}",
        Books("candles", own),
        Books("fills", own),
        Rows("protection", protection),
        Rows("lines", lines),
        Books("decisions", own),
    )


def idle(name: str, period: Period) -> None:
    fleet_without_trades(_own(name, period))


def money_of(name: str, period: Period) -> None:
    overview = overview_or_nothing()
    if overview is not None:
        scopes = (Scope(ScopeKind.BOT, name),)
        marks = loaders.of_books(load_equity, scopes, *period)
        drawn = partial(equity_figure, marks, "profit", overview.counted)
        live_chart(drawn, "bot_equity", f"Profit of {name}", equity_books(scopes, period, marks))


def trades(name: str, period: Period) -> None:
    filters = _own(name, period)
    page = loaders.of_books(load_round_trips, filters, 200, 0)
    if page.rows.empty:
        nothing("No closed round trips in this period", "A round trip goes from flat to flat; look at a longer period.")
    else:
        st.caption(GO_HERE)
        _clickable(page.rows, TRIPS, "bot_trips", Books("round_trips", filters), of_trips=True)
    _clickable(_fills(name, period), FILLS, "bot_fills", Books("fills", filters))


def _clickable(rows: DataFrame, columns: tuple[str, ...], key: str, books: Books, of_trips: bool = False) -> None:
    key = rows_key(key, rows)
    table(rows, columns, key, books, of_trips=of_trips, picks="rows", on_row=partial(show_row, rows))


def reasons(name: str, period: Period) -> None:
    shown = _marked(period)
    decisions = loaders.of_books(load_decisions, name, *shown)
    books = Books("decisions", _own(name, period))
    live_chart(reasons_figure(decisions, shown.start_ms), "bot_reasons", f"Reasons of {name} over time", books)
    st.page_link(
        "views/decisions.py", label="Why at a given time?", icon=":material/help_center:", query_params={"bot": name}
    )


def parameters(name: str) -> None:
    bot = loaders.live(load_bot, name)
    if bot is not None:
        own = named_parameters(bot["strategy"], bot["parameters"])
        lines = [f"- **{plain(name.replace('_', ' '))}**: {value:g}" for name, value in own]
        st.markdown(
            f"Strategy **{plain(bot['strategy'])}** on {link('symbol', bot['symbol'])}, bars of "
            f"{plain(bot['timeframe'])}, in the sleeve {link('sleeve', bot['sleeve'])}; it is {words(bot['status'])}."
        )
        st.markdown("\n".join(lines))
        if isinstance(bot["note"], str) and bot["note"]:
            st.caption(plain(bot["note"]))


def controls(name: str, period: Period) -> None:
    bot, overview = loaders.live(load_bot, name, Filters(*period)), overview_or_nothing()
    if bot is not None and overview is not None:
        offered = (CommandKind.PAUSE, CommandKind.CLOSE, CommandKind.FLATTEN, CommandKind.RELEASE)
        kill_switch(Scope(ScopeKind.BOT, name), abs(bot["notional"]), overview.counted, offered)
    progress()


def report(name: str, period: Period) -> None:
    report_link(_own(name, period))


def _marked(period: Period) -> Period:
    """Give where the window of a period begins and ends (`load_window`)."""
    window = loaders.of_books(load_window, Filters(*period))
    return period if window is None else Period(window.begin_ms, window.end_ms)


def _fills(name: str, period: Period) -> DataFrame:
    """Load the fills of a period; where it goes on, those after the newest mark, too."""
    start_ms, end_ms = _marked(period)
    return loaders.of_books(load_bot_fills, name, start_ms, end_ms if period.end_ms is not None else None)


def _own(name: str, period: Period) -> Filters:
    return Filters(period.start_ms, period.end_ms, bots=(name,))


def _line(bot: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        level_badge(bot["level"], Scope(ScopeKind.BOT, bot["bot"]), bot["sleeve"])
        st.badge(words(bot["side"]), color="gray")
        where = f"{link('sleeve', bot['sleeve'])} · {link('symbol', bot['symbol'])}"
        st.markdown(f"{where} · last reason: {words(bot['reason'])}", width="content")


header("One bot", "What it saw, what it did, and why.")
picked = bot_picker()
if picked is None:
    nothing("No such bot", "Pick one above; the fleet's bots are made by the worker from the settings.")
else:
    st.subheader(plain(picked), anchor=False)
    chosen = period_picker("7d", trade=trade_period())
    live(summary, picked, chosen)
    live(controls, picked, chosen, has_figures=False)
    level_question()
    live(idle, picked, chosen, has_figures=False)
    live(chart, picked, chosen)
    live(report, picked, chosen, has_figures=False)
    profit_tab, trades_tab, reasons_tab, parameters_tab = st.tabs(
        TABS, key="tab", bind="query-params", on_change="rerun"
    )
    if profit_tab.open:
        with profit_tab:
            live(money_of, picked, chosen)
    if trades_tab.open:
        with trades_tab:
            still(trades, picked, chosen)
            still(as_of)
    if reasons_tab.open:
        with reasons_tab:
            still(reasons, picked, chosen)
            still(as_of)
    if parameters_tab.open:
        with parameters_tab:
            still(parameters, picked)
