"""Positions from flat to flat: their open lots, the trips under way, and those that are closed."""

from typing import Any

from sqlalchemy import ColumnElement, Index, func, select
from sqlmodel import SQLModel

from shared.enums import Side, Trigger
from shared.metrics.round_trips import open_profit
from shared.tables.columns import Number, RowId, Whole, Words, key, named, reference


class Lot(SQLModel, table=True):
    """What is left of one opening fill, first in first out; the row goes when nothing is left."""

    __tablename__ = "lot"

    bot_id: int = reference("bot.id", primary_key=True)
    # the oldest open lot of a bot has the smallest
    number: int = key()
    opened_ms: Whole
    # signed, what is left: whole units of the asset, and the same in base units
    units: Whole
    quantity: Number
    price: Number
    # the part of the opening fill's fee that belongs to what is left
    fee: Number


def open_profit_of(bot_id: Any, close: Any) -> ColumnElement[float]:
    """Give the open profit of a bot within a query that has its id and its market's close; 0 without a position."""
    lot = Lot.__table__.c
    lots = select(func.sum(open_profit(lot.quantity, lot.price, lot.fee, close))).where(lot.bot_id == bot_id)
    return func.coalesce(lots.correlate_except(Lot.__table__).scalar_subquery(), 0.0)


class OpenRoundTrip(SQLModel, table=True):
    """The round trip each bot that holds a position is in; of a flat one what dust has earned, for the next."""

    __tablename__ = "open_round_trip"

    bot_id: int = reference("bot.id", primary_key=True)
    side: str = named(Side)
    opened_ms: Whole
    # the largest size held so far, positive
    quantity: Number
    entry_quantity: Number
    entry_notional: Number
    exit_quantity: Number
    exit_notional: Number
    # realised so far, net of fees
    profit: Number
    fees: Number
    best_price: Number
    worst_price: Number
    fills: Whole


class RoundTrip(SQLModel, table=True):
    """A closed entry-exit pair; append-only."""

    __tablename__ = "round_trip"
    __table_args__ = (
        Index("ix_round_trip_portfolio_id_closed_ms", "portfolio_id", "closed_ms"),
        Index("ix_round_trip_bot_id_closed_ms", "bot_id", "closed_ms"),
        Index("ix_round_trip_sleeve_id_closed_ms", "sleeve_id", "closed_ms"),
        Index("ix_round_trip_symbol_closed_ms", "symbol", "closed_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    sleeve_id: int = reference("sleeve.id")
    bot_id: int = reference("bot.id")
    symbol: Words
    # BUY for a long
    side: str = named(Side)
    opened_ms: Whole
    closed_ms: Whole
    duration_ms: Whole
    # the largest size held, positive
    quantity: Number
    # quantity-weighted averages
    entry_price: Number
    exit_price: Number
    # net of fees
    profit: Number
    fees: Number
    # profit as a fraction of what was paid to enter
    return_fraction: Number
    exit_reason: str = named(Trigger)
    # best and worst excursion from the entry price, signed so that + is in favour
    best_fraction: Number
    worst_fraction: Number
    fills: Whole
