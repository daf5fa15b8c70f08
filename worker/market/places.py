"""The markets of several exchanges as one: each series of candles comes from the exchange that it is of."""

from collections.abc import Mapping

import numpy as np

from worker.market.protocol import FinestBars, Limits, Market
from worker.strategies.bars import Bars


class Places:
    """Deliver every series from its own market; time is that of the first.

    `sources` gives the market of each series, and what that calls its symbol.
    """

    def __init__(self, sources: Mapping[str, tuple[Market, str]]) -> None:
        self._sources = sources
        self._markets = list({id(market): market for market, _ in sources.values()}.values())
        self.label = " and ".join(market.label for market in self._markets)

    def begin(self, books_end_ms: int | None) -> None:
        """Go on in all of them."""
        for market in self._markets:
            market.begin(books_end_ms)

    def first_open_ms(self) -> int:
        return self._markets[0].first_open_ms()

    def now_ms(self) -> int:
        return self._markets[0].now_ms()

    def seconds_until(self, time_ms: int) -> float:
        return self._markets[0].seconds_until(time_ms)

    def ahead_ms(self) -> int:
        return self._markets[0].ahead_ms()

    def ended(self, symbol: str, open_ms: int) -> str:
        market, name = self._sources[symbol]
        return market.ended(name, open_ms)

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        market, name = self._sources[symbol]
        return market.fetch_bars(name, start_ms, end_ms)

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        market, name = self._sources[symbol]
        return market.fetch_finest(name, start_ms, end_ms)

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first prices of all; what an exchange fails for is left out."""
        opens = {id(market): market.fetch_opens(open_ms) for market in self._markets}
        return {
            series: opens[id(market)][name]
            for series, (market, name) in self._sources.items()
            if name in opens[id(market)]
        }

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        market, name = self._sources[symbol]
        return market.fetch_funding(name, start_ms, end_ms)

    def limits(self, symbol: str) -> Limits:
        market, name = self._sources[symbol]
        return market.limits(name)
