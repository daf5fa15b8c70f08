"""Everything a replay reads, laid into columns: prices and funding of the markets, and what the signals say."""

from collections.abc import Iterator, Mapping

import numpy as np

from shared.enums import BarStatus
from shared.settings import Settings
from worker.fleet.plan import FleetPlan
from worker.research.candles import Grid, stack
from worker.step.bands import BandChanges
from worker.step.columns import Columns
from worker.strategies.registry import find_strategy
from worker.strategies.signals import OwnBars, SignalColumns, SignalKey

Series = tuple[str, int]


def make_columns(settings: Settings, plan: FleetPlan, grid: Grid, funding: Mapping[str, np.ndarray]) -> Columns:
    """Make every signal and lay it, with the bars, into columns.

    A symbol that lists later has NaN bands until then, and where a bar is missing the last values stand. `funding` is
    one rate per bar by symbol, where there is any.
    """
    count, bars = len(plan.signals), len(grid.open_ms)
    series = {series: row for row, series in enumerate(dict.fromkeys((key.symbol, key.own_ms) for key in plan.signals))}
    atr_fraction, closed = np.empty((len(series), bars)), np.empty((len(series), bars), np.int8)
    bands = BandChanges(count, bars)
    stop, target = np.zeros((count, 1)), np.zeros((count, 1))
    # Each signal is taken at once, so that its own arrays are free for the next one.
    for row, key, first, signal in _signals(settings, plan, grid):
        place = series[key.symbol, key.own_ms]
        bands.take(row, first, signal.low, signal.high, signal.atr_fraction)
        atr_fraction[place, first:], closed[place, first:] = signal.atr_fraction, signal.closed
        atr_fraction[place, :first] = np.nan
        closed[place, :first] = 0
        if signal.stop.any() or signal.target.any():
            stop, target = _widened(stop, bars), _widened(target, bars)
            stop[row, first:], target[row, first:] = signal.stop, signal.target
    opens, highs, lows, closes, _ = grid.rows([symbol for _, symbol in plan.markets])
    no_funding = np.zeros(bars)
    return Columns(
        open_ms=grid.open_ms,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        status=stack([grid.status[symbol] for _, symbol in plan.markets]),
        funding_rate=stack([funding.get(symbol, no_funding) for _, symbol in plan.markets]),
        series=np.array([series[key.symbol, key.own_ms] for key in plan.signals], np.int64),
        atr_fraction=atr_fraction,
        closed=closed,
        bands=bands.laid(),
        stop=stop,
        target=target,
    )


def _signals(settings: Settings, plan: FleetPlan, grid: Grid) -> Iterator[tuple[int, SignalKey, int, SignalColumns]]:
    """Give each signal with its row and the bar its symbol begins at; those of one series come one after another."""
    hold, allow_short = settings.strategies.hold, settings.portfolio.allow_short
    rows_of: dict[Series, list[int]] = {}
    for row, key in enumerate(plan.signals):
        rows_of.setdefault((key.symbol, key.own_ms), []).append(row)
    for (symbol, own_ms), rows in rows_of.items():
        has_bar = grid.status[symbol] != BarStatus.MISSING
        first = int(np.argmax(has_bar)) if has_bar.any() else len(has_bar)
        own_bars = OwnBars(grid.bars[symbol][first:], settings.step_ms, own_ms, has_bar[first:])
        for row in rows:
            key = plan.signals[row]
            yield row, key, first, own_bars.signal(find_strategy(key.strategy), key.parameters, hold, allow_short)


def _widened(rows: np.ndarray, bars: int) -> np.ndarray:
    return rows if rows.shape[1] == bars else np.zeros((len(rows), bars))
