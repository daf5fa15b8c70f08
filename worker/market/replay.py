"""The replay market: a folder of real candles, delivered as if live at any speed."""

from collections.abc import Sequence
from math import inf

import numpy as np

from shared.clock import Clock
from shared.errors import ConfigurationError
from shared.settings import MarketSettings
from worker.market.files import load_candles, load_funding
from worker.market.pace import Pace
from worker.market.protocol import Limits, file_limits, no_funding
from worker.strategies.bars import Bars


class ReplayMarket:
    """Deliver the candles of `settings.candles`, and the rates of `settings.funding` where it is set.

    Market time begins at the first candle of any symbol, after a restart where the books end, and stops at the end of
    the files; one bar passes every `bar_seconds` wall seconds. With `bar_seconds = 0` all that the files hold is closed
    at once. Raises ConfigurationError or CandleError at start, so that nothing wrong is met on the way.
    """

    def __init__(self, symbols: Sequence[str], step_ms: int, settings: MarketSettings, clock: Clock) -> None:
        if settings.candles is None:
            raise ConfigurationError("market.candles must name the folder to replay, was not set")
        self.label = f"replay of {settings.candles.name}"
        self._step_ms = step_ms
        self._bars = {symbol: load_candles(settings.candles, symbol, step_ms) for symbol in symbols}
        empty = [symbol for symbol, bars in self._bars.items() if not len(bars)]
        if empty:
            raise ConfigurationError(f"candles of {empty[0]} in {settings.candles} must fill at least one whole bar")
        funding = settings.funding
        self._funding = {symbol: load_funding(funding, symbol) for symbol in symbols} if funding else {}
        self._first_open_ms = min(int(bars.open_ms[0]) for bars in self._bars.values())
        self._end_ms = max(int(bars.open_ms[-1]) for bars in self._bars.values()) + step_ms
        self._pace = Pace(clock, step_ms, settings.bar_seconds) if settings.bar_seconds > 0.0 else None
        self.begin(None)

    def begin(self, books_end_ms: int | None) -> None:
        """Go on where the books end, or from the first candle."""
        if self._pace is not None:
            self._pace.begin(self._first_open_ms if books_end_ms is None else books_end_ms)

    def first_open_ms(self) -> int:
        """Give the open of the first candle of any symbol."""
        return self._first_open_ms

    def now_ms(self) -> int:
        """Give the market time, at most the end of the files."""
        return self._end_ms if self._pace is None else min(self._pace.now_ms(), self._end_ms)

    def seconds_until(self, time_ms: int) -> float:
        """Give the wall seconds until market time gets there; inf after the end of the files."""
        if time_ms > self._end_ms:
            return inf
        return 0.0 if self._pace is None else self._pace.seconds_until(time_ms)

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the closed bars that open in `[start_ms, end_ms)`; what the files lack is left out."""
        last_open_ms = self.now_ms() - self._step_ms
        return self._of(symbol).between(start_ms, min(end_ms, last_open_ms + 1))

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first prices of the bar that opens at `open_ms`, where it has begun and the files have it."""
        if open_ms > self.now_ms():
            return {}
        begun = {symbol: bars.between(open_ms, open_ms + 1) for symbol, bars in self._bars.items()}
        return {symbol: float(bars.open[0]) for symbol, bars in begun.items() if len(bars)}

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the settlements in `(start_ms, end_ms]` that have been."""
        if not self._funding:
            return no_funding()
        times, rates = self._funding[symbol]
        first, last = np.searchsorted(times, (start_ms, min(end_ms, self.now_ms())), side="right")
        return times[first:last], rates[first:last]

    def limits(self, symbol: str) -> Limits:
        """Give the lowest price: files say nothing else."""
        return file_limits(self._of(symbol))

    def _of(self, symbol: str) -> Bars:
        if symbol not in self._bars:
            raise ConfigurationError(f"symbol must be among {', '.join(self._bars)}, was {symbol!r} ({self.label})")
        return self._bars[symbol]
