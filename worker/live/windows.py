"""The newest bars there are of each symbol, and the signals they give at the last one."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from shared.enums import BarStatus
from shared.errors import MarketError
from worker.fleet.plan import FleetPlan
from worker.market.gaps import merged
from worker.market.protocol import Market
from worker.step.records import Signal
from worker.strategies.bars import Bars, no_bars
from worker.strategies.registry import find_strategy
from worker.strategies.signals import OwnBars, SignalColumns, SignalKey

log = logging.getLogger(__name__)

# Bars asked for at once while catching up.
CHUNK_BARS = 2_000

_COLUMNS = ("open", "high", "low", "close", "volume")


class Window:
    """The newest `size` bars there are of one symbol, however far back; a missing one takes no place among them."""

    def __init__(self, size: int, close: float = 0.0) -> None:
        """Begin without a bar; `close` is the price the symbol stands at until there is one."""
        self._size = size
        self._close = close
        self._room = np.zeros((len(_COLUMNS), 4 * size))
        self._open_ms = np.zeros(4 * size, np.int64)
        self._end = 0
        self.has_newest = False

    def append(self, open_ms: int, values: Sequence[float] | None) -> None:
        """Take in the bar that opens at `open_ms`, or note its absence."""
        self.has_newest = values is not None
        if values is None:
            return
        if self._end == self._room.shape[1]:
            kept = self._size
            self._room[:, :kept] = self._room[:, -kept:]
            self._open_ms[:kept] = self._open_ms[-kept:]
            self._end = kept
        self._room[:, self._end] = values
        self._open_ms[self._end] = open_ms
        self._end += 1

    @property
    def newest(self) -> tuple[float, ...]:
        """Give open, high, low, close and volume of the last bar there is."""
        return tuple(self._room[:, self._end - 1].tolist())

    @property
    def last(self) -> tuple[float, float, float, float]:
        """Give open, high, low and close of the last bar, all of them the last close where it is missing."""
        if self._end and self.has_newest:
            open_, high, low, close = self._room[:4, self._end - 1].tolist()
            return open_, high, low, close
        close = float(self._room[3, self._end - 1]) if self._end else self._close
        return close, close, close, close

    def bars(self) -> Bars:
        """Give the window as bars; the arrays are read, never written."""
        start = max(0, self._end - self._size)
        if self._end == 0:
            return no_bars()
        return Bars(self._open_ms[start : self._end], *(column[start : self._end] for column in self._room))


class Feed:
    """Reads closed bars from a market ahead of the steps and keeps a window of each symbol."""

    def __init__(self, market: Market, symbols: Sequence[str], step_ms: int, size: int) -> None:
        self._market = market
        self._symbols = tuple(symbols)
        self._step_ms = step_ms
        self._size = size
        self._windows = {symbol: Window(size) for symbol in symbols}
        self._ahead: dict[str, dict[int, tuple[float, ...]]] = {symbol: {} for symbol in symbols}
        self._read_to_ms = 0

    def load_history(self, end_ms: int, last_closes: Mapping[str, float]) -> None:
        """Fill the windows with the bars before `end_ms`, the next bar to step.

        `last_closes` are the closes the books end with: where a symbol of which no bar can be had stands.
        """
        for symbol in self._symbols:
            window = self._windows[symbol] = Window(self._size, last_closes.get(symbol, 0.0))
            for open_ms, values in _rows(self._history(symbol, end_ms)).items():
                window.append(open_ms, values)
        self._ahead = {symbol: {} for symbol in self._symbols}
        self._read_to_ms = end_ms

    def _history(self, symbol: str, end_ms: int) -> Bars:
        """Give a window's bars before `end_ms`; before a silence of `CHUNK_BARS` none are looked for."""
        start_ms = end_ms - self._size * self._step_ms
        bars = self._market.fetch_bars(symbol, start_ms, end_ms)
        while len(bars) < self._size:
            end_ms, start_ms = start_ms, start_ms - CHUNK_BARS * self._step_ms
            earlier = self._market.fetch_bars(symbol, start_ms, end_ms)
            if not len(earlier):
                break
            bars = merged(bars, earlier)
        return bars[-self._size :]

    def read(self, open_ms: int, now_ms: int, may_fail: bool = False) -> list[str]:
        """Make the bar at `open_ms` available; give the symbols that have none (yet).

        Raises MarketError where the market fails; with `may_fail` only where it does for all that were asked, else a
        symbol it fails for counts as having none.
        """
        if open_ms >= self._read_to_ms or any(open_ms not in rows for rows in self._ahead.values()):
            end_ms = min(now_ms - now_ms % self._step_ms, open_ms + CHUNK_BARS * self._step_ms)
            end_ms = max(end_ms, open_ms + self._step_ms)
            is_new = open_ms >= self._read_to_ms
            self._read_rows(
                [s for s in self._symbols if is_new or open_ms not in self._ahead[s]], open_ms, end_ms, may_fail
            )
            self._read_to_ms = end_ms
        return [symbol for symbol in self._symbols if open_ms not in self._ahead[symbol]]

    def _read_rows(self, symbols: Sequence[str], open_ms: int, end_ms: int, may_fail: bool) -> None:
        failures: list[MarketError] = []
        for symbol in symbols:
            try:
                self._ahead[symbol] = _rows(self._market.fetch_bars(symbol, open_ms, end_ms))
            except MarketError as error:
                if not may_fail:
                    raise
                log.warning("%s: %s", symbol, error)
                failures.append(error)
        if failures and len(failures) == len(symbols):
            raise failures[0]

    def advance(self, open_ms: int) -> None:
        """Take the bar at `open_ms` into every window."""
        for symbol in self._symbols:
            self._windows[symbol].append(open_ms, self._ahead[symbol].pop(open_ms, None))

    def window(self, symbol: str) -> Window:
        """Give the window of a symbol."""
        return self._windows[symbol]


