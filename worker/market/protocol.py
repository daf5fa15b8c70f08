"""What every market is to the worker, and what a market that fetches over the network keeps its candles in."""

from typing import NamedTuple, Protocol

import numpy as np

from worker.strategies.bars import Bars


class Limits(NamedTuple):
    """What an exchange takes of one symbol: steps and minimums in base units, the notional in quote.

    None where it does not say. `price` is one it has had, quote per base: it tells how many coins a bot's
    money may come to buy.
    """

    quantity_step: float | None = None
    min_quantity: float | None = None
    min_notional: float | None = None
    price: float | None = None


class FinestBars(NamedTuple):
    """The finest bars a market has of a symbol, and how long each is."""

    bars: Bars
    timeframe_ms: int


def file_limits(bars: Bars) -> Limits:
    """Give what candles alone say of a symbol."""
    return Limits(price=float(bars.open[0]) if len(bars) else None)


class Market(Protocol):
    """Where candles come from. Times are market time, which is real time on an exchange only.

    Every fetch may raise MarketError (the bar counts as missing) and CandleError (bars that cannot be true).
    """

    label: str

    def begin(self, books_end_ms: int | None) -> None:
        """Go on from the close of the last step, or from the beginning where the books are empty."""
        ...

    def first_open_ms(self) -> int:
        """Give the open of the first bar a fresh fleet steps."""
        ...

    def now_ms(self) -> int:
        """Give the market time; a bar is closed when its open plus one step is not later."""
        ...

    def seconds_until(self, time_ms: int) -> float:
        """Give the wall seconds until market time gets there: inf when it never will, 0 or less when it has.

        In real time as far below 0 as it is ago.
        """
        ...

    def ahead_ms(self) -> int:
        """Give how far market time is ahead of this machine's clock; 0 where it is not meant to be real time."""
        ...

    def ended(self, symbol: str, open_ms: int) -> str:
        """Say why no bar of a symbol opens at `open_ms` or later; empty where one may."""
        ...

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the closed bars that open in `[start_ms, end_ms)`; gaps are left out, the forming bar too."""
        ...

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        """Give the finest closed bars that open in `[start_ms, end_ms)`: the market's own where it has none finer."""
        ...

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first price of the bar that opens at `open_ms`, for the symbols where that bar has begun."""
        ...

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Give settlement times in `(start_ms, end_ms]` as int64 and their rates as float64 fractions."""
        ...

    def limits(self, symbol: str) -> Limits:
        """Give the smallest step, quantity and notional of a symbol, as far as they are known."""
        ...


class CandleStore(Protocol):
    """Where a market over the network keeps closed candles, so that a restart fetches only what is missing."""

    def load(self, symbol: str, timeframe_ms: int, start_ms: int, end_ms: int) -> Bars:
        """Give the kept bars that open in `[start_ms, end_ms)`, oldest first."""
        ...

    def save(self, symbol: str, timeframe_ms: int, bars: Bars) -> None:
        """Keep bars; those kept before stay as they are."""
        ...


def no_funding() -> tuple[np.ndarray, np.ndarray]:
    """Give funding without a settlement."""
    return np.empty(0, np.int64), np.empty(0, np.float64)
