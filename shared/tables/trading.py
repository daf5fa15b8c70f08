"""What was sent, what was executed, and what a step decided."""

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from shared.enums import Leg, OrderStatus, OrderStyle, Purpose, Reason, Side, Trigger
from shared.tables.columns import (
    MaybeNumber,
    MaybeWhole,
    MaybeWords,
    Number,
    RowId,
    Whole,
    Words,
    key,
    later,
    later_named,
    maybe_reference,
    named,
    reference,
)

# Written out where it is asked for, too: SQLite uses a partial index only where the query says the same words.
ORDER_IS_OPEN = "status IN ('INTENT', 'SUBMITTED', 'OPEN', 'PARTLY_FILLED', 'UNKNOWN')"


class Order(SQLModel, table=True):
    """One order to one account: the intent, committed before it is sent, and then its result."""

    __tablename__ = "order"
    __table_args__ = (
        Index("ix_order_open", "portfolio_id", sqlite_where=text(ORDER_IS_OPEN), postgresql_where=text(ORDER_IS_OPEN)),
        Index("ix_order_portfolio_id_decided_ms", "portfolio_id", "decided_ms"),
        Index("ix_order_symbol_decided_ms", "symbol", "decided_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    client_order_id: str = Field(sa_type=Text, unique=True)
    account: Words
    symbol: Words
    side: str = named(Side)
    # as ordered, positive: whole units of the asset, and the same in base units
    units: Whole
    quantity: Number
    filled_units: Whole = 0
    filled_quantity: Number = 0.0
    # average of what was filled
    price: MaybeNumber = None
    fee: Number = 0.0
    status: str = named(OrderStatus)
    trigger: str = named(Trigger)
    purpose: str = Field(
        default=Purpose.NET.name, sa_type=Text, sa_column_kwargs={"info": {"enum": Purpose}, "server_default": "NET"}
    )
    # the how manieth for what one decision wants: the next is of what the one before left, once that is over
    attempt: int = later()
    # how it asks to be filled, until when it may rest (wall time, 0 for not at all) and at which price
    style: str = later_named(OrderStyle.MARKET)
    rests_until_ms: int = later()
    limit_price: MaybeNumber = None
    # whether a bot holds more by it; the number of the lease it was decided under
    increases: int = later()
    fencing: int = later()
    step: Whole
    decided_ms: Whole
    # on an exchange: the best price it could have had when it left, the ask of a buy; before that, and where none could
    # be read, the price it was decided at
    reference_price: MaybeNumber = None
    sent_ms: MaybeWhole = None
    # while nothing is known of it: how often it was looked up, and when it is the next time (wall)
    looks: int = later()
    look_ms: int = later()
    done_ms: MaybeWhole = None
    exchange_id: MaybeWords = None
    # why it was rejected, cancelled or is unknown
    reason: MaybeWords = None


class Fill(SQLModel, table=True):
    """One bot's leg of an execution or of an in-house cross; append-only."""

    __tablename__ = "fill"
    __table_args__ = (
        Index("ix_fill_portfolio_id_time_ms", "portfolio_id", "time_ms"),
        Index("ix_fill_bot_id_time_ms", "bot_id", "time_ms"),
        Index("ix_fill_sleeve_id_time_ms", "sleeve_id", "time_ms"),
        Index("ix_fill_symbol_time_ms", "symbol", "time_ms"),
        Index("ix_fill_client_order_id", "client_order_id"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    sleeve_id: int = reference("sleeve.id")
    bot_id: int = reference("bot.id")
    symbol: Words
    time_ms: Whole
    step: Whole
    # of its order; none where it crossed in house entirely or the broker fills without orders
    client_order_id: MaybeWords = None
    leg: str = named(Leg)
    trigger: str = named(Trigger)
    # signed: + bought, − sold; whole units of the asset, and the same in base units
    units: Whole
    quantity: Number
    price: Number
    fee: Number
    fee_currency: Words
    # the part of the quantity that crossed in house, and what that saved in quote
    crossed_units: Whole = 0
    crossed: Number = 0.0
    saved: Number = 0.0
    # the extremes of price that the position has seen, for the excursions of its round trip
    best_price: Number
    worst_price: Number
    exchange_trade_id: MaybeWords = None
    settings_version_id: int | None = maybe_reference("settings_version.id")


class Decision(SQLModel, table=True):
    """A finished stretch of steps in which a bot's band, confirmed exposure and reason did not change."""

    __tablename__ = "decision"
    __table_args__ = {"sqlite_with_rowid": False}

    bot_id: int = reference("bot.id", primary_key=True)
    from_ms: int = key()
    from_step: int = key()
    to_ms: Whole
    to_step: Whole
    low: MaybeNumber = None
    high: MaybeNumber = None
    confirmed: Number
    reason: str = named(Reason)
    # steps of the stretch in which an order was made
    ordered: Whole
    # the deciding row's measured value and limit, at the first and at the last step
    first_value: MaybeNumber = None
    first_limit: MaybeNumber = None
    last_value: MaybeNumber = None
    last_limit: MaybeNumber = None


class ReasonTotal(SQLModel, table=True):
    """What a bot's finished stretches sum to by reason, so that years of them need not be counted."""

    __tablename__ = "reason_total"
    __table_args__ = {"sqlite_with_rowid": False}

    bot_id: int = reference("bot.id", primary_key=True)
    reason: str = named(Reason, primary_key=True)
    steps: Whole
    ordered: Whole


class OpenDecision(SQLModel, table=True):
    """The stretch each bot is in: one row per bot, so that a step rewrites few pages however long the history is."""

    __tablename__ = "open_decision"

    bot_id: int = reference("bot.id", primary_key=True)
    from_ms: Whole
    from_step: Whole
    to_ms: Whole
    to_step: Whole
    low: MaybeNumber = None
    high: MaybeNumber = None
    confirmed: Number
    reason: str = named(Reason)
    ordered: Whole
    first_value: MaybeNumber = None
    first_limit: MaybeNumber = None
    last_value: MaybeNumber = None
    last_limit: MaybeNumber = None
