"""The bars a backtest runs over: from files or simulated, on one grid, with what is not there said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shared.clock import ManualClock
from shared.enums import BarStatus
from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.units import DAY_MS, format_time, timeframe_name
from worker.market.files import CandleFolder, release_memory
from worker.market.files.missing import refuse_far_apart
from worker.market.protocol import Limits, file_limits
from worker.market.simulated import SimulatedMarket
from worker.research.candles import Grid, funding_per_bar, lay_on_grid
from worker.strategies.bars import Bars

LONGEST_SIMULATION_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is of one symbol within the grid; `gaps` are stretches of `missing_bars` between first and last.

    `files` says what was left out of files, and which were not read.
    """

    symbol: str
    file_timeframe: str
    first_ms: int
    last_ms: int
    bars: int
    bars_before: int
    bars_after: int
    gaps: int
    missing_bars: int
    incomplete_bars: int
    files: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Say in sentences what a reader of the results must know."""
        notes = []
        if self.bars_before:
            notes.append(f"{self.symbol} begins {format_time(self.first_ms)}, {self.bars_before} bars after the first")
        if self.bars_after:
            notes.append(
                f"{self.symbol} ends {format_time(self.last_ms)}, {self.bars_after} bars before the last; positions "
                "stay at its last close"
            )
        if self.missing_bars:
            notes.append(
                f"{self.symbol} lacks {self.missing_bars} bars in {self.gaps} gaps: marked at the last close, not seen "
                "by strategies, not traded on by signal"
            )
        if self.incomplete_bars:
            notes.append(f"{self.symbol} has {self.incomplete_bars} bars made from fewer {self.file_timeframe} candles")
        return [*notes, *self.files]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bars of a backtest come from, and what there is of each symbol."""

    label: str
    coverage: list[Coverage]

    def notes(self) -> list[str]:
        """Say what is missing, symbol by symbol."""
        return [note for coverage in self.coverage for note in coverage.notes()]


@dataclass(frozen=True, slots=True)
class History:
    """The bars of all symbols on one grid; `funding` is a summed rate per bar by symbol, empty where there is none."""

    source: Source
    grid: Grid
    funding: dict[str, np.ndarray]
    limits: dict[str, Limits]


def load_history(
    settings: Settings,
    symbols: Sequence[str],
    folder: Path,
    funding_folder: Path | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> History:
    """Load the candles (and funding) of symbols whose bars open in `[start_ms, end_ms)`.

    Raises ConfigurationError where a symbol has no bar in that time, and what the files raise.
    """
    history = _read_history(settings, symbols, folder, funding_folder, start_ms, end_ms)
    release_memory()
    return history


def _read_history(
    settings: Settings,
    symbols: Sequence[str],
    folder: Path,
    funding_folder: Path | None,
    start_ms: int | None,
    end_ms: int | None,
) -> History:
    step_ms = settings.step_ms
    files = CandleFolder(folder, settings.market, symbols)
    read = {symbol: files.candles(symbol, step_ms) for symbol in symbols}
    bars_of = {symbol: _cut(symbol, candles.bars, start_ms, end_ms) for symbol, candles in read.items()}
    refuse_far_apart(bars_of, step_ms, settings.market.max_missing)
    grid = lay_on_grid(bars_of, step_ms)
    if settings.broker.order == "maker":
        grid = replace(grid, finest={symbol: files.finest(symbol, step_ms) for symbol in symbols})
    coverage = [
        replace(
            _coverage(grid, symbol, bars_of[symbol], timeframe_name(candles.file_timeframe_ms), candles.incomplete_ms),
            files=candles.notes,
        )
        for symbol, candles in read.items()
    ]
    funding = {} if funding_folder is None else _load_funding(settings, funding_folder, symbols, grid)
    limits = {symbol: file_limits(candles.bars) for symbol, candles in read.items()}
    return History(Source(f"replay of {folder.name or folder}", coverage), grid, funding, limits)


def simulate_history(settings: Settings, symbols: Sequence[str], days: int) -> History:
    """Make the first `days` of the simulated market of the settings (`market.seed`, `market.start`)."""
    if not 1 <= days <= LONGEST_SIMULATION_DAYS:
        raise ConfigurationError(f"days to simulate must be from 1 to {LONGEST_SIMULATION_DAYS}, was {days}")
    pace = settings.market.model_copy(update={"history_days": days, "bar_seconds": 0.0})
    market = SimulatedMarket(symbols, settings.step_ms, pace, ManualClock())
    start_ms = market.first_open_ms()
    bars_of = {symbol: market.fetch_bars(symbol, start_ms, start_ms + days * DAY_MS) for symbol in symbols}
    grid = lay_on_grid(bars_of, settings.step_ms)
    nothing = np.empty(0, np.int64)
    timeframe = settings.portfolio.timeframe
    coverage = [_coverage(grid, symbol, bars, timeframe, nothing) for symbol, bars in bars_of.items()]
    limits = {symbol: market.limits(symbol) for symbol in symbols}
    return History(Source(market.label, coverage), grid, {}, limits)


def _cut(symbol: str, bars: Bars, start_ms: int | None, end_ms: int | None) -> Bars:
    if not len(bars):
        raise ConfigurationError(f"candles of {symbol} must hold at least one whole bar, hold none")
    first_ms, last_ms = int(bars.open_ms[0]), int(bars.open_ms[-1])
    cut = bars.between(first_ms if start_ms is None else start_ms, last_ms + 1 if end_ms is None else end_ms)
    if not len(cut):
        asked = [f"from {format_time(start_ms)}"] if start_ms is not None else []
        asked += [f"to {format_time(end_ms)}"] if end_ms is not None else []
        raise ConfigurationError(
            f"candles of {symbol} must cover some of the period {' '.join(asked)}, "
            f"are from {format_time(first_ms)} to {format_time(last_ms)}"
        )
    return cut


def _coverage(grid: Grid, symbol: str, bars: Bars, timeframe: str, incomplete_ms: np.ndarray) -> Coverage:
    missing = grid.status[symbol] == BarStatus.MISSING
    present = np.flatnonzero(~missing)
    first, last = int(present[0]), int(present[-1])
    inside = missing[first : last + 1]
    in_period = (incomplete_ms >= bars.open_ms[0]) & (incomplete_ms <= bars.open_ms[-1])
    return Coverage(
        symbol=symbol,
        file_timeframe=timeframe,
        first_ms=int(grid.open_ms[first]),
        last_ms=int(grid.open_ms[last]),
        bars=len(present),
        bars_before=first,
        bars_after=len(missing) - 1 - last,
        gaps=int(np.count_nonzero(np.diff(inside.astype(np.int8)) == 1)),
        missing_bars=int(np.count_nonzero(inside)),
        incomplete_bars=int(np.count_nonzero(in_period)),
    )


def _load_funding(settings: Settings, folder: Path, symbols: Sequence[str], grid: Grid) -> dict[str, np.ndarray]:
    funding = {}
    files = CandleFolder(folder, settings.market, symbols)
    for symbol in symbols:
        times_ms, rates = files.funding(symbol)
        funding[symbol] = funding_per_bar(times_ms, rates, grid.open_ms, settings.step_ms)
    return funding
