"""Overview: how much there is, what today brought, how far the brakes are, what is held and what happened."""

from functools import partial

import streamlit as st

from dashboard import loaders
from dashboard.components.accounts import accounts_panel
from dashboard.components.downloads import Books, equity_books
from dashboard.components.empty import nothing
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.no_trades import fleet_without_trades
from dashboard.components.panels import live, overview_or_nothing
from dashboard.components.pickers import ChosenFilters, Period, period_picker, scope_picker
from dashboard.components.report_link import report_link
from dashboard.components.rows import Rows
from dashboard.components.stale_prices import stale_prices
from dashboard.components.tables import table
from dashboard.components.tiles import overview_tiles
from dashboard.components.trade import GO_THERE, ask_for_row, follow_trade, rows_key
from dashboard.components.zoom import zoom_switch
from dashboard.figures.equity import drawdown_figure, equity_figure
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.events import load_events
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.holding import load_held
from dashboard.queries.overview import load_win_rate
from dashboard.queries.positions import load_positions
from dashboard.queries.trades import load_fills

POSITIONS = (
    "bot", "open_profit", "return_fraction", "symbol", "side", "quantity", "entry_price", "close", "notional",
    "stop_price", "trailing_price", "exit_level", "distance_fraction", "risk", "opened_ms",
)  # fmt: skip
EVENTS = ("time_ms", "severity", "scope", "kind", "message")
TRADES = ("time_ms", "bot", "symbol", "side", "leg", "trigger", "quantity", "price", "notional", "fee")
RECENT = 10
HOLDING = (
    "What the fleet would have made by holding: its equity at the first mark of the period, put in equal parts into "
    "every symbol it trades at the price there and kept, without costs. Money that people moved since is added to "
    "equity and buys nothing."
)
MEASURES = {"equity": "Equity", "profit": "Profit", "return_fraction": "Return"}


def tiles() -> None:
    overview = overview_or_nothing()
    if overview is not None:
        overview_tiles(overview, loaders.of_books(load_win_rate))


def curves(scopes: tuple[Scope, ...], period: Period, measure: str, with_held: bool) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    marks = loaders.of_books(load_equity, scopes, *period)
    held = loaders.of_books(load_held, *period) if with_held else None
    drawn = partial(equity_figure, marks, measure, overview.counted, overview.name, True, held)
    books = equity_books(scopes, period, marks)
    more = [] if held is None else [Rows("held", held)]
    live_chart(drawn, "equity", f"{MEASURES[measure]} over time", books, *more)
    if held is not None and held.empty:
        st.caption("No candles of this period are kept, so what holding would have made is not known.")


def drawdowns(scopes: tuple[Scope, ...], period: Period, is_zoomed: bool) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    marks = loaders.of_books(load_equity, scopes, *period)
    limit = overview.drawdown_limit if overview.brakes else None
    deepest = partial(drawdown_figure, marks, limit, overview.name, is_zoomed)
    books = equity_books(scopes, period, marks)
    live_chart(deepest, "drawdown", "Drawdown over time, with the limit of the brake", books)


def idle(period: Period) -> None:
    fleet_without_trades(Filters(*period))


def positions() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    held = loaders.live(load_positions)
    if held.empty:
        nothing("No open positions", "One opens when what a strategy wants is confirmed and no rule stops it.")
    else:
        table(held, POSITIONS, "positions", Rows("open_positions", held), pinned=True)
        stale_prices(held)


def trades() -> None:
    follow_trade()
    page = loaders.live(load_fills, EVERYTHING, RECENT, 0)
    if page.rows.empty:
        nothing("No trades yet", "An entry and an exit are a fill each; they are listed here, the newest first.")
        return
    st.caption(GO_THERE)
    key = rows_key("recent", page.rows)
    table(page.rows, TRADES, key, Books("fills"), picks="rows", on_row=partial(ask_for_row, page.rows), total=None)


def events() -> None:
    latest = loaders.live(load_events, Filters(), (), (), RECENT)
    if latest.empty:
        nothing("Nothing happened yet", "Brakes, errors, recoveries and commands are told here.")
    else:
        table(latest, EVENTS, "events", Books("events"), free_text=())


header("Overview", "The whole fleet as of its last step.")
live(accounts_panel, True, has_figures=False)
live(tiles)
questions = st.container(horizontal=True)
with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    chosen_period = period_picker("30d", dates=False)
    chosen_measure = st.segmented_control(
        "Measure", list(MEASURES), default="equity", required=True, key="measure", bind="query-params",
        format_func=MEASURES.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    with st.container(width=420):
        chosen_scopes = scope_picker()
with questions:
    # With the period on show, whether or not the browser has told the server of it yet.
    asked = {"period": st.session_state["period"]}
    st.page_link(
        "views/bots.py", label="Which bot lost most, and why", icon=":material/trending_down:", query_params=asked
    )
    st.page_link("views/decisions.py", label="Why there was no trade", icon=":material/help:")
live(idle, chosen_period, has_figures=False)
chosen_held = st.toggle("Compare with holding", key="held", bind="query-params", help=HOLDING)
live(curves, chosen_scopes, chosen_period, chosen_measure, chosen_held)
live(drawdowns, chosen_scopes, chosen_period, zoom_switch("Drawdown"))
live(report_link, ChosenFilters(chosen_period), has_figures=False)
st.subheader("Open positions", anchor=False)
live(positions)
st.subheader("Recent trades", anchor=False)
live(trades)
st.subheader("What happened", anchor=False)
live(events)
