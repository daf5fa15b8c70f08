"""The prices of the simulated market: a pure function of (seed, symbol, time).

log price = level + beta × market factor + own factor. Every factor is made on three scales, each from random numbers
named by (seed, stream, block), so that nothing has to be walked from the beginning:

- **Eras** of 4,096 days start at independent draws from the factor's long-run distribution.
- **Days** within an era: a mean-reverting walk whose volatility follows a slow mean-reverting log volatility times the
  regime in force (calm, rising, falling, storm; the market's, shared by all), bent to meet the next era.
- **Base bars** within a day: fat-tailed shocks under a volatility that moves by the half hour and with the hour of the
  day, bent so that the day ends where the walk of days says.

High and low are drawn from the law of the extremes of a Brownian bridge from open to close. The base bar is one minute,
or the timeframe itself where that is no multiple of a minute: all timeframes of whole minutes are exact aggregations of
the same minutes, and all timeframes whatsoever agree at 00:00 UTC.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from shared.units import DAY_MS, MINUTE_MS
from worker.market.noise import mean_reverting, normals, stream_key, uniforms
from worker.strategies.bars import Bars

ERA_DAYS = 4096
LEVEL_DECAY = 0.5 ** (1 / 120)
MARKET_DAY_VOLATILITY = 0.022

# The slow volatility: standard deviation and half-life in days of its logarithm.
SLOW_SPREAD = 0.25
SLOW_DECAY = 0.5 ** (1 / 5)

# The fast one, on half-hour knots.
KNOTS = 48
FAST_SPREAD = 0.35
FAST_DECAY = 0.85

# Tukey's h: z × exp(h z² / 2) is normal in the middle and has heavy tails.
TAIL = 0.08
TAIL_SCALE = (1.0 - 2.0 * TAIL) ** 0.75

# Regimes: chance, multiple of volatility, drift of the log price per day.
REGIMES = np.array([(0.40, 0.60, 0.0), (0.25, 0.85, 0.003), (0.25, 1.20, -0.003), (0.10, 1.90, 0.0)])
REGIME_DAYS = 20

# A Brownian path covers this many of its standard deviations from low to high on average.
MEAN_RANGE = 1.6


@dataclass(frozen=True)
class Coin:
    """What a symbol is like: quote per base, pull of the market, own volatility per day, base units traded per day."""

    price: float
    beta: float
    day_volatility: float
    day_volume: float

    @property
    def decimals(self) -> int:
        """Give the decimals of its prices: six significant digits."""
        return max(0, 5 - int(np.floor(np.log10(self.price))))

    def rounded(self, price: np.ndarray) -> np.ndarray:
        """Round to the tick and keep at least one, so that a price is positive."""
        return np.maximum(np.round(price, self.decimals), 10.0**-self.decimals)


KNOWN_COINS = {
    "BTC": Coin(65_000.0, 1.0, 0.013, 25_000.0),
    "ETH": Coin(3_400.0, 1.25, 0.020, 400_000.0),
    "SOL": Coin(160.0, 1.40, 0.028, 4_000_000.0),
}


def coin_of(symbol: str) -> Coin:
    """Give what a symbol is like: known for the largest coins, drawn from its name for every other.

    In the money of a known coin it has the price that both have in dollars.
    """
    base, _, quote = symbol.partition(":")[0].partition("/")
    coin = KNOWN_COINS.get(base) or _drawn_coin(base)
    return replace(coin, price=coin.price / KNOWN_COINS[quote].price) if quote in KNOWN_COINS else coin


def _drawn_coin(base: str) -> Coin:
    level, pull, own, traded = uniforms(stream_key("coin", base), 0, 4).tolist()
    price = float(f"{10 ** (5 * level - 2):.3g}")
    return Coin(price, 0.9 + 0.6 * pull, 0.015 + 0.015 * own, 10 ** (7 + traded) / price)


class Era(NamedTuple):
    """One factor over 4,096 days: its level at each 00:00 (one more than days) and its volatility of each day."""

    level: np.ndarray
    day_volatility: np.ndarray


class DayPath(NamedTuple):
    """One factor within a day: its level at the border of each base bar (one more than bars), variance of each bar."""

    level: np.ndarray
    variance: np.ndarray


class PriceModel:
    """Candles of one timeframe for any symbol and day. What it keeps is bounded and never changes a result."""

    def __init__(self, seed: int, bar_ms: int) -> None:
        self.bar_ms = bar_ms
        self._seed = seed
        self._base_ms = bar_ms if bar_ms % MINUTE_MS else MINUTE_MS
        self._base_bars = DAY_MS // self._base_ms
        self._diurnal = _diurnal_variance(self._base_bars)
        self._knots_at = np.linspace(0.0, 1.0, KNOTS + 1)
        self._bars_at = (np.arange(self._base_bars) + 0.5) / self._base_bars
        self.day_bars = lru_cache(max(64, 2**19 * self._base_ms // DAY_MS))(self._make_day_bars)
        self._market_day = lru_cache(max(4, 2**20 // self._base_bars))(self._make_market_day)
        self._regimes = lru_cache(4)(self._make_regimes)
        self._era = lru_cache(256)(self._make_era)

    def _make_day_bars(self, symbol: str, day: int) -> Bars:
        coin = coin_of(symbol)
        market, own = self._market_day(day), self._make_day(symbol, coin.day_volatility, day)
        level = np.log(coin.price) + coin.beta * market.level + own.level
        variance = coin.beta**2 * market.variance + own.variance
        low, high, chance = self._extremes(symbol, day, level, variance)
        price, high_price, low_price = (coin.rounded(np.exp(logarithm)) for logarithm in (level, high, low))
        usual_range = MEAN_RANGE * np.sqrt((coin.beta * MARKET_DAY_VOLATILITY) ** 2 + coin.day_volatility**2)
        activity = (high - low) / (usual_range / np.sqrt(self._base_bars))
        volume = np.round(coin.day_volume / self._base_bars * activity * (0.25 + 1.5 * chance), 5)
        parts = (-1, self.bar_ms // self._base_ms)
        return Bars(
            day * DAY_MS + np.arange(0, DAY_MS, self.bar_ms),
            price[:-1].reshape(parts)[:, 0].copy(),
            high_price.reshape(parts).max(axis=1),
            low_price.reshape(parts).min(axis=1),
            price[1:].reshape(parts)[:, -1].copy(),
            volume.reshape(parts).sum(axis=1),
        )

    def _extremes(self, symbol: str, day: int, level: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, ...]:
        draws = uniforms(stream_key(self._seed, symbol, "extremes", self._base_ms), day, 3 * self._base_bars)
        for_high, for_low, chance = draws.reshape(3, -1)
        start, end = level[:-1], level[1:]
        middle, squared = 0.5 * (start + end), (end - start) ** 2
        high = middle + 0.5 * np.sqrt(squared - 2.0 * variance * np.log(for_high))
        low = middle - 0.5 * np.sqrt(squared - 2.0 * variance * np.log(for_low))
        return low, high, chance

    def _make_market_day(self, day: int) -> DayPath:
        return self._make_day("market", MARKET_DAY_VOLATILITY, day)

    def _make_day(self, stream: str, volatility: float, day: int) -> DayPath:
        era, place = self._era(stream, volatility, day // ERA_DAYS), day % ERA_DAYS
        start, end, spread = era.level[place], era.level[place + 1], era.day_volatility[place]
        share = self._diurnal * np.exp(2.0 * self._fast_volatility(stream, day))
        share /= share.sum()
        key = stream_key(self._seed, stream, "shocks", self._base_ms)
        shocks = normals(key, day, self._base_bars + self._base_bars % 2)[: self._base_bars]
        steps = np.sqrt(share) * (TAIL_SCALE * spread) * shocks * np.exp(0.5 * TAIL * shocks * shocks)
        level = np.empty(self._base_bars + 1)
        level[0] = start
        walk = np.cumsum(steps)
        level[1:] = start + walk + np.cumsum(share) * (end - start - walk[-1])
        level[-1] = end
        return DayPath(level, spread**2 * share)

    def _fast_volatility(self, stream: str, day: int) -> np.ndarray:
        key = stream_key(self._seed, stream, "fast")
        draws, next_draws = normals(key, day, KNOTS + 2), normals(key, day + 1, KNOTS + 2)
        shocks = FAST_SPREAD * np.sqrt(1.0 - FAST_DECAY**2) * draws[1 : KNOTS + 1]
        knots = mean_reverting(FAST_SPREAD * draws[0], shocks.tolist(), FAST_SPREAD * next_draws[0], FAST_DECAY)
        return np.interp(self._bars_at, self._knots_at, knots)

    def _make_era(self, stream: str, volatility: float, era: int) -> Era:
        key = stream_key(self._seed, stream, "slow")
        slow, slow_end = normals(key, era, ERA_DAYS + 2), normals(key, era + 1, ERA_DAYS + 2)[0]
        slow_shocks = SLOW_SPREAD * np.sqrt(1.0 - SLOW_DECAY**2) * slow[1 : ERA_DAYS + 1]
        log_volatility = mean_reverting(SLOW_SPREAD * slow[0], slow_shocks.tolist(), SLOW_SPREAD * slow_end, SLOW_DECAY)
        multiple, drift = self._regimes(era)
        day_volatility = volatility * multiple * np.exp(log_volatility[:-1] - SLOW_SPREAD**2)
        key = stream_key(self._seed, stream, "level")
        draws, end = normals(key, era, ERA_DAYS + 2), normals(key, era + 1, ERA_DAYS + 2)[0]
        shocks = day_volatility * draws[1 : ERA_DAYS + 1] + (drift if stream == "market" else 0.0)
        long_run = volatility / np.sqrt(1.0 - LEVEL_DECAY**2)
        return Era(mean_reverting(long_run * draws[0], shocks.tolist(), long_run * end, LEVEL_DECAY), day_volatility)

    def _make_regimes(self, era: int) -> tuple[np.ndarray, np.ndarray]:
        switches, kinds = uniforms(stream_key(self._seed, "regimes"), era, 2 * ERA_DAYS).reshape(2, -1)
        begins = switches < 1.0 / REGIME_DAYS
        begins[0] = True
        last_begin = np.maximum.accumulate(np.where(begins, np.arange(ERA_DAYS), 0))
        chosen = np.searchsorted(np.cumsum(REGIMES[:, 0])[:-1], kinds[last_begin])
        return REGIMES[chosen, 1], REGIMES[chosen, 2]


def _diurnal_variance(bars: int) -> np.ndarray:
    # The busiest hours lie around 15:00 UTC, when Europe and America both trade; the quietest around 03:00.
    hour = 24.0 * (np.arange(bars) + 0.5) / bars
    return 1.0 + 0.5 * np.cos((hour - 15.0) * (2.0 * np.pi / 24.0))
