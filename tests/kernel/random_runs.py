"""Random markets, signals and fleets from a seed: gaps, missing bars, NaN bands, own stops and longer timeframes."""

import math
from dataclasses import dataclass, replace

import numpy as np

from shared.enums import BarStatus, Level
from shared.settings import Settings, load_settings
from shared.units import HOUR_MS
from tests.kernel.tables import START_MS, a_market
from worker.fleet.plan import make_rules
from worker.step.bands import lay_bands
from worker.step.columns import Columns
from worker.step.fleet import make_fleet
from worker.step.records import Bot, Fleet, Rung
from worker.step.rules import Rules
from worker.step.scopes import Portfolio, Sleeve

MARKETS = 3
LONGER_BARS = 4
BANDS = ((1, 1), (-1, -1), (-1, 1), (-1, 0), (0, 1), (0, 0), (0.5, 0.5), (0.2, 1), (-0.6, -0.4), (np.nan, np.nan))
ODDS = (0.2, 0.2, 0.16, 0.08, 0.08, 0.08, 0.06, 0.05, 0.05, 0.04)


@dataclass(frozen=True, slots=True)
class Case:
    """What one random run is made from: `bots` over markets and sleeves in turn, the first `halted` of them stopped.

    Before the bars in `closes`, a person asks for every position to be closed. The first `unresolved` bots have an
    order that is not known to be anything, and the first `differing` markets another quantity than the exchange.
    """

    seed: int
    rules: Rules
    bots: int = 6
    sleeves: int = 2
    markets: int = MARKETS
    bars: int = 80
    ladder: tuple[tuple[float, float], ...] = ()
    volatility: float = 0.015
    quantity_step: float = 1e-8
    min_notional: float = 5.0
    reserve: float = 0.0
    halted: int = 0
    closes: tuple[int, ...] = ()
    unresolved: int = 0
    differing: int = 0
    account_room: float = math.inf
    account_most: float = math.inf


def calm_rules(**changes: float) -> Rules:
    """Give the rules of the `calm` profile on hourly bars, with changes."""
    return replace(make_rules(load_settings()), **changes)


def legacy_rules(**changes: float) -> Rules:
    """Give the rules of the `legacy` profile, with changes."""
    return replace(make_rules(load_settings(profile="legacy")), **changes)


def random_fleet(case: Case) -> Fleet:
    """Build a fresh fleet in plain form."""
    bots = [_bot(k, case) for k in range(case.bots)]
    sleeves = []
    for s in range(case.sleeves):
        money = sum(bot.cash for bot in bots if bot.sleeve == s)
        sleeves.append(Sleeve(fixed_weight=1.0 + s, equity=money, settled_equity=money, high_water=money))
    money = sum(bot.cash for bot in bots) + case.reserve
    portfolio = Portfolio(
        cash=case.reserve, equity=money, settled_equity=money, high_water=money, day_start_equity=money
    )
    step = case.quantity_step
    fee_rate = Settings().broker.fee_rate
    limits = {"fee_rate": fee_rate, "quantity_step": step, "min_quantity": step, "min_notional": case.min_notional}
    markets = [a_market(**limits) for _ in range(MARKETS)]
    for m, market in enumerate(markets):
        market.differs = 1 if m < case.differing else 0
        market.account_room = case.account_room
    ladder = [Rung(profit, fraction) for profit, fraction in case.ladder]
    fleet = make_fleet(case.rules, portfolio, sleeves, bots, markets, case.bots, ladder)
    fleet.accounts[0].most = case.account_most
    return fleet


def _bot(k: int, case: Case) -> Bot:
    money = 1000.0 + 100.0 * (k % 3)
    return Bot(
        sleeve=k % case.sleeves,
        market=k % case.markets,
        signal=k,
        fixed_weight=1.0 + k % 4,
        horizon_root=(10.0 + 5 * k) ** 0.5,
        volatility_scale=24.0**0.5,
        cash=money,
        money_in=money,
        equity=money,
        settled_equity=money,
        high_water=money,
        allocation=money,
        unresolved=1 if k < case.unresolved else 0,
        reserved=70.0 + k if k < case.unresolved else 0.0,
        level_person=Level.HALTED.value if k < case.halted else Level.RUNNING.value,
    )


