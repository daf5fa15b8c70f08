"""The records of the scopes above a bot: the portfolio and its sleeves, each with a level per cause."""

from dataclasses import dataclass


@dataclass(slots=True)
class Levels:
    """The level each cause holds a scope at, and the one that rules it (scopes above included)."""

    level_person: int = 0
    level_drawdown: int = 0
    level_daily_loss: int = 0
    level_crashes: int = 0
    level_reconciliation: int = 0
    level_bankrupt: int = 0
    level_runaway: int = 0
    level_first_orders: int = 0
    level: int = 0


@dataclass(slots=True)
class Portfolio(Levels):
    """The whole fleet. `cash` is money no bot holds; `settled_equity` is equity after the flows of the last step."""

    step: int = 0
    time_ms: int = 0
    # 1 between the exits of a bar, where they are asked for, and the rest of its step
    begun: int = 0
    cash: float = 0.0
    equity: float = 0.0
    settled_equity: float = 0.0
    high_water: float = 0.0
    day: int = -1
    day_start_equity: float = 0.0
    warned_drawdown: int = 0
    warned_daily_loss: int = 0
    rebalanced: int = 0
    gross_exposure: float = 0.0
    # with the entries this step has decided so far, for the caps
    planned_exposure: float = 0.0
    # of its bots, taken at the start of a step
    reserved: float = 0.0
    saved_quote: float = 0.0


@dataclass(slots=True)
class Sleeve(Levels):
    """All bots of one strategy. `weight` is its share at the last rebalance; `fixed_weight` comes from the settings."""

    fixed_weight: float = 1.0
    weight: float = 0.0
    equity: float = 0.0
    settled_equity: float = 0.0
    high_water: float = 0.0
    warned_drawdown: int = 0
    return_mean: float = 0.0
    return_variance: float = 0.0
    steps_seen: int = 0
    score: float = 0.0
    # bots that share its money
    bots: int = 0
