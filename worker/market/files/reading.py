"""One file, read and judged: its rows that may be traded on, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from shared.errors import CandleError
from shared.settings import MarketSettings
from shared.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, timeframe_name
from worker.market.files.columns import CANDLE_ROLES, FUNDING_ROLES, RATE, TIME
from worker.market.files.formats import read_sheet
from worker.market.files.missing import refuse_gaps
from worker.market.files.names import CandleFile
from worker.market.files.numbers import is_nothing, read_numbers
from worker.market.files.report import FileReport, counted, numbered
from worker.market.files.rows import (
    Rows,
    distinct,
    grid_phase,
    off_grid,
    oldest_first,
    out_of_order,
    snap,
    usual_distance,
)
from worker.market.files.sheet import Sheet, Wanted
from worker.market.files.times import read_times
from worker.market.impossible import (
    PRICES,
    UNREADABLE_MS,
    Broken,
    Flaw,
    broken_times,
    broken_values,
    first_flaw,
)

_LONGEST_CELL = 60
_SHORTEST_MONTH_MS, _LONGEST_MONTH_MS = 28 * DAY_MS, 31 * DAY_MS


class Reading(NamedTuple):
    """A file with its rows, oldest first, and its report; the rows mean something where the report says usable.

    `timeframe_ms` is 0 for funding. `numbers` are the rows of the file, from 1.
    """

    file: CandleFile
    timeframe_ms: int
    rows: Rows
    numbers: np.ndarray
    report: FileReport


def read_file(file: CandleFile, settings: MarketSettings) -> Reading:
    """Read and judge one file; whatever is wrong with it is in its report, nothing is raised."""
    try:
        return _Judge(file, settings).reading()
    except CandleError as error:
        nothing = Rows(np.empty(0, np.int64), {}, np.empty(0, np.int64))
        kind = "funding" if file.funding else "candles"
        report = FileReport(file.path.name, kind, file.symbol, error=str(error))
        return Reading(file, file.timeframe_ms, nothing, nothing.places, report)


class _Judge:
    """The judgement of one file, from its cells to its report."""

    def __init__(self, file: CandleFile, settings: MarketSettings) -> None:
        self._file, self._settings = file, settings
        roles = FUNDING_ROLES if file.funding else CANDLE_ROLES
        wanted = Wanted(roles, file.symbol, settings.date_format is not None, settings.skip_bad_rows)
        self._sheet: Sheet = read_sheet(file.path, wanted)
        self._numbers = np.asarray(self._sheet.numbers)
        self._skipped: list[int] = [number for number, _ in self._sheet.ragged]
        self._notes: list[str] = []
        if self._skipped:
            self._notes.append(f"{numbered(self._skipped)} left out: {self._sheet.ragged[0][1]}")

    def reading(self) -> Reading:
        rows = self._without_empty(self._all_rows())
        if not len(rows):
            raise CandleError(f"{self._file.path.name} must hold at least one row with prices, holds empty ones")
        rows = oldest_first(rows)
        step_ms = self._timeframe_ms(rows.time_ms)
        phase_ms = grid_phase(rows.time_ms, step_ms) if step_ms else 0
        rules = self._rules(rows, step_ms, phase_ms)
        report = self._counted(rows, step_ms, *rules)
        rows, flaw = self._judged(rows, step_ms, phase_ms, *rules)
        found = flaw and (int(self._numbers[rows.places[flaw.row]]), flaw.sentence)
        if not found and step_ms and (gap := refuse_gaps(rows.time_ms, step_ms, self._settings.max_missing)):
            found = (int(self._numbers[rows.places[gap[0]]]), gap[1])
        report = replace(
            report,
            first_flaw_row=found[0] if found else None,
            first_flaw=found[1] if found else "",
            skipped_rows=tuple(sorted(self._skipped)),
            notes=tuple(self._notes),
        )
        return Reading(self._file, step_ms, rows, self._numbers[rows.places], report)

    def _all_rows(self) -> Rows:
        sheet, name = self._sheet, self._file.path.name
        time_ms = read_times(name, sheet.columns[TIME], sheet.clock, self._settings.date_format)
        numbers = {role: column for role, column in sheet.columns.items() if role != TIME}
        values = read_numbers(numbers, sheet.decimal_comma)
        if self._file.funding:
            time_ms = settlement_ms(time_ms)
        return Rows(time_ms, values, np.arange(len(time_ms)))

    def _without_empty(self, rows: Rows) -> Rows:
        """Leave out rows without any price: a bar in which nothing was traded, as some write it."""
        if self._file.funding:
            return rows
        volume = rows.values["volume"]
        empty = np.all([np.isnan(rows.values[name]) for name in PRICES], axis=0) & ~(volume > 0.0)
        places = np.flatnonzero(empty)
        if not len(places):
            return rows
        written = [~is_nothing(self._sheet.columns[name].take(places)) for name in PRICES]
        places = places[~np.any(written, axis=0)]
        if len(places):
            self._notes.append(f"{counted(len(places))} without any price left out: missing bars")
        return rows.without(places)

    def _timeframe_ms(self, time_ms: np.ndarray) -> int:
        """Give what the name says, else what the rows say; 0 for funding."""
        if self._file.funding:
            return 0
        name, usual_ms = self._file.path.name, self._file.timeframe_ms or usual_distance(time_ms)
        if not usual_ms:
            raise CandleError(f"{name} must name its timeframe, like BTC_USDT-1h.csv, for one row shows none")
        if _SHORTEST_MONTH_MS <= usual_ms <= _LONGEST_MONTH_MS and usual_ms % (7 * DAY_MS):
            raise CandleError(f"{name} must hold bars of one length, holds months")
        if DAY_MS % usual_ms and usual_ms % DAY_MS:
            raise CandleError(
                f"{name} must hold bars that divide a day or are whole days, most are {timeframe_name(usual_ms)} apart"
            )
        return usual_ms

    def _rules(self, rows: Rows, step_ms: int, phase_ms: int) -> tuple[list[Broken], list[Broken]]:
        times = broken_times(rows.time_ms, step_ms, phase_ms, lambda row: int(self._numbers[rows.places[row]]))
        way_out = "--off-grid snap or skip takes the rest"
        times[1] = times[1]._replace(way_out=way_out)
        return times, rate_rules(rows.values[RATE]) if self._file.funding else broken_values(rows.bars())

    def _judged(
        self, rows: Rows, step_ms: int, phase_ms: int, times: list[Broken], values: list[Broken]
    ) -> tuple[Rows, Flaw | None]:
        """Give the rows that are left, and the first flaw where one stays."""
        if not any(len(rule.rows) for rule in (*times, *values)):
            return rows, None
        is_strict = self._settings.off_grid == "refuse" or not step_ms
        if is_strict and not self._settings.skip_bad_rows:
            return rows, first_flaw([*times, *values], self._shown(rows))
        unreadable, beside, _ = times
        bad = [unreadable, *([beside] if is_strict else []), *values]
        flaw = first_flaw(bad, self._shown(rows))
        if flaw and not self._settings.skip_bad_rows:
            return rows, flaw
        rows = self._skip(rows, np.unique(np.concatenate([rule.rows for rule in bad])), flaw)
        if not is_strict:
            rows = self._on_grid(rows, step_ms, phase_ms)
        if not len(rows):
            raise CandleError(f"{self._file.path.name} must hold at least one row that can be true, holds none")
        return self._in_order(rows, step_ms, phase_ms)

    def _in_order(self, rows: Rows, step_ms: int, phase_ms: int) -> tuple[Rows, Flaw | None]:
        behind = self._rules(rows, step_ms, phase_ms)[0][2]
        flaw = first_flaw([behind], self._shown(rows))
        if flaw and self._settings.skip_bad_rows:
            return self._skip(rows, out_of_order(rows.time_ms), flaw), None
        return rows, flaw

    def _on_grid(self, rows: Rows, step_ms: int, phase_ms: int) -> Rows:
        beside = np.flatnonzero(off_grid(rows.time_ms, step_ms, phase_ms))
        if not len(beside):
            return rows
        which = numbered(np.sort(self._numbers[rows.places[beside]]).tolist())
        if self._settings.off_grid == "skip":
            self._skipped += self._numbers[rows.places[beside]].tolist()
            self._notes.append(f"{counted(len(beside))} off the {timeframe_name(step_ms)} grid left out: {which}")
            return rows.without(beside)
        snapped = snap(rows, step_ms, phase_ms)
        merged = f", {len(rows) - len(snapped):,} of them merged with another" if len(snapped) < len(rows) else ""
        self._notes.append(f"{counted(len(beside))} moved to the {timeframe_name(step_ms)} grid{merged}: {which}")
        return snapped

    def _skip(self, rows: Rows, bad: np.ndarray, flaw: Flaw | None) -> Rows:
        if flaw is None or not len(bad):
            return rows
        numbers = sorted(self._numbers[rows.places[bad]].tolist())
        self._skipped += numbers
        first = int(self._numbers[rows.places[flaw.row]])
        self._notes.append(f"{numbered(numbers)} left out; row {first}: {flaw.sentence}")
        return rows.without(bad)

    def _shown(self, rows: Rows) -> Callable[[str, int], str]:
        def shown(column: str, row: int) -> str:
            cell = self._sheet.columns[column][int(rows.places[row])]
            try:
                value = cell.as_py()
            except (OverflowError, ValueError, KeyError):
                # A year after 9999, or a zone nobody knows.
                value = getattr(cell, "value", "what cannot be shown")
            text = "empty" if value is None else str(value)
            return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"

        return shown

    def _counted(self, rows: Rows, step_ms: int, times: list[Broken], values: list[Broken]) -> FileReport:
        """Count what is in the file as it stands."""
        different = distinct(rows.time_ms)
        # Settlements have no timeframe of their own: the shortest time between two is taken for it.
        usual_ms = step_ms or _round(int(np.diff(different).min()) if len(different) > 1 else 0)
        missing = np.rint(np.diff(different) / usual_ms).astype(np.int64) - 1 if usual_ms else np.empty(0, np.int64)
        repeated = np.flatnonzero(np.diff(rows.time_ms) == 0) + 1
        return FileReport(
            file=self._file.path.name,
            kind="funding" if self._file.funding else "candles",
            symbol=self._file.symbol,
            timeframe=timeframe_name(usual_ms) if usual_ms else "",
            rows=len(self._numbers),
            first_ms=int(different[0]) if len(different) else None,
            last_ms=int(different[-1]) if len(different) else None,
            gaps=int((missing > 0).sum()),
            missing_bars=int(missing[missing > 0].sum()),
            duplicates=int(np.count_nonzero(rows.time_ms != UNREADABLE_MS)) - len(different),
            misplaced=len(np.setdiff1d(_rows_of(times), repeated)),
            impossible=len(_rows_of(values)),
        )


def settlement_ms(time_ms: np.ndarray) -> np.ndarray:
    """Bring settlement times to the nearest second; exchanges stamp some a few milliseconds late."""
    to_second = time_ms + SECOND_MS // 2
    return np.where(time_ms == UNREADABLE_MS, time_ms, to_second - to_second % SECOND_MS)


def rate_rules(rates: np.ndarray) -> list[Broken]:
    """Give the rule of funding rates: between -1 and 1."""
    outside = np.flatnonzero(~(np.abs(rates) < 1.0))
    return [Broken(RATE, outside, lambda row: "lie between -1 and 1")]


def _round(distance_ms: int) -> int:
    """Bring a distance to whole minutes where it is one of hours."""
    return round(distance_ms / MINUTE_MS) * MINUTE_MS if distance_ms >= HOUR_MS // 2 else distance_ms


def _rows_of(rules: list[Broken]) -> np.ndarray:
    return np.unique(np.concatenate([rule.rows for rule in rules])) if rules else np.empty(0, np.int64)
