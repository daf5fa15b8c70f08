"""Money that moves without a trade, and who is to hold how much."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from shared.enums import ScopeKind, TransferKind
from shared.tables.columns import Number, RowId, Whole, Words, key, maybe_reference, named, reference


class Transfer(SQLModel, table=True):
    """Money into (+) or out of (−) one bot, or the portfolio's own cash; those of one rebalance sum to 0."""

    __tablename__ = "transfer"
    __table_args__ = (
        Index("ix_transfer_portfolio_id_time_ms", "portfolio_id", "time_ms"),
        Index("ix_transfer_bot_id_time_ms", "bot_id", "time_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    # none is the portfolio's own cash
    bot_id: int | None = maybe_reference("bot.id")
    time_ms: Whole
    step: Whole
    kind: str = named(TransferKind)
    amount: Number
    command_id: int | None = maybe_reference("command.id")


class Funding(SQLModel, table=True):
    """One settlement of a bot's position; append-only. `amount` is what its cash changed by."""

    __tablename__ = "funding"
    __table_args__ = (
        Index("ix_funding_portfolio_id_time_ms", "portfolio_id", "time_ms"),
        Index("ix_funding_bot_id_time_ms", "bot_id", "time_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    bot_id: int = reference("bot.id")
    symbol: Words
    time_ms: Whole
    step: Whole
    quantity: Number
    price: Number
    rate: Number
    amount: Number


class AllocationPoint(SQLModel, table=True):
    """The weight of a sleeve in the portfolio, or of a bot in its sleeve, at a rebalance."""

    __tablename__ = "allocation_point"
    __table_args__ = {"sqlite_with_rowid": False}

    # by time first: one rebalance is one run of neighbouring rows
    portfolio_id: int = reference("portfolio.id", primary_key=True)
    time_ms: int = key()
    scope_kind: str = named(ScopeKind, primary_key=True)
    scope_id: int = key()
    step: Whole
    weight: Number
    # the money it is to hold, and what it was worth
    allocation: Number
    equity: Number
