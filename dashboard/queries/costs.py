"""What trading cost against what it made."""

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries.activity import load_activity
from dashboard.queries.bot_days import load_bot_profits
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import select_members
from dashboard.queries.returns import load_daily
from dashboard.queries.states import load_bot_states


def load_costs(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made and paid; the sums are the portfolio's.

    Since the books began as of now; in a period from its first mark to its last, by whole days. Columns: bot, sleeve,
    symbol, gross_profit (before fees and funding, open positions included), fees, funding (+ was received), profit
    (= gross_profit − fees + funding), money_in, equity (NaN in a period). Filters: times, bots, sleeves, symbols.
    """
    if filters.start_ms is None and filters.end_ms is None:
        return _since_the_beginning(connection, portfolio_id, filters)
    return _of_period(connection, portfolio_id, filters)


def _since_the_beginning(connection: Connection, portfolio_id: int, filters: Filters) -> DataFrame:
    states = select_members(load_bot_states(connection, portfolio_id), filters).reset_index(drop=True)
    profit, funding = states["equity"] - states["money_in"], -states["funding_paid"]
    return DataFrame(
        {
            **{name: states[name] for name in ("bot", "sleeve", "symbol")},
            "gross_profit": profit + states["fees_paid"] - funding,
            "fees": states["fees_paid"],
            "funding": funding,
            "profit": profit,
            "money_in": states["money_in"],
            "equity": states["equity"],
        }
    )


def _of_period(connection: Connection, portfolio_id: int, filters: Filters) -> DataFrame:
    made = load_bot_profits(connection, portfolio_id, filters)
    daily = load_daily(connection, portfolio_id, start_ms=filters.start_ms, end_ms=filters.end_ms)
    first_ms, last_ms = (int(daily["time_ms"].iloc[at]) if len(daily) else 0 for at in (0, -1))
    paid = load_activity(connection, portfolio_id, "bot", first_ms, last_ms, filters).set_index("group")
    fees, funding = (made["bot"].map(paid[name]) for name in ("fees", "funding"))
    return DataFrame(
        {
            **{name: made[name] for name in ("bot", "sleeve", "symbol")},
            "gross_profit": made["profit"] + fees - funding,
            "fees": fees,
            "funding": funding,
            "profit": made["profit"],
            "money_in": np.nan,
            "equity": np.nan,
        }
    )
