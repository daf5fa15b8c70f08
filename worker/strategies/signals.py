"""Signals: what a strategy with one parameter set says of a symbol at each base bar, in the columns a step reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shared.errors import ConfigurationError
from worker.strategies.bands import Lines, narrowed
from worker.strategies.bars import Bars, resample
from worker.strategies.indicators import ATR_WARMUP_BARS, average_true_range
from worker.strategies.registry import find_strategy
from worker.strategies.shared_bars import share
from worker.strategies.strategy import Strategy


@dataclass(frozen=True, slots=True)
class SignalColumns:
    """One row per base bar, known at its close. Signals may share arrays, so they are read, never written.

    `low`, `high`: the band, NaN while it warms up. `stop`, `target`: fractions of the price, 0 for none.
    `atr_fraction`: ATR 14 / close of the bot's own bars, NaN for the first 14. `closed`: int8, 1 where an own bar
    closed with the base bar; between, the values of the last one stand.
    """

    low: np.ndarray
    high: np.ndarray
    stop: np.ndarray
    target: np.ndarray
    atr_fraction: np.ndarray
    closed: np.ndarray


@dataclass(frozen=True, slots=True)
class SeenColumns:
    """What a strategy saw, one row per base bar: its band before any setting narrows it, the close and its lines.

    Between two closes of its own bars the values of the last one stand, as in its signal.
    """

    low: np.ndarray
    high: np.ndarray
    close: np.ndarray
    lines: Lines


class SignalKey(NamedTuple):
    """What a signal depends on: bots with equal keys share one. `own_ms` is the timeframe of the strategy's bars."""

    symbol: str
    strategy: str
    parameters: tuple[float, ...]
    own_ms: int


class OwnBars:
    """The whole bars of a longer timeframe within base bars, and which of them was the last closed at each base bar.

    Bars lie on the UTC grid. One is whole when the base bars reach from its open to its close: it is made of those
    there are, and where there are none there is no own bar. `has_bar`, where given, is false where a base bar is
    missing: it takes no part, the last values stand there, and an own bar that ends with it closes with the next one.
    `rows`, where given, are two arrays at least as long as the bars into which one signal's band after another is
    written, so that a signal holds until the next one. `no_exit` is the stop or target of a signal that names none.
    Raises ConfigurationError unless `own_ms` is a multiple of `base_ms`.
    """

    def __init__(
        self,
        bars: Bars,
        base_ms: int,
        own_ms: int,
        has_bar: np.ndarray | None = None,
        rows: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        if own_ms < base_ms or own_ms % base_ms:
            raise ConfigurationError(f"timeframe must be a multiple of the portfolio's {base_ms} ms, was {own_ms} ms")
        self.no_exit = np.broadcast_to(0.0, len(bars))
        there = None if has_bar is None or has_bar.all() else has_bar
        whole, self._row = _whole(bars if there is None else bars[there], base_ms, own_ms)
        self.bars = share(whole, rows)
        if there is not None:
            row = np.arange(len(self.bars)) if self._row is None else self._row
            self._row = np.concatenate(([-1], row))[np.cumsum(there)]
        if self._row is None:
            self.closed = np.ones(len(bars), np.int8)
        else:
            self.closed = (np.diff(self._row, prepend=-1) > 0).astype(np.int8)
        self.atr_fraction = self.on_base(self.bars.measure(average_true_range) / self.bars.close)

    def on_base(self, column: np.ndarray) -> np.ndarray:
        """Hold each own bar's value from its close until the next one's; NaN before the first."""
        return column if self._row is None else np.concatenate(([np.nan], column))[self._row + 1]

    def signal(self, strategy: Strategy, parameters: Sequence[float], hold: bool, allow_short: bool) -> SignalColumns:
        """Say what a strategy says of these bars, on the base bars; the parameters are those of a checked set."""
        # To check them again for each signal of each step takes a tenth of what the rule takes.
        bands = narrowed(strategy.rule(self.bars, *parameters), hold, allow_short)
        low = self.on_base(bands.low)
        high = low if bands.high is bands.low else self.on_base(bands.high)
        stop, target = self._fraction(bands.stop), self._fraction(bands.target)
        return SignalColumns(low, high, stop, target, self.atr_fraction, self.closed)

    def seen(self, strategy: Strategy, parameters: Sequence[float]) -> SeenColumns:
        """Give what a strategy sees in these bars: the very arrays its band is made of, on the base bars."""
        bands = strategy.bands(self.bars, *parameters)
        lines = {name: self.on_base(line) for name, line in bands.lines().items()}
        return SeenColumns(self.on_base(bands.low), self.on_base(bands.high), self.on_base(self.bars.close), lines)

    def _fraction(self, column: np.ndarray | None) -> np.ndarray:
        return self.no_exit if column is None else np.nan_to_num(self.on_base(column), nan=0.0)


def _whole(bars: Bars, base_ms: int, own_ms: int) -> tuple[Bars, np.ndarray | None]:
    """Give the own bars, and the last that has closed at each base bar; None where they are the base bars."""
    if own_ms == base_ms or not len(bars):
        return bars, None
    own = resample(bars, own_ms)
    own = own[1:] if bars.open_ms[0] % own_ms else own
    row = np.searchsorted(own.open_ms + own_ms, bars.open_ms + base_ms, side="right") - 1
    return own[: int(row[-1]) + 1], row


def make_signal(
    strategy: Strategy,
    parameters: Sequence[float],
    bars: Bars,
    base_ms: int,
    own_ms: int,
    hold: bool = True,
    allow_short: bool = True,
) -> SignalColumns:
    """Say what a strategy says at each base bar.

    `base_ms` is the portfolio's timeframe, that of `bars`; `own_ms` the strategy's, a multiple of it. `hold=False`
    gives the plain exposure instead of the band; `allow_short=False` clips to [0, 1].
    """
    return OwnBars(bars, base_ms, own_ms).signal(strategy, strategy.checked(parameters), hold, allow_short)


def all_signals(
    bars_of: Mapping[str, Bars],
    keys: Iterable[SignalKey],
    base_ms: int,
    hold: bool = True,
    allow_short: bool = True,
) -> dict[SignalKey, SignalColumns]:
    """Make each signal once, in the order first asked for; those of one symbol and timeframe share own bars and ATR."""
    own_bars: dict[tuple[str, int], OwnBars] = {}
    signals: dict[SignalKey, SignalColumns] = {}
    for key in dict.fromkeys(keys):
        place = (key.symbol, key.own_ms)
        if place not in own_bars:
            own_bars[place] = OwnBars(bars_of[key.symbol], base_ms, key.own_ms)
        signals[key] = own_bars[place].signal(find_strategy(key.strategy), key.parameters, hold, allow_short)
    return signals


def live_window_bars(strategy: Strategy, parameters: Sequence[float], base_ms: int, own_ms: int) -> int:
    """Give the newest base bars a worker must keep so that its last row is that of the full history.

    Covers the strategy's warm-up, that of the ATR used in sizing, and a first own bar that the window cuts.
    """
    own_bars = max(strategy.warmup_bars(*parameters), ATR_WARMUP_BARS)
    # An own bar still forming at the end, and one cut at the start.
    slack_bars = 2 * (own_ms // base_ms - 1)
    return own_bars * (own_ms // base_ms) + slack_bars