def random_columns(case: Case) -> Columns:
    """Make the columns of a run; every third bot is on a longer timeframe, every second gives its own exits."""
    random = np.random.default_rng(case.seed)
    prices = [_prices(random, case) for _ in range(MARKETS)]
    statuses = [_status(random, case.bars) for _ in range(MARKETS)]
    for columns, status in zip(prices, statuses, strict=True):
        _carry(columns, status)
    open_ms = START_MS + case.rules.step_ms * np.arange(case.bars, dtype=np.int64)
    whole = (np.arange(case.bars) % LONGER_BARS == LONGER_BARS - 1).astype(np.int8)
    closed = np.array([np.ones(case.bars, np.int8)] * MARKETS + [whole] * MARKETS)
    atr = random.uniform(0.003, 0.04, (2 * MARKETS, case.bars))
    atr[:, :2] = np.nan
    series = np.array([k % case.markets + (MARKETS if k % 3 == 2 else 0) for k in range(case.bots)], np.int64)
    bands = np.array([_bands(random, closed[series[k]]) for k in range(case.bots)])
    owns = random.uniform(0.01, 0.08, (2, case.bots, case.bars))
    owns[:, ::2] = 0.0
    owns[:, random.random((case.bots, case.bars)) < 0.3] = 0.0
    funding = np.where(open_ms % (8 * HOUR_MS) == 0, random.normal(0.0, 0.002, (MARKETS, case.bars)), 0.0)
    lows, highs = np.ascontiguousarray(bands[:, :, 0]), np.ascontiguousarray(bands[:, :, 1])
    opens, tops, bottoms, closes = (np.array([columns[n] for columns in prices]) for n in range(4))
    bars = (opens, tops, bottoms, closes, np.array(statuses), funding)
    return Columns(open_ms, *bars, series, atr, closed, lay_bands(lows, highs, atr, series), owns[0], owns[1])


def _prices(random: np.random.Generator, case: Case) -> np.ndarray:
    moves = case.volatility * random.standard_t(3, case.bars)
    close = 100.0 * np.exp(np.cumsum(np.clip(moves, -0.3, 0.3)))
    gaps = np.where(random.random(case.bars) < 0.15, random.normal(0.0, 0.03, case.bars), 0.0)
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(gaps)
    wicks = np.abs(random.normal(0.0, case.volatility, (2, case.bars)))
    high = np.maximum(open_, close) * np.exp(wicks[0])
    low = np.minimum(open_, close) * np.exp(-wicks[1])
    return np.array([open_, high, low, close])


def _status(random: np.random.Generator, bars: int) -> np.ndarray:
    kinds = [BarStatus.FRESH, BarStatus.MISSING, BarStatus.LATE, BarStatus.REPAIRED]
    status = random.choice([kind.value for kind in kinds], bars, p=(0.93, 0.05, 0.01, 0.01)).astype(np.int8)
    status[: random.integers(0, 4)] = BarStatus.MISSING.value
    return status


def _carry(columns: np.ndarray, status: np.ndarray) -> None:
    """Carry the last close through missing bars; before the first bar there is no price."""
    last = 0.0
    for t, kind in enumerate(status):
        if kind == BarStatus.MISSING:
            columns[:, t] = last
        last = columns[3, t]


def _bands(random: np.random.Generator, closed: np.ndarray) -> np.ndarray:
    """Hold a random band for a random while; it changes only where an own bar closed."""
    bands = np.full((len(closed), 2), np.nan)
    band = (np.nan, np.nan)
    for t in range(2, len(closed)):
        if closed[t] == 1 and random.random() < 0.35:
            band = BANDS[random.choice(len(BANDS), p=ODDS)]
        bands[t] = band
    return bands
