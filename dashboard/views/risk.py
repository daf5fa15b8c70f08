"""Risk: how far the brakes are, what is exposed to what, and what a bad day would cost."""

from functools import partial

import streamlit as st

from dashboard import loaders
from dashboard.components.downloads import Books, equity_books
from dashboard.components.empty import nothing
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.panels import live, overview_or_nothing
from dashboard.components.pickers import Period
from dashboard.components.rows import Rows
from dashboard.components.stale_prices import stale_prices
from dashboard.components.tables import table
from dashboard.components.tiles import risk_tiles
from dashboard.components.zoom import zoom_switch
from dashboard.figures.equity import day_figure
from dashboard.figures.risk import brake_bars_figure, brakes_figure, exposures_figure, stop_distances_figure
from dashboard.queries.equity import PORTFOLIO, load_equity
from dashboard.queries.positions import load_positions
from dashboard.queries.returns import load_daily, return_figures
from dashboard.queries.risk import load_brake_history, load_brakes, load_exposures
from shared.enums import ScopeKind

BRAKES = ("brake", "scope_kind", "scope", "value_fraction", "limit_fraction", "left_fraction", "level")
HISTORY = ("time_ms", "what", "cause", "scope_kind", "scope", "value", "limit", "message")
EXPOSURES = ("symbol", "long", "short", "net", "gross", "of_equity", "positions")
STOPS = ("bot", "risk", "distance_fraction", "symbol", "side", "notional", "close", "exit_level", "open_profit")


def brakes() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    frame = loaders.live(load_brakes)
    if not overview.brakes:
        st.error("The brakes are switched off in the settings (`risk.brakes`).", icon=":material/warning:")
    of_portfolio = frame[frame["scope_kind"] == ScopeKind.PORTFOLIO.name]
    drawn = partial(brakes_figure, of_portfolio)
    said = "How much of the limits of the portfolio's brakes is used"
    live_chart(drawn, "brakes", said, Rows("brakes", of_portfolio))
    with st.expander("Sleeves and bots"):
        rest = frame[frame["scope_kind"] != ScopeKind.PORTFOLIO.name]
        bars = partial(brake_bars_figure, rest)
        live_chart(bars, "brake_bars", "How much of each brake's limit is used", Rows("brakes", rest))
    with st.expander("Every brake, as a table"):
        table(frame, BRAKES, "brakes_table", Rows("brakes", frame))


def figures() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    daily = loaders.history(load_daily)
    held = loaders.live(load_positions)
    risk_tiles(overview, return_figures(daily) if len(daily) > 1 else None, held)


def day(is_zoomed: bool) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    today = Period(overview.day_start_ms, None)
    marks = loaders.of_books(load_equity, (PORTFOLIO,), *today)
    limit = overview.daily_loss_limit if overview.brakes else None
    drawn = partial(day_figure, marks, overview.day_start_equity, limit, overview.counted, is_zoomed)
    live_chart(drawn, "day", "Equity of the day against its limit", equity_books((PORTFOLIO,), today, marks))


def exposures() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    frame = loaders.live(load_exposures)
    if frame.empty:
        nothing("Nothing is held", "Exposure by symbol and direction is shown here while positions are open.")
    else:
        rows = Rows("exposures", frame)
        drawn = partial(exposures_figure, frame, overview.counted)
        live_chart(drawn, "exposures", "Exposure by symbol and direction", rows)
        table(frame, EXPOSURES, "exposures_table", rows, pinned=True)


def stops() -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    frame = loaders.live(load_positions)
    if frame.empty:
        nothing("No open positions", "How far each is from its stop is shown here.")
    else:
        rows = Rows("open_positions", frame)
        drawn = partial(stop_distances_figure, frame, overview.counted)
        live_chart(drawn, "stops", "Distance of each position to its stop", rows)
        table(frame, STOPS, "stops_table", rows, pinned=True)
        stale_prices(frame)


def trips() -> None:
    frame = loaders.of_books(load_brake_history)
    if frame.empty:
        nothing("No brake has warned or tripped yet", "Warnings, trips and releases are kept here.")
    else:
        table(frame, HISTORY, "brake_history", Rows("brake_history", frame), Books("events"))


header("Risk", "How far the brakes are, what is exposed to what, and what a bad day would cost.")
live(figures)
live(brakes)
left, right = st.columns(2)
with left:
    st.subheader("Today against its limit", anchor=False)
    live(day, zoom_switch("Scale"))
with right:
    st.subheader("Exposure", anchor=False)
    live(exposures)
st.subheader("Distance to the stop", anchor=False)
live(stops)
st.subheader("Brakes: warnings, trips, releases", anchor=False)
live(trips)
