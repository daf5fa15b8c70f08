"""The simulated market: any symbols, from a seed, at any speed, for ever."""

from collections.abc import Sequence

import numpy as np

from shared.clock import Clock
from shared.errors import ConfigurationError
from shared.settings import MarketSettings
from shared.units import DAY_MS, bar_open_ms, parse_time_ms
from worker.market.pace import Pace
from worker.market.price_model import PriceModel, coin_of
from worker.market.protocol import FinestBars, Limits, no_funding
from worker.strategies.bars import Bars, make_bars, no_bars


class SimulatedMarket:
    """Deliver simulated candles of `symbols` in bars of `step_ms`.

    Market time begins `history_days` after `start`, so that much is closed at once, and after a restart where the books
    end; from there one bar passes every `bar_seconds` wall seconds. With `bar_seconds = 0` nobody ever waits: one bar
    more than the books hold is closed at the beginning, and a time that is waited for is there at once.
    """

    def __init__(self, symbols: Sequence[str], step_ms: int, settings: MarketSettings, clock: Clock) -> None:
        self.label = f"simulated market, seed {settings.seed}"
        self._symbols = tuple(symbols)
        self._step_ms = step_ms
        self._first_open_ms = bar_open_ms(parse_time_ms(settings.start), step_ms)
        self._history_end_ms = self._first_open_ms + settings.history_days * DAY_MS
        self._model = PriceModel(settings.seed, step_ms)
        self._pace = Pace(clock, step_ms, settings.bar_seconds) if settings.bar_seconds > 0.0 else None
        self._unlimited_ms = self._history_end_ms + step_ms
        self.begin(None)

    def begin(self, books_end_ms: int | None) -> None:
        """Go on where the books end; a history that was cut short is still closed at once."""
        begin_ms = self._history_end_ms if books_end_ms is None else max(books_end_ms, self._history_end_ms)
        self._unlimited_ms = begin_ms + self._step_ms
        if self._pace is not None:
            self._pace.begin(begin_ms)

    def first_open_ms(self) -> int:
        """Give the open of the bar at `start`."""
        return self._first_open_ms

    def now_ms(self) -> int:
        """Give the market time."""
        return self._unlimited_ms if self._pace is None else self._pace.now_ms()

    def seconds_until(self, time_ms: int) -> float:
        """Give the wall seconds until market time gets there; with `bar_seconds = 0` it gets there by being asked."""
        if self._pace is not None:
            return self._pace.seconds_until(time_ms)
        self._unlimited_ms = max(self._unlimited_ms, time_ms)
        return 0.0

    def ahead_ms(self) -> int:
        """Give 0: its time is its own."""
        return 0

    def ended(self, symbol: str, open_ms: int) -> str:
        """Say nothing: no symbol ends."""
        return ""

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the closed bars that open in `[start_ms, end_ms)`, before `start` too; there are no gaps."""
        return self._bars(symbol, start_ms, min(end_ms, bar_open_ms(self.now_ms(), self._step_ms)))

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        """Give its own bars: it makes none finer."""
        return FinestBars(self.fetch_bars(symbol, start_ms, end_ms), self._step_ms)

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first prices of the bar that opens at `open_ms`, once it has begun."""
        if open_ms > self.now_ms():
            return {}
        return {symbol: float(self._bars(symbol, open_ms, open_ms + 1).open[0]) for symbol in self._symbols}

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Give none: the simulated market is a spot market."""
        return no_funding()

    def limits(self, symbol: str) -> Limits:
        """Give the usual price; nothing else is limited."""
        return Limits(price=coin_of(symbol).price)

    def _bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        if symbol not in self._symbols:
            raise ConfigurationError(f"symbol must be among {', '.join(self._symbols)}, was {symbol!r} ({self.label})")
        if start_ms >= end_ms:
            return no_bars()
        days = [self._model.day_bars(symbol, day) for day in range(start_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1)]
        columns = ("open_ms", "open", "high", "low", "close", "volume")
        bars = make_bars(*(np.concatenate([getattr(day, column) for day in days]) for column in columns))
        return bars.between(start_ms, end_ms)
