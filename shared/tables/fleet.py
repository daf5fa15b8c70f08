"""The hierarchy: portfolio, its sleeves, their bots. What changes at every step is in the state tables."""

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.enums import BotStatus
from shared.tables.columns import MaybeWhole, MaybeWords, RowId, Whole, Words, named, reference


class Portfolio(SQLModel, table=True):
    """A fleet: all sleeves under one set of brakes, in one quote currency."""

    __tablename__ = "portfolio"

    id: RowId = None
    name: str = Field(sa_type=Text, unique=True)
    quote: Words
    step_ms: Whole
    # what status and pages say of prices and orders: "simulated market, seed 7", "paper"
    market_label: Words
    broker_label: Words
    # drawn once; the first characters of its orders' names, by which it knows them on an exchange
    installation: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    created_ms: Whole


class Sleeve(SQLModel, table=True):
    """All bots of one strategy, with their own share of the money, trading on one account."""

    __tablename__ = "sleeve"
    __table_args__ = (UniqueConstraint("portfolio_id", "name"),)

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    name: Words
    strategy: Words
    account: Words
    created_ms: Whole


class Bot(SQLModel, table=True):
    """One strategy with one parameter set on one symbol and timeframe; a bot is never deleted."""

    __tablename__ = "bot"
    __table_args__ = (
        UniqueConstraint("portfolio_id", "name"),
        UniqueConstraint("portfolio_id", "strategy", "symbol", "timeframe", "parameters"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    sleeve_id: int = reference("sleeve.id")
    name: Words
    strategy: Words
    symbol: Words
    timeframe: Words
    # a JSON list of numbers
    parameters: Words
    status: str = named(BotStatus)
    # why it failed or was retired
    note: MaybeWords = None
    created_ms: Whole
    retired_ms: MaybeWhole = None
