"""Accounts on exchanges: shares of orders, trades as the exchange told them, and what was found when reconciled.

What an exchange counts exactly is kept as it wrote it: decimals in text.
"""

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import SQLModel

from shared.enums import Side
from shared.tables.columns import MaybeWords, Number, RowId, Whole, Words, key, later, named, reference


class OrderShare(SQLModel, table=True):
    """A bot's part of an order that nets several, signed whole units; and what it got of it so far."""

    __tablename__ = "order_share"
    __table_args__ = {"sqlite_with_rowid": False}

    client_order_id: str = key(Text)
    bot_id: int = reference("bot.id", primary_key=True)
    units: Whole
    filled_units: Whole = 0


class Trade(SQLModel, table=True):
    """One execution of one order, as the exchange told it; a trade that is told twice is one row."""

    __tablename__ = "trade"
    __table_args__ = (
        UniqueConstraint("portfolio_id", "account", "symbol", "trade_id"),
        Index("ix_trade_client_order_id", "client_order_id"),
        Index("ix_trade_portfolio_id_time_ms", "portfolio_id", "time_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    account: Words
    symbol: Words
    # the exchange's own id, of the trade and of its order
    trade_id: Words
    exchange_id: Words
    client_order_id: Words
    side: str = named(Side)
    units: Whole
    quantity: Words
    price: Words
    # what it cost, in a coin, and what that was worth in quote then
    fee: Words
    fee_coin: Words
    fee_quote: Number
    is_maker: Whole = 0
    time_ms: Whole


class AccountState(SQLModel, table=True):
    """What is known of an account; wall times, 0 for never."""

    __tablename__ = "account_state"
    __table_args__ = {"sqlite_with_rowid": False}

    portfolio_id: int = reference("portfolio.id", primary_key=True)
    account: str = key(Text)
    # from then on changes are reconciled
    baseline_ms: Whole = 0
    # the last full pass, and whether it agreed
    reconciled_ms: Whole = 0
    differs: Whole = 0
    # nothing may be asked before: the exchange said so
    silent_until_ms: Whole = 0
    # orders sent so far, and whether a person has said that the first ones look right
    orders_sent: Whole = 0
    is_confirmed: Whole = 0
    # the share of the limit in use, and since when
    ramp: Number = 0.0
    ramp_since_ms: Whole = 0
    skew_ms: Whole = 0
    used_weight: Number = 0.0
    weight_limit: Number = 0.0
    message: MaybeWords = None


class AccountCoin(SQLModel, table=True):
    """One coin of an account: what was there before the fleet, what the books expect now, and what was found."""

    __tablename__ = "account_coin"
    __table_args__ = {"sqlite_with_rowid": False}

    portfolio_id: int = reference("portfolio.id", primary_key=True)
    account: str = key(Text)
    # a coin, or a symbol where positions are held
    coin: str = key(Text)
    baseline: Words
    # what a person or the exchange's ledger explained since then
    explained: Words = "0"
    expected: Words
    found: Words
    checked_ms: int = later()


class AccountFlow(SQLModel, table=True):
    """A deposit or withdrawal found in the exchange's own ledger."""

    __tablename__ = "account_flow"
    __table_args__ = (UniqueConstraint("portfolio_id", "account", "flow_id"),)

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    account: Words
    flow_id: Words
    coin: Words
    amount: Words
    time_ms: Whole
