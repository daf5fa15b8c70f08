"""Random candles, bands and settings from a seed, laid out as the kernel reads them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.enums import BarStatus
from shared.settings import Settings, load_settings
from shared.units import HOUR_MS, parse_time_ms
from worker.fleet.plan import FleetPlan, plan_fleet, planned_bots
from worker.market.protocol import Limits
from worker.step.bands import lay_bands
from worker.step.columns import Columns

START_MS = parse_time_ms("2026-01-01T05:00")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
# Prices on a grid this fine meet a level of a 1/16 stop exactly now and then.
TICK = 1.0 / 16.0
BANDS = ((1, 1), (-1, -1), (-1, 1), (-1, 0), (0, 1), (0, 0), (0.5, 0.5), (0.2, 1), (-0.6, -0.4), (np.nan, np.nan))
ODDS = (0.2, 0.2, 0.16, 0.08, 0.08, 0.08, 0.06, 0.05, 0.05, 0.04)

FLEET = (
    f"portfolio.symbols={list(SYMBOLS)}".replace("'", '"'),
    "strategies.mean_reversion.grid=[[20, 2.0], [50, 2.0]]",
    "strategies.breakout.grid=[[20], [60]]",
    "strategies.trend_following.grid=[[10, 50]]",
    'strategies.trend_following.timeframe="4h"',
)

# The first of each is the default; None leaves a setting out.
CHOICES: dict[str, tuple[Any, ...]] = {
    "broker.fee_rate": (0.001, 0.0, 0.0004),
    "broker.slippage": (0.0005, 0.0),
    "risk.stop": (0.08, 0.0625, 0.0),
    "risk.trail_activate": (0.03, 0.01, 0.0),
    "risk.trail_giveback": (0.4, 0.7),
    "risk.ladder": ([], [[0.02, 0.33], [0.04, 0.33], [0.06, 0.34]], [[0.0625, 0.5]]),
    "risk.brakes": (True, False),
    "risk.portfolio_drawdown": (0.2, 0.9, 0.04),
    "risk.daily_loss": (0.05, 0.01),
    "risk.sleeve_drawdown": (0.25, 0.9, 0.1),
    "risk.bot_drawdown": (0.3, 0.9, 0.1),
    "risk.confirm_bars": (2, 1, 3),
    "risk.volatility_sizing": (True, False),
    "risk.max_position": (1.0, 0.4),
    "risk.risk_per_trade": (0.01, 0.001),
    "risk.leverage": (1.0, 3.0),
    "risk.resize": (False, True),
    "risk.resize_band": (0.25, 0.05),
    "risk.edge_to_cost": (0.0, 2.0, 12.0),
    "risk.cooldown": (300.0, 0.0, 3600.0, 7200.0),
    "risk.max_portfolio_exposure": (None, None, 0.25),
    "risk.max_symbol_exposure": (None, None, 0.1),
    "risk.min_notional": (100.0, 20.0, 0.0),
    "risk.netting": (True, True, False),
    "allocation.policy": ("sharpe", "fixed", "equal", "score", "inverse_volatility"),
    "allocation.rebalance_every": (5, 1, 2),
    "allocation.rebalance_band": (0.1, 0.01),
    "allocation.bot_high": (None, 0.7),
    "allocation.sleeve_low": (None, 0.3),
    "allocation.sleeve_weights": (None, "{breakout = 3.0}"),
    "allocation.bot_weights": (None, "{br_btc_usdt_1h_p1 = 4.0}"),
}

# Borrowed many times over and protected by nothing: some bots lose more than they have.
WILD = (
    *("risk.stop=0.0", "risk.trail_activate=0.0", "risk.ladder=[]", "risk.brakes=false"),
    *("risk.leverage=9.0", "risk.max_position=9.0", "risk.risk_per_trade=9.0", "risk.volatility_sizing=true"),
    *("risk.volatility_low=5.0", "risk.volatility_high=5.0"),
)


# How orders are sent; what rests pays another fee.
STYLES = {
    "maker": ("broker.order=maker", "broker.maker_fee_rate=0.0002"),
    "maker, not apart": ("broker.order=maker", "risk.netting=false", "broker.slippage=0.0005"),
    "maker that lapses": ("broker.order=maker", "broker.maker_unfilled=lapse", "broker.maker_fee_rate=0.0"),
    "limit within reach": ("broker.order=limit", "broker.slippage=0.0005", "broker.limit_offset=0.0005"),
    "limit out of reach": ("broker.order=limit", "broker.slippage=0.0005", "broker.limit_offset=0.0004"),
}

# One sleeve trades elsewhere, at other fees.
TWO_ACCOUNTS = ("accounts={one = {}, two = {fee_rate = 0.0005}}", 'strategies.breakout.account="two"')


@dataclass(frozen=True, slots=True)
class Case:
    """A fleet with its settings, what the exchange takes, its columns, and what people ask to close after which bar."""

    settings: Settings
    plan: FleetPlan
    limits: dict[str, Limits]
    columns: Columns
    closes: dict[int, list[int]]


def random_case(seed: int, overrides: Sequence[str] = (), bars: int = 300) -> Case:
    """Make everything from the seed, but for what is overridden."""
    settings = random_settings(random.Random(seed), overrides)
    plan = plan_fleet(planned_bots(settings))
    numbers = np.random.default_rng(seed)
    columns = random_columns(numbers, settings, plan, bars)
    return Case(settings, plan, _limits(seed), columns, _closes(seed, len(plan.bots), bars))


def _closes(seed: int, bots: int, bars: int) -> dict[int, list[int]]:
    """Let somebody ask for a close after every twentieth bar, in two of three worlds."""
    choose = random.Random(~seed)
    asked = [bar for bar in range(bars) if seed % 3 and choose.random() < 0.05]
    return {bar: choose.sample(range(bots), k=min(3, bots)) for bar in asked}


def random_settings(choose: random.Random, overrides: Sequence[str]) -> Settings:
    """Choose every setting, the default half of the time."""
    chosen = list(FLEET)
    for name, values in CHOICES.items():
        value = values[0] if choose.random() < 0.5 else choose.choice(values)
        if value is not None:
            chosen.append(f"{name}={_toml(value)}")
    return load_settings(environment={}, overrides=[*chosen, *overrides])


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _limits(seed: int) -> dict[str, Limits]:
    coarse = Limits(quantity_step=0.1, min_quantity=0.3, min_notional=5.0)
    half = Limits(quantity_step=0.5, min_quantity=0.5, min_notional=80.0)
    return ({}, {}, {SYMBOLS[0]: coarse, SYMBOLS[1]: half})[seed % 3]


def random_columns(numbers: np.random.Generator, settings: Settings, plan: FleetPlan, bars: int) -> Columns:
    """Make the columns: gaps, missing and late bars, NaN bands, own stops and targets, funding every eight hours."""
    prices = [_market(numbers, bars) for _ in plan.markets]
    series = list(dict.fromkeys((key.symbol, key.own_ms) for key in plan.signals))
    closed = np.array([_closed(own_ms // settings.step_ms, bars) for _, own_ms in series], np.int8)
    rows = np.array([series.index((key.symbol, key.own_ms)) for key in plan.signals], np.int64)
    bands = np.array([_bands(numbers, closed[row]) for row in rows])
    atr = numbers.uniform(0.003, 0.04, (len(series), bars))
    atr[:, :2] = np.nan
    owns = _owns(numbers, len(plan.signals), bars)
    opens, highs, lows, closes, status = (np.array([market[n] for market in prices]) for n in range(5))
    open_ms = START_MS + settings.step_ms * np.arange(bars, dtype=np.int64)
    funding = np.where(open_ms % (8 * HOUR_MS) == 0, numbers.normal(0.0, 0.002, opens.shape), 0.0)
    low, high = np.ascontiguousarray(bands[:, :, 0]), np.ascontiguousarray(bands[:, :, 1])
    bars_of = (opens, highs, lows, closes, status.astype(np.int8))
    laid = lay_bands(low, high, atr, rows)
    rests = _rests(np.random.default_rng(bars), *bars_of[:4])
    return Columns(open_ms, *bars_of, funding, rows, atr, closed, laid, *owns, *rests)


def _rests(numbers: np.random.Generator, *prices: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give what a bar's first part did: a price within it at its end, and often not beyond the open."""
    open_, high, low, _ = prices
    close = low + np.round(numbers.random(open_.shape) * (high - low) / TICK) * TICK
    inner_low = np.where(numbers.random(open_.shape) < 0.5, np.minimum(open_, close), low)
    inner_high = np.where(numbers.random(open_.shape) < 0.5, np.maximum(open_, close), high)
    return inner_low, inner_high, close


