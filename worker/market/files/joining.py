"""Several files of one symbol and timeframe as one: what continues or agrees is joined, what contradicts is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from worker.market.files.missing import refuse_gaps
from worker.market.files.reading import Reading
from worker.market.files.rows import Rows
from worker.market.impossible import show_time

# Files that were written by different programs differ in the last digits of a sum.
_TOLERANCE = 1e-8


class Joined(NamedTuple):
    """All rows, oldest first; by file name, the row and sentence it is refused for, and what else is said of it.

    `places` of the rows are those of the files.
    """

    rows: Rows
    refusals: Mapping[str, tuple[int, str]]
    notes: Mapping[str, str]


def join(readings: Sequence[Reading], max_missing: float) -> Joined:
    """Join usable files in order of their first row; one that adds nothing is not needed, and said so."""
    refusals: dict[str, tuple[int, str]] = {}
    notes: dict[str, str] = {}
    ordered = sorted(readings, key=lambda reading: (int(reading.rows.time_ms[0]), -len(reading.rows)))
    rows = replace(ordered[0].rows, places=np.zeros(len(ordered[0].rows), np.int64))
    for place, reading in enumerate(ordered[1:], start=1):
        name = reading.file.path.name
        more = replace(reading.rows, places=np.full(len(reading.rows), place))
        at, at_more = _common(rows.time_ms, more.time_ms)
        if refusal := _contradiction(rows, more, at, at_more, ordered):
            refusals[name] = refusal
            continue
        if len(at_more) == len(more):
            others = sorted({ordered[int(one)].file.path.name for one in rows.places[at]})
            notes[name] = f"not read: all of its rows are in {' and '.join(others)}"
            continue
        if len(at_more):
            notes[name] = f"{len(at_more):,} of its rows are in others too, and agree"
        rows = _together(rows, more.without(at_more))
    step_ms = ordered[0].timeframe_ms
    if len(ordered) > 1 and step_ms and (gap := refuse_gaps(rows.time_ms, step_ms, max_missing)):
        last = ordered[int(rows.places[gap[0]])]
        row = int(last.numbers[np.searchsorted(last.rows.time_ms, rows.time_ms[gap[0]])])
        refusals[last.file.path.name] = (row, gap[1])
    return Joined(rows, refusals, notes)


def _common(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if right[0] > left[-1]:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    return at_left, at_right


def _contradiction(
    rows: Rows, more: Rows, at: np.ndarray, at_more: np.ndarray, files: Sequence[Reading]
) -> tuple[int, str] | None:
    """Find the first common row in which two files differ."""
    first = None
    for column in rows.values:
        ours, theirs = rows.values[column][at], more.values[column][at_more]
        different = np.flatnonzero(~np.isclose(ours, theirs, rtol=_TOLERANCE, atol=_TOLERANCE * np.abs(ours)))
        if len(different) and (first is None or different[0] < first[0]):
            first = (int(different[0]), column)
    if first is None:
        return None
    place, column = first
    moment = int(more.time_ms[at_more[place]])
    own, other = files[int(more.places[0])], files[int(rows.places[at[place]])]
    their_row = int(other.numbers[np.searchsorted(other.rows.time_ms, moment)])
    return int(own.numbers[at_more[place]]), (
        f"{column} of {show_time(moment)} must agree with {rows.values[column][at[place]]} of {other.file.path.name} "
        f"row {their_row}, was {more.values[column][at_more[place]]}"
    )


def _together(left: Rows, right: Rows) -> Rows:
    times = np.concatenate([left.time_ms, right.time_ms])
    order = slice(None) if right.time_ms[0] > left.time_ms[-1] else np.argsort(times, kind="stable")
    values = {name: np.concatenate([left.values[name], right.values[name]])[order] for name in left.values}
    return Rows(times[order], values, np.concatenate([left.places, right.places])[order])
