"""Everything a replay reads, laid into columns: prices and funding of the markets, and what the signals say."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.enums import BarStatus
from shared.settings import Settings
from worker.fleet.plan import FleetPlan
from worker.research.candles import Grid, stack
from worker.research.threads import in_threads, processors
from worker.step.bands import ChangeFinder, Changes, lay_changes
from worker.step.columns import Columns
from worker.strategies.registry import find_strategy
from worker.strategies.signals import OwnBars

Series = tuple[str, int]

# What a thread needs for itself is as much as the columns of about so many series.
_SERIES_A_THREAD = 4


class _Room(threading.local):
    """What a thread makes one signal after another in."""

    def __init__(self, bars: int) -> None:
        self.finder = ChangeFinder(bars)
        self.rows = np.empty(bars), np.empty(bars)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the signals of one series say from bar `first` on, by row.

    Where bands change, and the stop and target of those that name any.
    """

    first: int
    changes: dict[int, Changes]
    exits: dict[int, tuple[np.ndarray, np.ndarray]]


def make_columns(
    settings: Settings,
    plan: FleetPlan,
    grid: Grid,
    funding: Mapping[str, np.ndarray],
    threads: int | None = None,
) -> Columns:
    """Make every signal and lay it, with the bars, into columns.

    A symbol that lists later has NaN bands until then, and where a bar is missing the last values stand. `funding` is
    one rate per bar by symbol, where there is any. Many series are made on as many threads as there are processors,
    unless `threads` says how many; the columns are the same.
    """
    count, bars = len(plan.signals), len(grid.open_ms)
    rows_of: dict[Series, list[int]] = {}
    for row, key in enumerate(plan.signals):
        rows_of.setdefault((key.symbol, key.own_ms), []).append(row)
    place_of = {series: place for place, series in enumerate(rows_of)}
    atr_fraction, closed = np.empty((len(rows_of), bars)), np.empty((len(rows_of), bars), np.int8)
    room = _Room(bars)

    def say(series: Series) -> _Said:
        place = place_of[series]
        return _say(settings, plan, grid, rows_of[series], room, atr_fraction[place], closed[place])

    changes: dict[int, Changes] = {}
    stop, target = np.zeros((count, 1)), np.zeros((count, 1))
    threads = threads or min(processors(), len(rows_of) // _SERIES_A_THREAD)
    for said in in_threads(say, rows_of, threads):
        changes |= said.changes
        for row, exits in said.exits.items():
            stop, target = _widened(stop, bars), _widened(target, bars)
            stop[row, said.first :], target[row, said.first :] = exits
    opens, highs, lows, closes, _ = grid.rows([symbol for _, symbol in plan.markets])
    no_funding = np.zeros(bars if funding else 1)
    return Columns(
        open_ms=grid.open_ms,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        status=stack([grid.status[symbol] for _, symbol in plan.markets]),
        funding_rate=stack([funding.get(symbol, no_funding) for _, symbol in plan.markets]),
        series=np.array([place_of[key.symbol, key.own_ms] for key in plan.signals], np.int64),
        atr_fraction=atr_fraction,
        closed=closed,
        bands=lay_changes([changes[row] for row in range(count)], bars),
        stop=stop,
        target=target,
    )


def _say(
    settings: Settings,
    plan: FleetPlan,
    grid: Grid,
    rows: Sequence[int],
    room: _Room,
    atr_fraction: np.ndarray,
    closed: np.ndarray,
) -> _Said:
    """Make the signals of one series, whose own two columns are written where they belong."""
    hold, allow_short = settings.strategies.hold, settings.portfolio.allow_short
    symbol, own_ms = plan.signals[rows[0]].symbol, plan.signals[rows[0]].own_ms
    has_bar = grid.status[symbol] != BarStatus.MISSING
    first = int(np.argmax(has_bar)) if has_bar.any() else len(has_bar)
    own_bars = OwnBars(grid.bars[symbol][first:], settings.step_ms, own_ms, has_bar[first:], room.rows)
    atr_fraction[:first], closed[:first] = np.nan, 0
    atr_fraction[first:], closed[first:] = own_bars.atr_fraction, own_bars.closed
    said = _Said(first, {}, {})
    for row in rows:
        key = plan.signals[row]
        signal = own_bars.signal(find_strategy(key.strategy), key.parameters, hold, allow_short)
        said.changes[row] = room.finder.find(first, signal.low, signal.high, signal.atr_fraction)
        exits = signal.stop, signal.target
        if any(column is not own_bars.no_exit and column.any() for column in exits):
            said.exits[row] = exits
    return said


def _widened(rows: np.ndarray, bars: int) -> np.ndarray:
    return rows if rows.shape[1] == bars else np.zeros((len(rows), bars))
