"""The newest bars there are of each symbol, and the signals they give at the last one."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shared.enums import BarStatus
from shared.errors import MarketError, MarketRefusal, NotAsked
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
# Of the history, what an exchange did not give is asked for again after these seconds, for all symbols together.
ASK_AGAIN_SECONDS = (1.0, 2.0)

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
    def newest_ms(self) -> int:
        """Give the open time of the last bar."""
        return int(self._open_ms[self._end - 1])

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
        self._failures: dict[str, MarketError] = {}
        self._asked_at: dict[str, int] = {}

    def load_history(
        self, end_ms: int, last_closes: Mapping[str, float], sleep: Callable[[float], None] | None = None
    ) -> None:
        """Fill the windows with the bars before `end_ms`, the next bar to step.

        `last_closes` are the closes the books end with: where a symbol of which no bar can be had stands. With `sleep`
        what is missing may still come. Raises MarketError where the market fails; a symbol it refuses has no history.
        """
        start_ms = end_ms - self._size * self._step_ms
        history = self._history(start_ms, end_ms, sleep)
        for symbol in self._symbols:
            window = self._windows[symbol] = Window(self._size, last_closes.get(symbol, 0.0))
            for open_ms, values in _rows(self._filled_up(symbol, history[symbol], start_ms)).items():
                window.append(open_ms, values)
        self._ahead = {symbol: {} for symbol in self._symbols}
        self._read_to_ms = end_ms

    def _history(self, start_ms: int, end_ms: int, sleep: Callable[[float], None] | None) -> dict[str, Bars]:
        """Ask for every symbol once, then again only for those with bars missing, together."""
        history = {symbol: self._known(symbol, start_ms, end_ms) for symbol in self._symbols}
        for seconds in ASK_AGAIN_SECONDS if sleep is not None else ():
            partly = [s for s, bars in history.items() if len(bars) * self._step_ms < end_ms - start_ms]
            asked = [s for s in partly if s not in self._failures and not self._market.ended(s, end_ms)]
            if asked and sleep is not None:
                sleep(seconds)
                history |= {symbol: self._known(symbol, start_ms, end_ms) for symbol in asked}
        return history

    def _filled_up(self, symbol: str, bars: Bars, start_ms: int) -> Bars:
        """Give a window's bars, from before `start_ms` too where some are missing, but across no silence of a chunk."""
        while len(bars) < self._size:
            end_ms, start_ms = start_ms, start_ms - CHUNK_BARS * self._step_ms
            earlier = self._known(symbol, start_ms, end_ms)
            if not len(earlier):
                break
            bars = merged(bars, earlier)
        return bars[-self._size :]

    def _known(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the bars of a period; none of a symbol that the market refuses."""
        try:
            return self._market.fetch_bars(symbol, start_ms, end_ms)
        except MarketRefusal as refusal:
            self._failures[symbol] = refusal
            return no_bars()

    def read(self, open_ms: int, now_ms: int, may_fail: bool = False) -> dict[str, MarketError | None]:
        """Make the bar at `open_ms` available; give the symbols that have none (yet), with what went wrong if any did.

        Raises MarketError where the market fails; with `may_fail` only where nothing could be read of any symbol and
        the market did not answer for all that it has none.
        """
        if open_ms >= self._read_to_ms or any(open_ms not in rows for rows in self._ahead.values()):
            end_ms = min(now_ms - now_ms % self._step_ms, open_ms + CHUNK_BARS * self._step_ms)
            end_ms = max(end_ms, open_ms + self._step_ms)
            is_new = open_ms >= self._read_to_ms
            self._read_rows(
                [s for s in self._symbols if is_new or open_ms not in self._ahead[s]], open_ms, end_ms, may_fail
            )
            self._read_to_ms = end_ms
        return {symbol: self._failures.get(symbol) for symbol in self._symbols if open_ms not in self._ahead[symbol]}

    def _read_rows(self, symbols: Sequence[str], open_ms: int, end_ms: int, may_fail: bool) -> None:
        # Those that failed last time come last, and of these the one that was asked last: what one costs is not taken
        # from the others.
        for symbol in sorted(symbols, key=lambda symbol: (self._has_failed(symbol), self._asked_at.get(symbol, 0))):
            try:
                self._ahead[symbol] = _rows(self._market.fetch_bars(symbol, open_ms, end_ms))
                self._failures.pop(symbol, None)
            except MarketError as error:
                if not may_fail:
                    raise
                self._take_failure(symbol, error)
        self._require_answer(open_ms)

    def _has_failed(self, symbol: str) -> bool:
        return symbol in self._failures and not isinstance(self._failures[symbol], NotAsked)

    def _take_failure(self, symbol: str, error: MarketError) -> None:
        if not isinstance(error, NotAsked):
            self._asked_at[symbol] = max(self._asked_at.values(), default=0) + 1
        elif self._has_failed(symbol):
            return
        if type(error) is not type(self._failures.get(symbol)):
            log.warning("%s: %s", symbol, error)
        self._failures[symbol] = error

    def _require_answer(self, open_ms: int) -> None:
        """Raise what the market failed with where it gave no answer for any symbol."""
        asked = [symbol for symbol in self._symbols if not self._market.ended(symbol, open_ms)]
        failed = [self._failures[symbol] for symbol in asked if symbol in self._failures]
        outages = [error for error in failed if not isinstance(error, MarketRefusal)]
        if outages and len(failed) == len(asked):
            raise next((error for error in outages if not isinstance(error, NotAsked)), outages[0])

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
