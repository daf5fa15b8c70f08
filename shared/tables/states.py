"""Everything a restart needs: one row per scope, rewritten at each step.

The columns are the fields of the step's records (`worker/step/records.py`), by name; a test holds the two together.
"""

from sqlalchemy import Text
from sqlmodel import SQLModel

from shared.enums import BarStatus, Level, Reason, Trigger
from shared.tables.columns import MaybeNumber, Number, Whole, key, later, later_named, later_number, named, reference


class _Levels(SQLModel):
    level_person: str = named(Level)
    level_drawdown: str = named(Level)
    level_daily_loss: str = named(Level)
    level_crashes: str = named(Level)
    level_reconciliation: str = named(Level)
    level_bankrupt: str = named(Level)
    level_runaway: str = later_named(Level.RUNNING)
    level_first_orders: str = later_named(Level.RUNNING)
    level: str = named(Level)


class PortfolioState(_Levels, table=True):
    """The portfolio after its last step; `time_ms` is the open time of that bar."""

    __tablename__ = "portfolio_state"

    portfolio_id: int = reference("portfolio.id", primary_key=True)
    step: Whole
    time_ms: Whole
    # 1 where the exits of its bar have left and the rest of the step is still to come
    begun: int = later()
    cash: Number
    equity: Number
    settled_equity: Number
    high_water: Number
    day: Whole
    day_start_equity: Number
    warned_drawdown: Whole
    warned_daily_loss: Whole
    rebalanced: Whole
    gross_exposure: Number
    saved_quote: Number


class SleeveState(_Levels, table=True):
    """A sleeve after its last step."""

    __tablename__ = "sleeve_state"

    sleeve_id: int = reference("sleeve.id", primary_key=True)
    weight: Number
    equity: Number
    settled_equity: Number
    high_water: Number
    warned_drawdown: Whole
    return_mean: Number
    return_variance: Number
    steps_seen: Whole
    score: Number


class BotState(_Levels, table=True):
    """A bot after its last step: money, position, protection, confirmation, the order it waits for, its decision."""

    __tablename__ = "bot_state"

    bot_id: int = reference("bot.id", primary_key=True)
    failed: Whole
    cash: Number
    # what is counted is in whole units of the asset, signed; `quantity` is the same in base units
    units: Whole
    quantity: Number
    entry_price: Number
    opened_units: Whole
    opened_ms: Whole
    best_price: Number
    worst_price: Number
    last_fill_ms: Whole
    money_in: Number
    fees_paid: Number
    funding_paid: Number
    stop_fraction: Number
    target_fraction: Number
    exit_level: Number
    is_trailed: Whole
    rungs_fired: Whole
    open_fraction: Number
    lock_sign: Whole
    equity: Number
    settled_equity: Number
    high_water: Number
    warned_drawdown: Whole
    allocation: Number
    weight: Number
    return_mean: Number
    return_variance: Number
    steps_seen: Whole
    score: Number
    profit_since_rebalance: Number
    confirmed: Number
    streak_sign: Whole
    streak_bars: Whole
    unconfirmed: Whole
    sized_exposure: Number
    target_units: Whole
    order_units: Whole
    crossed_units: Whole
    order_trigger: str = named(Trigger)
    order_stop: Number
    order_target: Number
    # a protective exit that is under way, and what is not known of its other orders
    exit_units: int = later()
    exit_trigger: str = later_named(Trigger.SIGNAL)
    exit_price: float = later_number()
    unresolved: int = later()
    reserved: float = later_number()
    low: MaybeNumber = None
    high: MaybeNumber = None
    reason: str = named(Reason)
    reason_value: MaybeNumber = None
    reason_limit: MaybeNumber = None
    ordered: Whole
    new_allocation: Number
    flow: Number


class MarketState(SQLModel, table=True):
    """A symbol on an account after the last step: its rules, its last bar, the order that waits for the next open."""

    __tablename__ = "market_state"

    portfolio_id: int = reference("portfolio.id", primary_key=True)
    account: str = key(Text)
    symbol: str = key(Text)
    # the asset's smallest unit: one of the two is 1
    coins_per_unit: Number
    units_per_coin: Number
    step_units: Whole
    min_units: Whole
    min_notional: Number
    # 1 where the exchange holds another quantity than the books
    differs: int = later()
    open: Number
    high: Number
    low: Number
    close: Number
    # the close of the last bar there was: the market time of that price
    price_ms: int = later()
    status: str = named(BarStatus)
    funding_rate: Number
    order_units: Whole
