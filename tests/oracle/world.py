"""What a run is given: the rules, the markets with their bars, the signals with their bands, the bots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.enums import Policy
from shared.settings import Settings
from tests.oracle.quantities import Measure


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings a step reads, by the names of the contract."""

    step_ms: int
    slippage: float
    order: str
    limit_offset: float
    maker_unfilled: str
    netting: bool
    stop: float
    trail_activate: float
    trail_giveback: float
    ladder: tuple[tuple[float, float], ...]
    brakes: bool
    portfolio_drawdown: float
    daily_loss: float
    sleeve_drawdown: float
    bot_drawdown: float
    policy: Policy
    rebalance_every: int
    rebalance_band: float
    bot_low: float | None
    bot_high: float | None
    sleeve_low: float | None
    sleeve_high: float | None
    confirm_bars: int
    volatility_sizing: bool
    volatility_target: float
    volatility_low: float
    volatility_high: float
    max_position: float
    risk_per_trade: float
    leverage: float
    resize: bool
    resize_band: float
    edge_to_cost: float
    cooldown_ms: int
    max_portfolio_exposure: float | None
    max_symbol_exposure: float | None
    min_notional: float


SAME_NAME = {
    "broker": ("slippage", "order", "limit_offset", "maker_unfilled"),
    "risk": (
        *("stop", "trail_activate", "trail_giveback", "ladder", "brakes", "portfolio_drawdown", "daily_loss"),
        *("sleeve_drawdown", "bot_drawdown", "confirm_bars", "volatility_sizing", "volatility_target"),
        *("volatility_low", "volatility_high", "max_position", "risk_per_trade", "leverage", "resize", "resize_band"),
        *("edge_to_cost", "max_portfolio_exposure", "max_symbol_exposure", "min_notional", "netting"),
    ),
    "allocation": ("rebalance_every", "rebalance_band", "bot_low", "bot_high", "sleeve_low", "sleeve_high"),
}


def rules_of(settings: Settings) -> Rules:
    """Read the rules out of settings."""
    values = {name: getattr(getattr(settings, section), name) for section, names in SAME_NAME.items() for name in names}
    return Rules(
        step_ms=settings.step_ms,
        policy=Policy[settings.allocation.policy.upper()],
        cooldown_ms=round(settings.risk.cooldown * 1000),
        **values,
    )


@dataclass(frozen=True, slots=True)
class Market:
    """One symbol on an account: how it counts, the least taken of an order in quote, fees, and a value per bar."""

    symbol: str
    account: str
    measure: Measure
    exchange_minimum: float
    fee_rate: float
    maker_fee_rate: float
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    status: list[int]
    funding_rate: list[float]
    # of the time in which an order may rest: its extremes, and the price when it is over
    patience_low: list[float]
    patience_high: list[float]
    patience_close: list[float]


@dataclass(frozen=True, slots=True)
class Signal:
    """What one strategy says at each bar's close; `own_ms` is the length of its own bars."""

    own_ms: int
    low: list[float]
    high: list[float]
    stop: list[float]
    target: list[float]
    atr_fraction: list[float]
    closed: list[int]


@dataclass(frozen=True, slots=True)
class BotWorld:
    """One bot as the settings describe it; places are those in the world's lists."""

    name: str
    sleeve: int
    market: int
    signal: int
    horizon_bars: int
    fixed_weight: float
    capital: float


@dataclass(frozen=True, slots=True)
class World:
    """Everything a run is given. `grain` is the smallest money that is moved between bots.

    `closes` are the bots whose position a person asks to close after the bar of that number.
    """

    rules: Rules
    open_ms: list[int]
    markets: list[Market]
    signals: list[Signal]
    sleeve_weights: list[float]
    bots: list[BotWorld]
    grain: float
    closes: Mapping[int, Sequence[int]] = field(default_factory=dict)
