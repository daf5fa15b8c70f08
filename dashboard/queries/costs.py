"""What trading cost against what it made."""

from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import select_members
from dashboard.queries.states import load_bot_states


def load_costs(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made and paid since the books began; the sums are the portfolio's.

    Columns: bot, sleeve, symbol, gross_profit (before fees and funding, open positions included), fees, funding (+ was
    received), profit (= gross_profit − fees + funding), money_in, equity. Filters: bots, sleeves, symbols.
    """
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
