"""The statements behind the exports of bars: the candles kept, and those that did not come as they should."""

from sqlalchemy import Select, select

from shared.tables.candles import BarRecord, Candle
from shared.tables.export_filters import Filters, within
from shared.tables.fleet import Bot


def candles(portfolio_id: int, filters: Filters) -> Select:
    """Select the candles of the symbols of a portfolio's bots, or of the bots the filters name."""
    symbols = select(Bot.symbol).where(Bot.portfolio_id == portfolio_id)
    return (
        select(
            Candle.open_ms,
            Candle.market,
            Candle.symbol,
            Candle.timeframe_ms,
            Candle.open,
            Candle.high,
            Candle.low,
            Candle.close,
            Candle.volume,
        )
        .where(Candle.symbol.in_(symbols.where(within(Filters(bot=filters.bot), bot=Bot.name))))
        .where(within(filters, Candle.open_ms, symbol=Candle.symbol))
        .order_by(Candle.open_ms, Candle.symbol, Candle.timeframe_ms, Candle.market)
    )


def bar_records(portfolio_id: int, filters: Filters) -> Select:
    """Select the bars that were late, missing, repaired or skipped."""
    return (
        select(
            BarRecord.open_ms,
            BarRecord.step,
            BarRecord.symbol,
            BarRecord.status,
            BarRecord.late_ms,
            BarRecord.reason,
        )
        .where(BarRecord.portfolio_id == portfolio_id)
        .where(within(filters, BarRecord.open_ms, symbol=BarRecord.symbol))
        .order_by(BarRecord.open_ms, BarRecord.id)
    )