def _closed(own_bars: int, bars: int) -> np.ndarray:
    return (np.arange(bars) % own_bars == own_bars - 1).astype(np.int8)


def _owns(numbers: np.random.Generator, signals: int, bars: int) -> np.ndarray:
    """Give stops and targets: most signals name none, the others at most bars."""
    owns = numbers.choice((0.01, 0.03, 0.0625, 0.08), (2, signals, bars))
    owns[:, 1::3] = 0.0
    owns[1, ::2] = 0.0
    owns[:, numbers.random((signals, bars)) < 0.3] = 0.0
    return owns


def _market(numbers: np.random.Generator, bars: int) -> tuple[np.ndarray, ...]:
    """Give open, high, low and close on the tick, and status; a missing bar is flat at the last close."""
    moves = np.clip(0.012 * numbers.standard_t(3, bars), -0.3, 0.3)
    close = 100.0 * np.exp(np.cumsum(moves))
    gaps = np.where(numbers.random(bars) < 0.15, numbers.normal(0.0, 0.03, bars), 0.0)
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(gaps)
    wicks = np.exp(np.abs(numbers.normal(0.0, 0.012, (2, bars))))
    high, low = np.maximum(open_, close) * wicks[0], np.minimum(open_, close) / wicks[1]
    prices = np.array([np.maximum(np.round(column / TICK), 1.0) * TICK for column in (open_, high, low, close)])
    status = _status(numbers, bars)
    last = 0.0
    for bar in range(bars):
        if status[bar] == BarStatus.MISSING:
            prices[:, bar] = last
        last = prices[3, bar]
    return *prices, status


def _status(numbers: np.random.Generator, bars: int) -> np.ndarray:
    kinds = [BarStatus.FRESH, BarStatus.MISSING, BarStatus.LATE, BarStatus.REPAIRED]
    status = numbers.choice([kind.value for kind in kinds], bars, p=(0.93, 0.05, 0.01, 0.01)).astype(np.int8)
    status[: numbers.integers(0, 4)] = BarStatus.MISSING.value
    return status


def _bands(numbers: np.random.Generator, closed: np.ndarray) -> np.ndarray:
    """Hold a random band for a random while; it changes only where an own bar closed."""
    bands, band = np.full((len(closed), 2), np.nan), BANDS[-1]
    for bar in range(len(closed)):
        if closed[bar] and numbers.random() < 0.3:
            band = BANDS[numbers.choice(len(BANDS), p=ODDS)]
        bands[bar] = band
    return bands
