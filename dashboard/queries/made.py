"""What each bot made and paid in a period: of one window for every page."""

from pandas import DataFrame, Series
from sqlalchemy import Connection

from dashboard.queries.activity import load_activity
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import select_members
from dashboard.queries.marks import last_marks
from dashboard.queries.states import load_bot_states
from dashboard.queries.window import load_window
from shared.enums import ScopeKind


def load_made(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made in a period, open positions at the last close of it, and what it paid of fees.

    They are of the window of the times (`load_window`). Columns: bot, sleeve, symbol, period_profit, period_fees
    (quote). Filters: times, bots, sleeves, symbols.
    """
    states = select_members(load_bot_states(connection, portfolio_id), filters).reset_index(drop=True)
    made = states[["bot", "sleeve", "symbol"]].copy()
    profit, fees = states["equity"] - states["money_in"], states["fees_paid"]
    window = load_window(connection, portfolio_id, filters)
    if window is not None and not window.is_whole:
        ids = [int(bot_id) for bot_id in states["bot_id"]]
        if not window.is_newest:
            profit = _earned_until(connection, ids, window.end_ms)
        if window.start_ms is not None:
            profit -= _earned_until(connection, ids, window.start_ms)
        paid = load_activity(connection, portfolio_id, "bot", filters).set_index("group")["fees"]
        fees = states["bot"].map(paid)
    return made.assign(period_profit=profit.astype("float64"), period_fees=fees.astype("float64"))


def _earned_until(connection: Connection, ids: list[int], time_ms: int) -> Series:
    """Give equity less money put in of each bot at its last mark until a time, in their order; 0 where none is."""
    marks = last_marks(connection, ScopeKind.BOT, ids, time_ms).set_index("scope_id")
    return (marks["equity"] - marks["money_in"]).reindex(ids).fillna(0.0).astype("float64").reset_index(drop=True)
