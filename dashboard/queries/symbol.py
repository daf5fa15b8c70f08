"""One symbol over all bots: what they hold of it, made with it, traded in it, and crossed in house."""

from dataclasses import dataclass, replace

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection, func, select

from dashboard.queries import candles
from dashboard.queries.activity import load_activity
from dashboard.queries.bots import load_bots
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.kinds import with_kinds
from dashboard.queries.made import load_made
from dashboard.queries.trades import load_fills
from dashboard.queries.trips import members_where
from dashboard.queries.window import load_window, marked_where, windowed
from shared.tables import Fill

MAX_BARS = 600
MOST_FILLS = 2_000
_OF_BOTS = (
    *("bot", "sleeve", "symbol", "side", "position", "notional", "open_profit", "period_profit", "period_fees"),
    *("round_trips", "win_rate"),
)


@dataclass(frozen=True, slots=True)
class SymbolFigures:
    """What all bots hold of a symbol now (quantity, and notional in quote), and what they did in a period (quote)."""

    bots: int
    positions: int
    net_quantity: float
    long_notional: float
    short_notional: float
    open_profit: float
    profit: float
    fees: float
    fills: int
    saved: float
    crossed_notional: float
    traded_notional: float


def load_symbol(
    connection: Connection, portfolio_id: int, symbol: str, filters: Filters = EVERYTHING
) -> SymbolFigures | None:
    """Load the figures of a symbol; None where no bot trades it. Filters: times (of their window)."""
    own = replace(filters, symbols=(symbol,))
    bots = load_symbol_bots(connection, portfolio_id, own)
    if not len(bots):
        return None
    paid = load_activity(connection, portfolio_id, "symbol", own).set_index("group").loc[symbol]
    crossed, traded = _notionals(connection, portfolio_id, own)
    return SymbolFigures(
        bots=len(bots),
        positions=int((bots["side"] != "FLAT").sum()),
        net_quantity=float(bots["position"].sum()),
        long_notional=float(bots["notional"].clip(lower=0.0).sum()),
        short_notional=float(bots["notional"].clip(upper=0.0).sum()),
        open_profit=float(bots["open_profit"].sum()),
        profit=float(bots["period_profit"].sum()),
        fees=float(bots["period_fees"].sum()),
        fills=int(paid["fills"]),
        saved=float(paid["saved"]),
        crossed_notional=crossed,
        traded_notional=traded,
    )


def load_symbol_bots(connection: Connection, portfolio_id: int, filters: Filters) -> DataFrame:
    """Load what each bot holds of a symbol now and made with it in a period.

    Columns: bot, sleeve, symbol, side (LONG, SHORT or FLAT), position (signed quantity), notional (signed),
    open_profit, period_profit, period_fees, round_trips, win_rate (of the period). Filters: times (of their window),
    symbols, bots, sleeves.
    """
    bots = load_bots(connection, portfolio_id, filters)
    made = load_made(connection, portfolio_id, filters)[["bot", "period_profit", "period_fees"]]
    return bots.merge(made, on="bot", validate="one_to_one")[list(_OF_BOTS)]


def load_symbol_candles(
    connection: Connection,
    portfolio_id: int,
    symbol: str,
    start_ms: int | None = None,
    end_ms: int | None = None,
    max_bars: int = MAX_BARS,
) -> DataFrame:
    """Load the candles of a symbol in the window of some times, merged where they are too many, oldest first.

    Columns: open_ms, open, high, low, close, volume, timeframe_ms. Empty where none are kept.
    """
    market = candles.candle_market(connection, portfolio_id, symbol)
    window = load_window(connection, portfolio_id, Filters(start_ms, end_ms))
    if market is None or window is None:
        return candles.no_bars().assign(timeframe_ms=np.int64(0))
    bars, length_ms = candles.load_merged(
        connection, market, symbol, window.step_ms, window.begin_ms, window.end_ms, max_bars
    )
    return bars.assign(timeframe_ms=np.int64(length_ms))


def load_symbol_fills(
    connection: Connection, portfolio_id: int, symbol: str, start_ms: int | None = None, end_ms: int | None = None
) -> DataFrame:
    """Load the newest fills of all bots in a symbol, oldest first: the columns of `load_fills`, and kind.

    kind is ENTRY_LONG, ENTRY_SHORT, EXIT_LONG or EXIT_SHORT. Without an end those after the newest mark are among them.
    """
    filters = windowed(connection, portfolio_id, Filters(start_ms, end_ms))
    wanted = Filters(filters.start_ms, None if end_ms is None else filters.end_ms, symbols=(symbol,))
    page = load_fills(connection, portfolio_id, wanted, MOST_FILLS)
    return with_kinds(page.rows.iloc[::-1].reset_index(drop=True))


def load_crossed(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = MOST_FILLS
) -> DataFrame:
    """Load what bots crossed in house, newest first: fills of which a part was between bots.

    Columns: fill_id, time_ms, bot, sleeve, symbol, side (BUY or SELL), quantity, crossed (signed), price,
    crossed_notional (positive, quote), saved (quote). Filters: times (of their window), symbols, bots, sleeves. Over
    all bots what was crossed at one time sums to 0.
    """
    wanted = windowed(connection, portfolio_id, filters)
    rows = load_fills(connection, portfolio_id, wanted, limit, crossed_only=True).rows
    rows["crossed_notional"] = rows["crossed"].abs() * rows["price"]
    names = ("fill_id", "time_ms", "bot", "sleeve", "symbol", "side", "quantity", "crossed", "price")
    return rows[[*names, "crossed_notional", "saved"]]


def _notionals(connection: Connection, portfolio_id: int, filters: Filters) -> tuple[float, float]:
    """Give what was crossed in house and what was traded in all."""
    own, members = Fill.__table__.c, load_members(connection, portfolio_id)
    filters = windowed(connection, portfolio_id, filters)
    statement = select(
        func.coalesce(func.sum(func.abs(own.crossed) * own.price), 0.0),
        func.coalesce(func.sum(func.abs(own.quantity) * own.price), 0.0),
    ).where(
        members_where(own.bot_id, portfolio_id, own.portfolio_id, members, filters),
        *marked_where(own.time_ms, own.trigger, filters),
    )
    crossed, traded = connection.execute(statement).one()
    return float(crossed), float(traded)
