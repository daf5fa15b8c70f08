"""Trades: round trips, fills, orders and open positions, as the filters in the address bar take them."""

from functools import partial

import streamlit as st

from dashboard import loaders
from dashboard.components.ages import as_of
from dashboard.components.cells import TOTAL
from dashboard.components.downloads import Books
from dashboard.components.empty import nothing
from dashboard.components.filter_bar import filter_bar
from dashboard.components.header import header
from dashboard.components.live_chart import live_chart
from dashboard.components.panels import live, overview_or_nothing, still
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.tiles import slippage_tiles
from dashboard.components.trade import GO_THERE, ask_for_row, follow_trade, rows_key
from dashboard.figures.round_trips import duration_figure, excursion_figure
from dashboard.queries.filters import Filters
from dashboard.queries.positions import load_positions
from dashboard.queries.slippage import load_slipped_fills
from dashboard.queries.trades import PAGE_ROWS, Page, load_orders, load_round_trips

KINDS = {"Round trips": "round_trips", "Fills": "fills", "Orders": "orders", "Open positions": "positions"}
QUERIES = {"round_trips": load_round_trips, "fills": load_slipped_fills, "orders": load_orders}
COLUMNS = {
    "round_trips": (
        "closed_ms", "profit", "return_fraction", "bot", "symbol", "side", "exit_reason", "duration_ms", "quantity",
        "entry_price", "exit_price", "fees", "best_fraction", "worst_fraction", "opened_ms", "sleeve", "fills",
    ),
    "fills": (
        "time_ms", "bot", "symbol", "side", "leg", "trigger", "quantity", "price", "sending_slippage", "open_slippage",
        "notional", "fee", "fee_currency", "crossed", "saved", "sleeve", "client_order_id", "step",
    ),
    "orders": (
        "decided_ms", "symbol", "side", "quantity", "filled_quantity", "price", "status", "trigger", "fee", "account",
        "sent_ms", "done_ms", "reason", "client_order_id", "step",
    ),
    "positions": (
        "bot", "open_profit", "return_fraction", "symbol", "side", "quantity", "entry_price", "close", "notional",
        "stop_price", "trailing_price", "exit_level", "distance_fraction", "best_price", "worst_price", "opened_ms",
    ),
}  # fmt: skip
FREE_TEXT = {"orders": ("reason",)}


def rows(kind: str, filters: Filters) -> None:
    first = loaders.of_books(QUERIES[kind], filters, PAGE_ROWS, 0)
    if not first.count:
        nothing("Nothing fits these filters", "Take a filter away, or look at a longer period.")
        return
    page, books = _page(kind, filters, first), Books(kind, filters)
    if kind == "round_trips":
        _charts(page, books)
    elif kind == "fills":
        slippage_tiles(page.rows, loaders.counted())
    is_own = kind != "orders"
    st.caption(_counted(page))
    if is_own:
        st.caption(GO_THERE)
    key = rows_key(kind, page.rows)
    table(
        page.rows,
        COLUMNS[kind],
        key,
        books,
        height=520,
        free_text=FREE_TEXT.get(kind, ()),
        of_trips=kind == "round_trips",
        total=TOTAL if page.is_whole else f"Of these {len(page.rows):,}",
        picks="rows" if is_own else None,
        on_row=partial(ask_for_row, page.rows),
    )


def open_positions(filters: Filters) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    held = loaders.live(load_positions, filters)
    if held.empty:
        nothing(
            "No open positions fit these filters",
            "One opens when what a strategy wants is confirmed and no rule stops it.",
        )
    else:
        table(held, COLUMNS["positions"], "positions", Rows("open_positions", held), pinned=True)


def _page(kind: str, filters: Filters, first: Page) -> Page:
    pages = -(-first.count // PAGE_ROWS)
    if pages < 2:
        return first
    number = st.pagination(pages, key=f"page_{kind}")
    return first if number == 1 else loaders.of_books(QUERIES[kind], filters, PAGE_ROWS, (number - 1) * PAGE_ROWS)


def _counted(page: Page) -> str:
    more = "" if page.is_exact else " or more"
    return (
        f"{page.count:,}{more} in all, newest first; {len(page.rows):,} on this page. A download has all. What came "
        "after the newest step is among them; figures count it from the next."
    )


def _charts(page: Page, books: Books) -> None:
    left, right = st.columns(2)
    with left:
        live_chart(
            duration_figure(page.rows, loaders.counted()),
            "profit_duration",
            "Profit of round trips against duration",
            books,
        )
    with right:
        live_chart(excursion_figure(page.rows), "excursions", "Best and worst excursion of each round trip", books)


follow_trade()
header("Trades", "What was done, row by row.")
label = st.segmented_control(
    "Rows",
    list(KINDS),
    default="Round trips",
    required=True,
    key="rows",
    bind="query-params",
    label_visibility="collapsed",
)
chosen_kind = KINDS[label]
chosen = filter_bar()
if chosen_kind == "positions":
    live(open_positions, chosen)
else:
    still(rows, chosen_kind, chosen)
    still(as_of)
