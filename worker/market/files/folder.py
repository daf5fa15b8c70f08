"""A folder of candles and funding: which files there are, what each holds, and what they give together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shared.errors import CandleError, ConfigurationError
from shared.settings import MarketSettings
from shared.units import timeframe_name
from worker.market.files.columns import RATE
from worker.market.files.joining import Joined, join
from worker.market.files.mapping import FILE_NAME, load_mapping
from worker.market.files.names import NAME_RULE, CandleFile, is_candidate, keys_of, read_name
from worker.market.files.reading import Reading, read_file
from worker.market.files.report import FileReport
from worker.market.files.rows import Rows
from worker.market.files.symbols import of_market
from worker.market.protocol import FinestBars
from worker.strategies.bars import Bars, no_bars, resample


class Candles(NamedTuple):
    """Bars of one symbol, the timeframe of the files, the opens of bars with parts missing, and what must be known."""

    bars: Bars
    file_timeframe_ms: int
    incomplete_ms: np.ndarray
    notes: tuple[str, ...] = ()


class Series(NamedTuple):
    """Files that belong together: of one symbol, and one timeframe (0 for funding)."""

    symbol: str
    timeframe_ms: int
    readings: tuple[Reading, ...]


class CandleFolder:
    """The files of a folder, each read once, when it is asked for.

    Names are held against the symbols `asked` for; how rows are taken is said by `settings`. Raises ConfigurationError
    where the folder is missing or has no file that could hold candles.
    """

    def __init__(self, folder: Path, settings: MarketSettings | None = None, asked: Collection[str] = ()) -> None:
        self.folder = folder
        self._settings = settings or MarketSettings()
        self._readings: dict[Path, Reading] = {}
        self.paths = _paths_in(folder)
        named = load_mapping(folder)
        self._unused = set(named) - {key for path in self.paths for key in keys_of(path)}
        self.files: Mapping[Path, CandleFile] = {
            path: file for path in self.paths if (file := read_name(path, asked, named)) is not None
        }

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Give the symbols the folder has candles of, in order of name."""
        return tuple(sorted({file.symbol for file in self.files.values() if not file.funding}))

    def candles(self, symbol: str, timeframe_ms: int) -> Candles:
        """Give all candles of a symbol. A first or last bar the files begin or end in the middle of is left out.

        Of several timeframes the one asked for is read, else the coarsest that divides it, resampled. A bar with some
        of its parts missing is given, made from those there are, and named in `incomplete_ms`: an exchange forms its
        candle from the trades there were, too.
        """
        readings, notes = self._chosen(symbol, timeframe_ms)
        rows, more = self._taken(readings)
        bars, file_ms = rows.bars(), readings[0].timeframe_ms
        if file_ms == timeframe_ms:
            return Candles(bars, file_ms, np.empty(0, np.int64), (*notes, *more))
        bars = _whole(bars, file_ms, timeframe_ms)
        opens, parts = np.unique(bars.open_ms - bars.open_ms % timeframe_ms, return_counts=True)
        incomplete_ms = opens[parts < timeframe_ms // file_ms]
        return Candles(resample(bars, timeframe_ms), file_ms, incomplete_ms, (*notes, *more))

    def finest(self, symbol: str, timeframe_ms: int) -> FinestBars:
        """Give the candles of the finest files of a symbol that divide a timeframe, as they are."""
        readings, _ = self._chosen(symbol, timeframe_ms, finest=True)
        rows, _ = self._taken(readings)
        return FinestBars(rows.bars(), readings[0].timeframe_ms)

    def funding(self, symbol: str) -> tuple[np.ndarray, np.ndarray]:
        """Give all settlement times (int64 ms, ascending) and rates (float64 fractions) of a symbol."""
        files = [file for file in self.files.values() if file.funding]
        symbols = of_market({file.symbol for file in files}, symbol)
        chosen = [self._read(file) for file in files if file.symbol in symbols]
        if not chosen:
            raise ConfigurationError(
                f"folder {self.folder} must hold funding of {symbol} named like BTC_USDT-8h-funding.parquet"
            )
        rows, _ = self._taken(chosen)
        return rows.time_ms, rows.values[RATE]

    def series(self) -> list[Series]:
        """Give all usable files by what they belong to, read."""
        found: dict[tuple[str, int, bool], list[Reading]] = {}
        for file in self.files.values():
            reading = self._read(file)
            if reading.report.usable:
                found.setdefault((file.symbol, reading.timeframe_ms, file.funding), []).append(reading)
        return [Series(symbol, step_ms, tuple(readings)) for (symbol, step_ms, _), readings in sorted(found.items())]

    def refused(self) -> list[Reading]:
        """Give the files that are not usable, read."""
        readings = [self._read(file) for file in self.files.values()]
        return [reading for reading in readings if not reading.report.usable]

    def joined(self, series: Series) -> Joined:
        """Join the files of a series."""
        return join(series.readings, self._settings.max_missing)

    def reports(self) -> list[FileReport]:
        """Report on every file in order of name, with what becomes of it beside the others; last on unused names."""
        reports = {path.name: self._report(path) for path in self.paths}
        for series in self.series():
            joined = self.joined(series)
            for name, note in joined.notes.items():
                reports[name] = replace(reports[name], notes=(*reports[name].notes, note))
            for name, (row, sentence) in joined.refusals.items():
                reports[name] = replace(reports[name], first_flaw_row=row, first_flaw=sentence)
        unused = [
            FileReport(FILE_NAME, error=f"{FILE_NAME} must name files of the folder, {name} is none")
            for name in sorted(self._unused)
        ]
        return [*reports.values(), *unused]

    def _report(self, path: Path) -> FileReport:
        if path not in self.files:
            return FileReport(
                path.name, error=f"name must be like {NAME_RULE}, or its symbol in {FILE_NAME}, is left alone"
            )
        return self._read(self.files[path]).report

    def _read(self, file: CandleFile) -> Reading:
        if file.path not in self._readings:
            self._readings[file.path] = read_file(file, self._settings)
        return self._readings[file.path]

    def _taken(self, readings: Sequence[Reading]) -> tuple[Rows, list[str]]:
        """Join files that must all be good; raises CandleError for the first that is not."""
        for reading in readings:
            if not reading.report.usable:
                raise CandleError(reading.report.refusal)
        joined = join(readings, self._settings.max_missing)
        for name, (row, sentence) in joined.refusals.items():
            raise CandleError(f"{name} row {row}: {sentence}")
        said = [(reading.file.path.name, note) for reading in readings for note in reading.report.notes]
        return joined.rows, [f"{name}: {note}" for name, note in (*said, *joined.notes.items())]

    def _chosen(self, symbol: str, timeframe_ms: int, finest: bool = False) -> tuple[list[Reading], list[str]]:
        """Choose the files of the timeframe asked for, else of the coarsest that divides it; say which are not read."""
        candles = [file for file in self.files.values() if not file.funding]
        symbols = of_market({file.symbol for file in candles}, symbol)
        files = [file for file in candles if file.symbol in symbols]
        if not files:
            held = ", ".join(self.symbols) or "no candles"
            raise ConfigurationError(f"folder {self.folder} must hold candles of {symbol}, holds {held}")
        steps_ms = {file.path: self._timeframe_ms(file) for file in files}
        usable = [step_ms for step_ms in steps_ms.values() if timeframe_ms % step_ms == 0]
        if not usable:
            raise ConfigurationError(
                f"candles of {symbol} in {self.folder} must be as fine as the timeframe {timeframe_name(timeframe_ms)} "
                f"and divide it, finest is {timeframe_name(min(steps_ms.values()))}"
            )
        step_ms = min(usable) if finest else max(usable)
        notes = [
            f"{path.name}: not read, for it is of {timeframe_name(other_ms)} and there are files of "
            f"{timeframe_name(step_ms)}"
            for path, other_ms in steps_ms.items()
            if other_ms != step_ms
        ]
        notes += [
            f"{file.path.name}: not read, for it is of {file.symbol}"
            for file in candles
            if file.symbol not in symbols and file.symbol.partition(":")[0] == symbol.partition(":")[0]
        ]
        return [self._read(file) for file in files if steps_ms[file.path] == step_ms], notes

    def _timeframe_ms(self, file: CandleFile) -> int:
        if file.timeframe_ms:
            return file.timeframe_ms
        reading = self._read(file)
        if not reading.report.usable:
            raise CandleError(reading.report.refusal)
        return reading.timeframe_ms


def _paths_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "was not found"
        raise ConfigurationError(f"folder of candles must exist, {folder} {found}")
    paths = sorted(path for path in folder.iterdir() if is_candidate(path))
    if not paths:
        raise ConfigurationError(f"folder of candles must hold files like {NAME_RULE}, {folder} holds none")
    return paths


def _whole(bars: Bars, file_ms: int, timeframe_ms: int) -> Bars:
    """Leave out the parts of a first and last bar that the files begin or end in the middle of."""
    first_ms, end_ms = int(bars.open_ms[0]), int(bars.open_ms[-1]) + file_ms
    start_ms, end_ms = -(-first_ms // timeframe_ms) * timeframe_ms, end_ms - end_ms % timeframe_ms
    return bars.between(start_ms, end_ms) if start_ms < end_ms else no_bars()