def _rows(bars: Bars) -> dict[int, tuple[float, ...]]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return dict(zip(bars.open_ms.tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True))


class SignalDesk:
    """Makes every signal of the fleet from the windows; one that fails says nothing, and its bots are named."""

    def __init__(self, plan: FleetPlan, step_ms: int, hold: bool, allow_short: bool) -> None:
        self._keys = plan.signals
        self._step_ms = step_ms
        self._hold = hold
        self._allow_short = allow_short
        self.failures: dict[SignalKey, str] = {}

    def fill(self, feed: Feed, signals: Sequence[Signal]) -> None:
        """Write what each strategy says of the newest bar into the records of the step."""
        self.failures = {}
        own_bars: dict[tuple[str, int], OwnBars] = {}
        for key, signal in zip(self._keys, signals, strict=True):
            try:
                place = (key.symbol, key.own_ms)
                window = feed.window(key.symbol)
                if place not in own_bars:
                    own_bars[place] = OwnBars(window.bars(), self._step_ms, key.own_ms)
                _write(signal, self._last(own_bars[place], key))
                signal.closed = signal.closed if window.has_newest else 0
            except Exception as error:  # one strategy's failure stops its bots and no other; the worker writes an event
                log.exception("signal %s failed", key)
                self.failures[key] = f"{type(error).__name__}: {error}"
                _write(signal, None)

    def _last(self, own_bars: OwnBars, key: SignalKey) -> SignalColumns | None:
        if not len(own_bars.closed):
            return None
        return own_bars.signal(find_strategy(key.strategy), key.parameters, self._hold, self._allow_short)


def _write(signal: Signal, columns: SignalColumns | None) -> None:
    if columns is None:
        signal.low = signal.high = signal.atr_fraction = float("nan")
        signal.stop = signal.target = 0.0
        signal.closed = 0
        return
    signal.low = float(columns.low[-1])
    signal.high = float(columns.high[-1])
    signal.stop = float(columns.stop[-1])
    signal.target = float(columns.target[-1])
    signal.atr_fraction = float(columns.atr_fraction[-1])
    signal.closed = int(columns.closed[-1])


def bar_status(is_missing: bool, late_bars: float, limit_bars: int) -> BarStatus:
    """Say how a bar arrived; one more than `limit_bars` late in market time is caught up without entries."""
    if is_missing:
        return BarStatus.MISSING
    return BarStatus.LATE if late_bars > limit_bars else BarStatus.FRESH
