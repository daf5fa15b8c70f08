"""Candles from memory behind the protocol of a market, shown as far as a test wants them to have closed."""

from collections.abc import Mapping
from math import inf

import numpy as np

from shared.clock import Clock
from shared.errors import MarketError, MarketRefusal
from shared.units import parse_time_ms, timeframe_ms
from worker.market.protocol import FinestBars, Limits, no_funding
from worker.strategies.bars import Bars, make_bars

START_MS = parse_time_ms("2026-01-01")
STEP_MS = timeframe_ms("5m")


class FakeMarket:
    """All candles are closed up to `shown_to_ms`, or up to the clock's time where there is one.

    `failing` names the fetches that raise MarketError; `silent` symbols have no bars for now, `refused` ones raise
    MarketRefusal, and those in `ends` have none any more, with why.
    """

    label = "candles of a test"

    def __init__(
        self,
        bars: Mapping[str, Bars],
        step_ms: int = STEP_MS,
        funding: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
        finest: Mapping[str, FinestBars] | None = None,
    ) -> None:
        self.finest = dict(finest or {})
        self._bars = dict(bars)
        self._step_ms = step_ms
        self._funding = funding or {}
        self._clock = clock
        self._limits = limits or Limits()
        self._first_open_ms = min(int(bars.open_ms[0]) for bars in bars.values())
        self.end_ms = max(int(bars.open_ms[-1]) for bars in bars.values()) + step_ms
        self.shown_to_ms = self.end_ms
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.refused: set[str] = set()
        self.ends: dict[str, str] = {}
        self.began: list[int | None] = []

    def begin(self, books_end_ms: int | None) -> None:
        self.began.append(books_end_ms)

    def first_open_ms(self) -> int:
        return self._first_open_ms

    def now_ms(self) -> int:
        return self.shown_to_ms if self._clock is None else self._clock.now_ms()

    def seconds_until(self, time_ms: int) -> float:
        if self._clock is not None:
            return (time_ms - self.now_ms()) / 1000
        return 0.0 if time_ms <= self.now_ms() else inf

    def ahead_ms(self) -> int:
        return 0

    def ended(self, symbol: str, open_ms: int) -> str:
        return self.ends.get(symbol, "")

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        self._answer("bars", symbol)
        if symbol in self.silent or symbol in self.ends:
            return self._bars[symbol][:0]
        return self._bars[symbol].between(start_ms, min(end_ms, self.now_ms() - self._step_ms + 1))

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        self._answer("finest", symbol)
        if symbol not in self.finest:
            return FinestBars(self.fetch_bars(symbol, start_ms, end_ms), self._step_ms)
        bars, timeframe_ms = self.finest[symbol]
        return FinestBars(bars.between(start_ms, end_ms), timeframe_ms)

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        self._answer("opens")
        if open_ms > self.now_ms():
            return {}
        begun = {symbol: bars.between(open_ms, open_ms + 1) for symbol, bars in self._bars.items()}
        absent = self.silent | self.refused | self.ends.keys()
        return {symbol: float(bar.open[0]) for symbol, bar in begun.items() if len(bar) and symbol not in absent}

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        self._answer("funding", symbol)
        if symbol not in self._funding:
            return no_funding()
        times, rates = self._funding[symbol]
        inside = (times > start_ms) & (times <= min(end_ms, self.now_ms()))
        return times[inside], rates[inside]

    def limits(self, symbol: str) -> Limits:
        return self._limits

    def show(self, bars: int) -> None:
        """Let so many bars from the first have closed."""
        self.shown_to_ms = self._first_open_ms + bars * self._step_ms

    def _answer(self, what: str, symbol: str = "") -> None:
        if symbol in self.refused:
            raise MarketRefusal(f"{what} {symbol} is not known")
        if what in self.failing or f"{what} {symbol}" in self.failing:
            raise MarketError(f"{what} {symbol} must be answered, was not")


def random_bars(
    bars: int, seed: int, step_ms: int = STEP_MS, volatility: float = 0.008, start_ms: int = START_MS
) -> Bars:
    """Give a random walk whose bars open where the last one closed, but for now and then a gap."""
    chance = np.random.default_rng(seed)
    moves = np.exp(volatility * chance.standard_t(4, bars))
    close = 100.0 * np.cumprod(moves)
    gaps = np.exp(np.where(chance.random(bars) < 0.1, volatility * chance.standard_normal(bars), 0.0))
    open_ = np.r_[100.0, close[:-1]] * gaps
    high = np.maximum(open_, close) * np.exp(volatility * np.abs(chance.standard_normal(bars)))
    low = np.minimum(open_, close) / np.exp(volatility * np.abs(chance.standard_normal(bars)))
    open_ms = start_ms + step_ms * np.arange(bars, dtype=np.int64)
    return make_bars(open_ms, open_, high, low, close, np.ones(bars))


def still_bars(closes: list[float], step_ms: int = STEP_MS, start_ms: int = START_MS, wobble: float = 0.01) -> Bars:
    """Give bars that open and close at the given prices and trade a little around them, so that they have a range."""
    close = np.array(closes, np.float64)
    open_ms = start_ms + step_ms * np.arange(len(close), dtype=np.int64)
    return make_bars(open_ms, close, close * (1 + wobble), close * (1 - wobble), close, np.ones(len(close)))


def without(bars: Bars, places: np.ndarray | list[int]) -> Bars:
    """Give bars with some left out."""
    keep = np.ones(len(bars), bool)
    keep[places] = False
    return bars[keep]
