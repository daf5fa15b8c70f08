"""What trading cost against what it made."""

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries.activity import load_activity
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.made import load_made
from dashboard.queries.states import load_bot_states
from dashboard.queries.window import load_window


def load_costs(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made and paid in a period; the sums are the portfolio's.

    Columns: bot, sleeve, symbol, gross_profit (before fees and funding, open positions included), fees, funding (+ was
    received), profit (= gross_profit − fees + funding), money_in, equity (NaN in a period). Filters: times (of their
    window), bots, sleeves, symbols.
    """
    made = load_made(connection, portfolio_id, filters)
    states = load_bot_states(connection, portfolio_id).set_index("bot").reindex(made["bot"]).reset_index()
    window = load_window(connection, portfolio_id, filters)
    if window is None or window.is_whole:
        funding, held = -states["funding_paid"], states[["money_in", "equity"]]
    else:
        paid = load_activity(connection, portfolio_id, "bot", filters).set_index("group")["funding"]
        funding, held = made["bot"].map(paid), DataFrame(np.nan, made.index, ["money_in", "equity"])
    return DataFrame(
        {
            **{name: made[name] for name in ("bot", "sleeve", "symbol")},
            "gross_profit": made["period_profit"] + made["period_fees"] - funding,
            "fees": made["period_fees"],
            "funding": funding,
            "profit": made["period_profit"],
            **{name: held[name] for name in ("money_in", "equity")},
        }
    )
