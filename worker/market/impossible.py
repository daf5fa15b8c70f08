"""Bars that cannot be true: the rules every candle passes before anything is decided on it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shared.units import MINUTE_MS, format_time, timeframe_name, to_datetime
from worker.strategies.bars import Bars

# A time that cannot be read.
UNREADABLE_MS = np.iinfo(np.int64).min

PRICES = ("open", "high", "low", "close")


class Broken(NamedTuple):
    """One rule and the rows (from 0) that break it; `expected` says of a row what should have been.

    `way_out` says what a person may do about it.
    """

    column: str
    rows: np.ndarray
    expected: Callable[[int], str]
    way_out: str = ""


class Flaw(NamedTuple):
    """The first broken rule of the first bad row (from 0): `sentence` without the file and row."""

    row: int
    column: str
    expected: str
    was: str
    way_out: str = ""

    @property
    def sentence(self) -> str:
        """Say what was expected and what was."""
        return f"{self.column} must {self.expected}, was {self.was}{self.way_out and f'; {self.way_out}'}"


def broken_times(
    time_ms: np.ndarray, grid_ms: int, phase_ms: int = 0, number: Callable[[int], int] = lambda row: row + 1
) -> list[Broken]:
    """Give the rules of time: readable, on the grid (0 for none) from `phase_ms` on, strictly ascending.

    `number` writes a row as its file counts it.
    """
    unreadable = time_ms == UNREADABLE_MS
    off_grid = (time_ms % grid_ms != phase_ms) & ~unreadable if grid_ms else np.zeros(len(time_ms), bool)
    behind = np.zeros(len(time_ms), bool)
    behind[1:] = (time_ms[1:] <= time_ms[:-1]) & ~unreadable[1:]

    def later(row: int) -> str:
        side = "before" if number(row - 1) < number(row) else "after"
        if time_ms[row] == time_ms[row - 1]:
            return f"differ from row {number(row - 1)} {side} it"
        return f"be after {show_time(int(time_ms[row - 1]))} of the row {side}"

    return [
        Broken("timestamp", np.flatnonzero(unreadable), lambda row: "be a time"),
        Broken("timestamp", np.flatnonzero(off_grid), lambda row: f"be on the {timeframe_name(grid_ms)} grid"),
        Broken("timestamp", np.flatnonzero(behind), later),
    ]


def broken_values(bars: Bars) -> list[Broken]:
    """Give the rules of prices and volume: positive finite prices, low ≤ open, close ≤ high, volume of 0 or more."""
    rules = []
    for name in PRICES:
        price = getattr(bars, name)
        bad_price = ~(np.isfinite(price) & (price > 0.0))
        rules.append(Broken(name, np.flatnonzero(bad_price), lambda row: "be a positive number"))
    bad_volume = ~(np.isfinite(bars.volume) & (bars.volume >= 0.0))
    rules.append(Broken("volume", np.flatnonzero(bad_volume), lambda row: "be 0 or more"))
    crossed = np.flatnonzero(~(bars.low <= bars.high))
    rules.append(Broken("low", crossed, lambda row: f"not exceed high {bars.high[row]}"))
    for name in ("open", "close"):
        price = getattr(bars, name)
        outside = np.flatnonzero(~((bars.low <= price) & (price <= bars.high)))
        rules.append(Broken(name, outside, lambda row: f"lie within low {bars.low[row]} and high {bars.high[row]}"))
    return rules


def first_flaw(rules: list[Broken], shown: Callable[[str, int], str]) -> Flaw | None:
    """Give the first bad row with the first rule it breaks; `shown` writes a cell by column and row."""
    broken = [rule for rule in rules if len(rule.rows)]
    if not broken:
        return None
    rule = min(broken, key=lambda rule: rule.rows[0])
    row = int(rule.rows[0])
    return Flaw(row, rule.column, rule.expected(row), shown(rule.column, row), rule.way_out)


def show_cell(bars: Bars) -> Callable[[str, int], str]:
    """Write cells of bars that come from no file."""

    def shown(column: str, row: int) -> str:
        return show_time(int(bars.open_ms[row])) if column == "timestamp" else str(getattr(bars, column)[row])

    return shown


def show_time(time_ms: int) -> str:
    """Write a time to the minute, or exactly where it is not on one."""
    try:
        return format_time(time_ms) if time_ms % MINUTE_MS == 0 else f"{to_datetime(time_ms).replace(tzinfo=None)} UTC"
    except (OverflowError, ValueError, OSError):
        return str(time_ms)
