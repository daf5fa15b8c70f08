"""Which bars of a window are not there, and which of those an exchange has already said it does not have."""

from dataclasses import fields

import numpy as np

from shared.clock import Clock
from shared.units import HOUR_MS
from worker.strategies.bars import Bars

Range = tuple[int, int]

# A candle that was never made stays missing, but an exchange sometimes repairs its history.
ASK_AGAIN_MS = HOUR_MS
ASK_TIMES = 3


def missing_ranges(bars: Bars, start_ms: int, end_ms: int, step_ms: int) -> list[Range]:
    """Give the stretches `[first open, end)` of the grid inside `[start_ms, end_ms)` without a bar."""
    first_ms = -(-start_ms // step_ms) * step_ms
    grid = np.arange(first_ms, end_ms, step_ms, dtype=np.int64)
    absent = grid[~np.isin(grid, bars.open_ms)]
    if not len(absent):
        return []
    stretches = np.split(absent, np.flatnonzero(np.diff(absent) != step_ms) + 1)
    return [(int(stretch[0]), int(stretch[-1]) + step_ms) for stretch in stretches]


def joined_ranges(ranges: list[Range], reach_ms: int) -> list[Range]:
    """Join ascending ranges as long as one reaches no further than `reach_ms`: one request is cheaper than several."""
    joined = ranges[:1]
    for first_ms, end_ms in ranges[1:]:
        if end_ms - joined[-1][0] <= reach_ms:
            joined[-1] = (joined[-1][0], end_ms)
        else:
            joined.append((first_ms, end_ms))
    return joined


def merged(bars: Bars, more: Bars) -> Bars:
    """Give the bars of both, oldest first; where both have one, that of `bars`."""
    if not len(bars):
        return more
    columns = [np.concatenate([getattr(bars, field.name), getattr(more, field.name)]) for field in fields(Bars)]
    _, rows = np.unique(columns[0], return_index=True)
    return Bars(*(column[rows] for column in columns))


class KnownGaps:
    """Gaps an exchange did not fill though it was asked three times, while later bars came: let be for an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[tuple[str, Range], tuple[int, int]] = {}

    def remember(self, symbol: str, ranges: list[Range]) -> None:
        """Note that gaps were asked for once more."""
        forget_ms = self._clock.monotonic_ms() + ASK_AGAIN_MS
        for gap in ranges:
            times, _ = self._asked.get((symbol, gap), (0, 0))
            self._asked[symbol, gap] = (times + 1, forget_ms)

    def unknown(self, symbol: str, ranges: list[Range]) -> list[Range]:
        """Give the ranges that do not lie within a known gap."""
        now_ms = self._clock.monotonic_ms()
        self._asked = {gap: asked for gap, asked in self._asked.items() if asked[1] > now_ms}
        known = [gap for (of, gap), (times, _) in self._asked.items() if of == symbol and times >= ASK_TIMES]
        return [gap for gap in ranges if not any(start <= gap[0] and gap[1] <= end for start, end in known)]
