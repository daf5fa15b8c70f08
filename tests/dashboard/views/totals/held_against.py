"""What a page shows held against what it should show: every difference, and whatever nobody worked out."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from tests.dashboard.views.grids import grids
from tests.dashboard.views.totals import shown, tables
from tests.dashboard.views.totals.catalogue import Shown
from tests.dashboard.views.totals.charts import ACROSS, SUM, Chart, Drawn
from tests.dashboard.views.totals.ledger import Ledger

# Captions of times of the wall clock, and of what is no figure of the ledger.
_AGE = re.compile(r".*\bstep ([\d,]+)\W*$")
_OTHER = re.compile(r"market time .*|.*\bas of .*|Unchanged for .*|Decided at .*")


def complaints(app: AppTest, expected: Shown, ledger: Ledger) -> list[str]:
    """Give what is wrong with the numbers of a page; nothing where all are right and none is unknown."""
    found = [f"the page fails: {error.message}" for error in app.exception]
    found += _tiles(app, expected)
    found += _captions(app, expected, ledger)
    found += _tables(app, expected)
    found += _totals(app)
    found += _charts(app, expected)
    return found


def _tiles(app: AppTest, expected: Shown) -> Iterator[str]:
    seen = {tile.label: tile for tile in shown.tiles(app)}
    for label in seen.keys() ^ expected.tiles.keys():
        yield f"tile {label!r} is shown and nobody works it out, or is missing"
    for label in seen.keys() & expected.tiles.keys():
        tile, wanted = seen[label], expected.tiles[label]
        for said, should in ((tile.value, wanted.value), (tile.about, wanted.about), (tile.change, wanted.change)):
            wrong = shown.disagreement(said, *should)
            if wrong:
                yield f"tile {label!r}: {wrong}"


def _captions(app: AppTest, expected: Shown, ledger: Ledger) -> Iterator[str]:
    wanted = list(expected.captions)
    for said in shown.captions(app):
        age = _AGE.fullmatch(said)
        if age is not None:
            if not shown.agrees(age[1], ledger.steps):
                yield f"{said!r} must be step {ledger.steps}"
        elif not _OTHER.fullmatch(said):
            wrong = shown.disagreement(said, *wanted.pop(0)) if wanted else f"{said!r} is a number nobody works out"
            if wrong:
                yield wrong
    yield from (f"caption {should!r} is missing" for should in wanted)


def _tables(app: AppTest, expected: Shown) -> Iterator[str]:
    found = shown.tables(app)
    if len(found) != len(expected.tables):
        yield f"{len(expected.tables)} tables are worked out, {len(found)} are shown"
        return
    for at, (table, wanted) in enumerate(zip(found, expected.tables, strict=True)):
        if wanted is not None:
            yield from (f"table {at}: {wrong}" for wrong in _table(table, wanted))


def _totals(app: AppTest) -> Iterator[str]:
    for grid in grids(app):
        values = grid.value
        for name, said in grid.totals.items():
            if not shown.agrees(said.removesuffix("%"), float(np.nansum(values[name]))):
                yield f"the total of {name} in {grid.label!r} must be {np.nansum(values[name])!r}, is {said!r}"


def _table(table: pd.DataFrame, wanted: tables.Expected) -> Iterator[str]:
    if not wanted.rows:
        yield "no row is worked out for it"
        return
    if len(table) != len(wanted.rows):
        yield f"it must have {len(wanted.rows)} rows, has {len(table)}"
        return
    names = [name for name in table.columns if name in wanted.rows[0] and name not in wanted.free]
    for name in table.columns:
        if name not in names and name not in wanted.free and pd.api.types.is_numeric_dtype(table[name]):
            yield f"column {name!r} holds numbers that nobody works out"
    rows = _in_order(table, wanted)
    if isinstance(rows, str):
        yield rows
        return
    for name in names:
        for place, (said, row) in enumerate(zip(table[name].tolist(), rows, strict=True)):
            if not _same(said, row[name]):
                of = [row[key] for key in wanted.key] or f"row {place}"
                yield f"{name} of {of} must be {row[name]!r}, is {said!r}"
                break


def _in_order(table: pd.DataFrame, wanted: tables.Expected) -> list[tables.Row] | str:
    if not wanted.key:
        return wanted.rows
    by_key = {tuple(row[name] for name in wanted.key): row for row in wanted.rows}
    keys = list(table[list(wanted.key)].itertuples(index=False, name=None))
    if set(keys) != set(by_key) or len(by_key) != len(keys):
        return f"its rows must be of {sorted(map(str, by_key))[:4]}…, are of {sorted(map(str, keys))[:4]}…"
    return [by_key[key] for key in keys]


def _same(said: object, should: object) -> bool:
    if isinstance(should, str):
        return said == should
    if should is None or should != should:
        return said == "" or bool(pd.isna(said))
    return not pd.isna(said) and bool(np.isclose(float(said), float(should), rtol=1e-9, atol=1e-7))  # type: ignore[arg-type]


def _charts(app: AppTest, expected: Shown) -> Iterator[str]:
    found = shown.charts(app)
    for key in found.keys() ^ expected.charts.keys():
        yield f"chart {key!r} is drawn and nobody works it out, or is missing"
    for key in found.keys() & expected.charts.keys():
        yield from (f"chart {key!r}: {wrong}" for wrong in _chart(found[key], expected.charts[key]))


def _chart(traces: list[dict], wanted: Chart) -> Iterator[str]:
    named = {trace.get("name") or str(at): trace for at, trace in enumerate(traces)}
    for name in {drawn.name for drawn in wanted} - named.keys() - {SUM, ACROSS}:
        yield f"{name!r} is not drawn, {sorted(named)} are"
    known = {drawn.name for drawn in wanted}
    if wanted and not known & {SUM, ACROSS}:
        yield from (f"{name!r} is drawn and nobody works it out" for name in named.keys() - known)
    for drawn in wanted:
        if drawn.name in named or drawn.name in (SUM, ACROSS):
            wrong = _differs(_values(named, drawn), np.array(drawn.values, np.float64))
            if wrong:
                yield f"{drawn.name!r} along {drawn.axis!r}: {wrong}"


def _values(named: dict[str, dict], drawn: Drawn) -> np.ndarray:
    if drawn.name == SUM:
        return np.array([sum(float(np.sum(trace[drawn.axis])) for trace in named.values())])
    if drawn.name == ACROSS:
        return np.sum([np.array(trace[drawn.axis], np.float64) for trace in named.values()], axis=0)
    trace = named[drawn.name]
    if isinstance(drawn.axis, int):
        data = np.array(trace["customdata"], np.float64)
        return data.reshape(-1, data.shape[-1] if data.ndim > 1 and len(data) > 1 else 1)[:, drawn.axis]
    return np.ravel(np.array(trace[drawn.axis], np.float64))


def _differs(said: np.ndarray, should: np.ndarray) -> str:
    """Compare as sorted, for bars stand in an order of their own; what is not known is not drawn."""
    said, should = np.sort(said[~np.isnan(said)]), np.sort(should[~np.isnan(should)])
    if len(said) != len(should):
        return f"{len(should)} values must be drawn, were {len(said)}"
    apart = np.abs(said - should)
    if (apart <= 1e-7 + 1e-9 * np.abs(should)).all():
        return ""
    at = int(np.argmax(apart))
    return f"{should[at]!r} must be drawn, was {said[at]!r}"
