"""The settings of the step, as it reads them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Rules:
    """The settings of the step; fixed while it runs. Switched off: stop 0, trail_activate 0, caps inf."""

    slippage: float
    step_ms: int
    netting: int
    # how orders by signal fill (`OrderStyle`); where `entries_lapse` is 1, an entry that did not is dropped
    order_style: int
    limit_offset: float
    entries_lapse: int
    # protective exits: asked for where 1, else filled by the model
    asks_exits: int
    stop: float
    trail_activate: float
    trail_giveback: float
    # brakes
    brakes: int
    portfolio_drawdown: float
    daily_loss: float
    sleeve_drawdown: float
    bot_drawdown: float
    warn_at: float
    # allocation
    policy: int
    rebalance_every: int
    rebalance_band: float
    # the least money that moves, a power of two
    grain: float
    bot_low: float
    bot_low_most: float
    bot_high: float
    sleeve_low: float
    sleeve_low_most: float
    sleeve_high: float
    memory: float
    steps_per_year_root: float
    # confirmation and sizing
    confirm_bars: int
    volatility_sizing: int
    volatility_target: float
    volatility_low: float
    volatility_high: float
    max_position: float
    risk_per_trade: float
    leverage: float
    resize: int
    resize_band: float
    # gate
    edge_to_cost: float
    cooldown_ms: int
    max_portfolio_exposure: float
    max_symbol_exposure: float
    min_notional: float
