"""Slippage of fills: how much worse the price was than the one at sending, and than the open of the bar it was for."""

from dataclasses import dataclass, replace

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection, and_, case, select

from dashboard.queries.candles import candle_market
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.frames import frame
from dashboard.queries.trades import PAGE_ROWS, Page, load_fills
from shared.enums import Side, Trigger
from shared.tables import Candle, Fill, MarketState, Order, Portfolio

# What the backtest fills at the open; a protective exit is held against its level there.
AT_OPENS = (Trigger.SIGNAL.name, Trigger.CLOSE.name)


@dataclass(frozen=True, slots=True)
class Slippage:
    """What slippage came to over fills: how many it is known of, the mean by worth (a fraction), and its sum in quote.

    Positive is worse. NaN where it is known of none.
    """

    count: int
    fraction: float
    amount: float


def load_slipped_fills(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = PAGE_ROWS, offset: int = 0
) -> Page:
    """Load fills as `load_fills` does, with what slippage took of each.

    More columns, fractions of the price it is held against, positive where the fill was worse: sending_slippage
    (against the best price when its order left; NaN on paper) and open_slippage (against the open of the bar that its
    order was for; NaN for protective exits, before that bar has closed, and where its candle is not kept).
    """
    page = load_fills(connection, portfolio_id, filters, limit, offset)
    rows = page.rows.merge(_held_against(connection, portfolio_id, page.rows), on="fill_id", how="left")
    sign = np.where(rows["side"] == Side.BUY.name, 1.0, -1.0)
    for name in ("sending", "open"):
        against = rows.pop(f"{name}_price").to_numpy(np.float64)
        known = np.where(against > 0.0, against, np.nan)
        rows[f"{name}_slippage"] = sign * (rows["price"].to_numpy(np.float64) / known - 1.0)
    return replace(page, rows=rows)


def slippage_of(fills: DataFrame, column: str) -> Slippage:
    """Sum up one of the slippages of `load_slipped_fills`."""
    known = fills[fills[column].notna()]
    if known.empty:
        return Slippage(0, np.nan, np.nan)
    # What it would have cost at the price that it is held against.
    sign = np.where(known["side"] == Side.BUY.name, 1.0, -1.0)
    notional, fraction = known["notional"].to_numpy(np.float64), known[column].to_numpy(np.float64)
    against = notional / (1.0 + sign * fraction)
    amount = float((against * fraction).sum())
    return Slippage(len(known), amount / float(against.sum()), amount)


def _held_against(connection: Connection, portfolio_id: int, fills: DataFrame) -> DataFrame:
    """Give the two prices that fills are held against. Columns: fill_id, sending_price, open_price."""
    if fills.empty:
        return DataFrame({"fill_id": [], "sending_price": [], "open_price": []}, dtype=np.float64)
    own, order, candle = Fill.__table__.c, Order.__table__.c, Candle.__table__.c
    portfolio = Portfolio.__table__.c
    step_ms = select(portfolio.step_ms).where(portfolio.id == portfolio_id).scalar_subquery()
    bar = and_(
        candle.market == case(_markets(connection, portfolio_id), value=order.account, else_=""),
        candle.symbol == own.symbol,
        candle.timeframe_ms == step_ms,
        candle.open_ms == order.decided_ms - order.decided_ms % step_ms,
        own.trigger.in_(AT_OPENS),
    )
    statement = (
        select(own.id.label("fill_id"), order.reference_price.label("sending_price"), candle.open.label("open_price"))
        .join(Order.__table__, order.client_order_id == own.client_order_id)
        .outerjoin(Candle.__table__, bar)
        .where(own.id.in_(fills["fill_id"].tolist()))
    )
    return frame(connection, statement)


def _markets(connection: Connection, portfolio_id: int) -> dict[str, str]:
    """Name what the candles of each account's symbols are kept under."""
    own = MarketState.__table__.c
    accounts = connection.execute(select(own.account).where(own.portfolio_id == portfolio_id).distinct()).scalars()
    return {account: candle_market(connection, portfolio_id, account=account) or "" for account in accounts}
