"""One symbol: what all bots hold of it, everybody's trades on one chart, and what was crossed in house."""

from functools import partial

import streamlit as st

from dashboard import loaders
from dashboard.components.downloads import Books
from dashboard.components.empty import nothing
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.meanings import means
from dashboard.components.panels import live, overview_or_nothing
from dashboard.components.pickers import Period, period_picker, symbol_picker
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.tiles import tiles
from dashboard.components.trade import GO_THERE, ask_for_row, follow_trade, rows_key
from dashboard.components.words import many, plain
from dashboard.figures.symbol import trades_figure
from dashboard.queries.filters import Filters
from dashboard.queries.symbol import (
    load_crossed,
    load_symbol,
    load_symbol_bots,
    load_symbol_candles,
    load_symbol_fills,
)
from shared.money import MOST_QUANTITY_DECIMALS, quantity_text

BOTS = (
    "bot", "period_profit", "open_profit", "side", "position", "notional", "period_fees", "round_trips", "win_rate",
    "sleeve",
)  # fmt: skip
CROSSED = ("time_ms", "bot", "side", "quantity", "crossed", "price", "crossed_notional", "saved", "sleeve")


def summary(symbol: str, period: Period) -> None:
    overview = overview_or_nothing()
    found = loaders.of_books(load_symbol, symbol, Filters(*period))
    if overview is None or found is None:
        return
    counted, quote = overview.counted, plain(overview.quote)
    tiles(
        (
            "Held by all bots, net",
            _signed(found.net_quantity),
            means("Held by all bots, net", quote=quote),
            f"{counted.amount(found.long_notional)} long, {counted.amount(-found.short_notional)} short; "
            f"{many(found.positions, 'bot', found.bots)} in a position",
        ),
        (
            f"Profit in the period, {quote}",
            counted.gain(found.profit),
            means("Profit of a symbol"),
            f"after {counted.amount(found.fees)} of fees; {counted.gain(found.open_profit)} open now",
        ),
        (
            f"Crossed in house in the period, {quote}",
            counted.amount(found.crossed_notional),
            means("Crossed in house"),
            f"of {counted.amount(found.traded_notional)} traded in {many(found.fills, 'fill')}",
        ),
        (f"Saved by it, {quote}", counted.amount(found.saved), means("Saved in this period"), "fees and slippage"),
    )


def _signed(quantity: float) -> str:
    # What bots hold adds up with the noise of a float64, which is finer than any coin is divided.
    return f"{'+' if quantity > 0.0 else ''}{quantity_text(round(quantity, MOST_QUANTITY_DECIMALS))}"


def chart(symbol: str, period: Period) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    own = Filters(period.start_ms, period.end_ms, symbols=(symbol,))
    drawn = partial(
        trades_figure,
        loaders.of_books(load_symbol_candles, symbol, *period),
        loaders.of_books(load_symbol_fills, symbol, *period),
        overview.counted,
    )
    live_chart(
        drawn, "symbol_trades", f"Candles of {symbol} and the trades of all bots", Books("candles", own),
        Books("fills", own),
    )  # fmt: skip


def bots(symbol: str, period: Period) -> None:
    frame = loaders.of_books(load_symbol_bots, Filters(period.start_ms, period.end_ms, symbols=(symbol,)))
    table(frame, BOTS, "symbol_bots", Rows("symbol_bots", frame), pinned=True)


def crossed(symbol: str, period: Period) -> None:
    follow_trade()
    frame = loaders.of_books(load_crossed, Filters(period.start_ms, period.end_ms, symbols=(symbol,)))
    if frame.empty:
        nothing(
            "Nothing crossed in house in this period",
            "It does when bots want opposite things of one symbol at one step, and `risk.netting` is on.",
        )
        return
    st.caption(GO_THERE)
    key = rows_key("symbol_crossed", frame)
    rows = Rows("crossed", frame)
    table(frame, CROSSED, key, rows, picks="rows", on_row=partial(ask_for_row, frame), height=300)


header("Symbols", "What all bots hold of one symbol, everybody's trades in it, and what they crossed in house.")
picked = symbol_picker()
if picked is None:
    nothing("No symbol is traded yet", "The fleet's bots are made by the worker from the settings.")
else:
    st.subheader(plain(picked), anchor=False)
    chosen = period_picker("7d")
    live(summary, picked, chosen)
    live(chart, picked, chosen)
    st.subheader("Bots", anchor=False)
    live(bots, picked, chosen)
    st.subheader("Crossed in house", anchor=False)
    live(crossed, picked, chosen)
