"""The replay market: a folder of real candles, delivered as if live at any speed."""

import logging
from collections.abc import Collection, Sequence
from math import inf

import numpy as np

from shared.clock import Clock
from shared.errors import CandleError, ConfigurationError
from shared.settings import MarketSettings
from shared.units import format_time
from worker.market.files import CandleFolder
from worker.market.files.missing import refuse_far_apart
from worker.market.pace import Pace
from worker.market.protocol import FinestBars, Limits, file_limits, no_funding
from worker.strategies.bars import Bars, no_bars

log = logging.getLogger(__name__)


class ReplayMarket:
    """Deliver the candles of `settings.candles`, and the rates of `settings.funding` where it is set.

    Market time begins at the first candle of any symbol, after a restart where the books end, and stops at the end of
    the files; one bar passes every `bar_seconds` wall seconds. With `bar_seconds = 0` all that the files hold is closed
    at once. Raises ConfigurationError or CandleError at start, so that nothing wrong is met on the way. Symbols
    `in_books` need not be in the folder any more, as long as another one is.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        step_ms: int,
        settings: MarketSettings,
        clock: Clock,
        in_books: Collection[str] = (),
    ) -> None:
        if settings.candles is None:
            raise ConfigurationError("market.candles must name the folder to replay, was not set")
        self.label = f"replay of {settings.candles.name}"
        self._step_ms = step_ms
        self._lost: dict[str, ConfigurationError] = {}
        self._bars: dict[str, Bars] = {}
        self._files = files = CandleFolder(settings.candles, settings, symbols)
        self._finest: dict[str, FinestBars] = {}
        for symbol in symbols:
            self._bars[symbol] = self._load(files, symbol, symbol in in_books)
        there = [symbol for symbol in symbols if symbol not in self._lost]
        if not there:
            raise self._lost[symbols[0]]
        refuse_far_apart(self._bars, step_ms, settings.max_missing)
        rates = CandleFolder(settings.funding, settings, symbols) if settings.funding else None
        self._funding = {symbol: rates.funding(symbol) for symbol in there} if rates else {}
        self._first_open_ms = min(int(self._bars[symbol].open_ms[0]) for symbol in there)
        self._end_ms = max(int(self._bars[symbol].open_ms[-1]) for symbol in there) + step_ms
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

    def ahead_ms(self) -> int:
        """Give 0: its time is its own."""
        return 0

    def ended(self, symbol: str, open_ms: int) -> str:
        """Say that the folder has no candles of a symbol any more, or that they end; empty where one is to come."""
        if symbol in self._lost:
            return str(self._lost[symbol])
        last_ms = int(self._of(symbol).open_ms[-1])
        return f"its candles end at {format_time(last_ms + self._step_ms)}" if open_ms > last_ms else ""

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the closed bars that open in `[start_ms, end_ms)`; what the files lack is left out."""
        last_open_ms = self.now_ms() - self._step_ms
        return self._of(symbol).between(start_ms, min(end_ms, last_open_ms + 1))

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        """Give the closed bars of the finest files, read when they are first asked for."""
        if symbol not in self._finest:
            self._finest[symbol] = self._files.finest(symbol, self._step_ms)
        bars, timeframe_ms = self._finest[symbol]
        return FinestBars(bars.between(start_ms, min(end_ms, self.now_ms() - timeframe_ms + 1)), timeframe_ms)

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first prices of the bar that opens at `open_ms`, where it has begun and the files have it."""
        if open_ms > self.now_ms():
            return {}
        begun = {symbol: bars.between(open_ms, open_ms + 1) for symbol, bars in self._bars.items()}
        return {symbol: float(bars.open[0]) for symbol, bars in begun.items() if len(bars)}

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the settlements in `(start_ms, end_ms]` that have been."""
        if symbol not in self._funding:
            return no_funding()
        times, rates = self._funding[symbol]
        first, last = np.searchsorted(times, (start_ms, min(end_ms, self.now_ms())), side="right")
        return times[first:last], rates[first:last]

    def limits(self, symbol: str) -> Limits:
        """Give the first price: files say nothing else."""
        return file_limits(self._of(symbol))

    def _load(self, files: CandleFolder, symbol: str, in_books: bool) -> Bars:
        try:
            bars, _, _, notes = files.candles(symbol, self._step_ms)
            if not len(bars):
                raise ConfigurationError(f"candles of {symbol} in {files.folder} must fill at least one whole bar")
        except CandleError:
            raise
        except ConfigurationError as error:
            if not in_books:
                raise
            self._lost[symbol] = error
            return no_bars()
        for note in notes:
            log.warning("%s", note)
        return bars

    def _of(self, symbol: str) -> Bars:
        if symbol not in self._bars:
            raise ConfigurationError(f"symbol must be among {', '.join(self._bars)}, was {symbol!r} ({self.label})")
        return self._bars[symbol]
