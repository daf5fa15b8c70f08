"""What is in a folder of candles and what is wrong with it: reported file by file, never raised."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.errors import CandleError
from shared.units import timeframe_name
from worker.market.file_columns import Columns, read_candle_columns, read_funding_columns
from worker.market.file_names import NAME_RULE, CandleFile, paths_in, read_name
from worker.market.files import funding_rules
from worker.market.impossible import UNREADABLE_MS, Broken, broken_times, broken_values, first_flaw


@dataclass(frozen=True)
class FileReport:
    """One file. Rows count from 1; `gaps` are stretches of `missing_bars`; `first_flaw` says why the file is refused.

    `impossible` counts rows whose values cannot be true, `misplaced` those off the grid, out of order or without a
    readable time. `error` is set where the file could not be read at all or its name says nothing; the rest is then 0.
    """

    file: str
    kind: str = "unknown"
    symbol: str = ""
    timeframe: str = ""
    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    gaps: int = 0
    missing_bars: int = 0
    duplicates: int = 0
    misplaced: int = 0
    impossible: int = 0
    first_flaw_row: int | None = None
    first_flaw: str = ""
    error: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the fleet would take the file; gaps are no reason not to."""
        return not self.error and self.first_flaw_row is None


def check_candles(folder: Path) -> list[FileReport]:
    """Report on every file of a folder in order of name; a missing or empty folder is a ConfigurationError."""
    return [_report(path) for path in paths_in(folder)]


def _report(path: Path) -> FileReport:
    file = read_name(path)
    if file is None:
        return FileReport(path.name, error=f"name must be like {NAME_RULE}, is left alone")
    try:
        return _funding_report(file) if file.funding else _candle_report(file)
    except CandleError as error:
        return FileReport(path.name, "funding" if file.funding else "candles", file.symbol, error=str(error))


def _candle_report(file: CandleFile) -> FileReport:
    columns = read_candle_columns(file.path)
    bars = columns.bars()
    times = broken_times(bars.open_ms, file.timeframe_ms)
    return _filled(file, "candles", columns, times, broken_values(bars), file.timeframe_ms)


def _funding_report(file: CandleFile) -> FileReport:
    columns = read_funding_columns(file.path)
    times = np.unique(columns.time_ms[columns.time_ms != UNREADABLE_MS])
    # Settlements have no timeframe of their own: the shortest time between two is taken for it.
    usual_ms = int(np.diff(times).min()) if len(times) > 1 else 0
    rules = funding_rules(columns)
    return _filled(file, "funding", columns, rules[:-1], rules[-1:], usual_ms)


def _filled(
    file: CandleFile, kind: str, columns: Columns, times: list[Broken], values: list[Broken], step_ms: int
) -> FileReport:
    readable = columns.time_ms[columns.time_ms != UNREADABLE_MS]
    different = np.unique(readable)
    missing = np.diff(different) // step_ms - 1 if step_ms else np.empty(0, np.int64)
    duplicates = len(readable) - len(different)
    repeated = np.flatnonzero(np.diff(columns.time_ms) == 0) + 1
    flaw = first_flaw([*times, *values], columns.shown)
    return FileReport(
        file=file.path.name,
        kind=kind,
        symbol=file.symbol,
        timeframe=timeframe_name(step_ms) if step_ms else "",
        rows=len(columns.time_ms),
        first_ms=int(different[0]) if len(different) else None,
        last_ms=int(different[-1]) if len(different) else None,
        gaps=int((missing > 0).sum()),
        missing_bars=int(missing[missing > 0].sum()),
        duplicates=duplicates,
        misplaced=len(np.setdiff1d(_rows(times), repeated)),
        impossible=len(_rows(values)),
        first_flaw_row=None if flaw is None else flaw.row + 1,
        first_flaw="" if flaw is None else flaw.sentence,
    )


def _rows(rules: list[Broken]) -> np.ndarray:
    return np.unique(np.concatenate([rule.rows for rule in rules])) if rules else np.empty(0, np.int64)
