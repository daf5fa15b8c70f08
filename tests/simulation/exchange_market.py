"""Candles read from the local exchange without a client: orders are what a simulation breaks, not candles."""

from collections.abc import Mapping

import numpy as np

from tests.exchange.engine import Exchange
from worker.market.protocol import Limits, no_funding
from worker.strategies.bars import Bars, make_bars


class ExchangeMarket:
    """A Market whose time is the exchange's; `listed` gives the exchange's name of each symbol."""

    label = "candles of the local exchange"

    def __init__(self, exchange: Exchange, listed: Mapping[str, str], step_ms: int, first_open_ms: int) -> None:
        self._exchange = exchange
        self._listed = listed
        self._step_ms = step_ms
        self._first_open_ms = first_open_ms
        self._kept: dict[tuple[str, int], list[float]] = {}

    def begin(self, books_end_ms: int | None) -> None:
        """Nothing depends on where the books end."""

    def first_open_ms(self) -> int:
        return self._first_open_ms

    def now_ms(self) -> int:
        return self._exchange.clock()

    def seconds_until(self, time_ms: int) -> float:
        return (time_ms - self.now_ms()) / 1000

    def ahead_ms(self) -> int:
        return 0

    def ended(self, symbol: str, open_ms: int) -> str:
        return ""

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        last_ms = min(end_ms, self.now_ms() - self._step_ms + 1)
        first_ms = -(-start_ms // self._step_ms) * self._step_ms
        opens = np.arange(first_ms, last_ms, self._step_ms, dtype=np.int64)
        rows = np.array([self._row(symbol, int(open_ms)) for open_ms in opens]).reshape(len(opens), 5)
        return make_bars(opens, *(np.ascontiguousarray(column) for column in rows.T))

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        if open_ms > self.now_ms():
            return {}
        return {symbol: float(self._exchange.price(listed, open_ms)) for symbol, listed in self._listed.items()}

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        return no_funding()

    def limits(self, symbol: str) -> Limits:
        listing = self._exchange.listing_of(self._listed[symbol])
        price = float(self._exchange.price(listing.symbol, self._first_open_ms))
        return Limits(float(listing.step), float(listing.smallest), float(listing.min_notional), price)

    def _row(self, symbol: str, open_ms: int) -> list[float]:
        row = self._kept.get((symbol, open_ms))
        if row is None:
            candle = self._exchange.candle(self._listed[symbol], open_ms, self._step_ms)
            row = self._kept[symbol, open_ms] = [float(part) for part in candle]
        return row
