"""Bars: the closed candles kept from an exchange, and the bars that did not arrive as they should."""

from sqlalchemy import Index, Text
from sqlmodel import SQLModel

from shared.enums import BarStatus
from shared.tables.columns import Number, RowId, Whole, Words, key, named, reference


class Candle(SQLModel, table=True):
    """A closed bar of a market, such as `binance spot`."""

    __tablename__ = "candle"
    __table_args__ = {"sqlite_with_rowid": False}

    market: str = key(Text)
    symbol: str = key(Text)
    timeframe_ms: int = key()
    open_ms: int = key()
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


class BarRecord(SQLModel, table=True):
    """A bar that was late, missing, repaired or skipped, and why; bars that came as they should have no row."""

    __tablename__ = "bar_record"
    __table_args__ = (Index("ix_bar_record_portfolio_id_open_ms", "portfolio_id", "open_ms"),)

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    symbol: Words
    open_ms: Whole
    step: Whole
    status: str = named(BarStatus)
    # how long after its close it was there, in market time
    late_ms: Whole = 0
    reason: Words
