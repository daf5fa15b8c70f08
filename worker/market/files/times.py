"""Times as the world writes them, as milliseconds since 1970: numbers of any unit, and dates in any usual form."""

from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import CandleError
from worker.market.files.arrays import to_array, to_flags, to_floats
from worker.market.files.numbers import is_text
from worker.market.impossible import UNREADABLE_MS

if TYPE_CHECKING:
    import pandas as pd

# Numbers up to these are seconds, milliseconds, microseconds, else nanoseconds: each holds the years 1973 to 5138.
_EPOCH_LIMITS = (1e11, 1e14, 1e17)
_MS_PER = (1000.0, 1.0, 1e-3, 1e-6)
# Digits that are no count but a date: 20240131 and 20240131093000.
_DATE_DIGITS = ((19_000_101.0, 22_000_101.0, "%Y%m%d"), (19_000_101e6, 22_000_101e6, "%Y%m%d%H%M%S"))

_DATES = ("%Y-%m-%d", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%a %b %d %Y")
_TURNED = (("%d/%m/%Y", "%m/%d/%Y"), ("%d/%m/%y", "%m/%d/%y"))
_CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I-%p",
    " %I %p",
    " %H%M%S",
    " %H%M",
    " %H",
)

# What is matched, and what is written instead; the day or month first, and behind a date a blank.
_YEAR_FIRST = (r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3")
_TURNED_DATE = (r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})$", r"\1/\2/\3")
_TURNED_TIME = (r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:[T ]|, ?)", r"\1/\2/\3 ")


def read_times(
    file: str, column: pa.ChunkedArray, clock: pa.ChunkedArray | None = None, date_format: str | None = None
) -> np.ndarray:
    """Read times as int64 milliseconds, UTC where they name no zone, `UNREADABLE_MS` where a cell is no time.

    The unit of a number is told by its size, row by row. Raises CandleError where a date may be read in two ways.
    """
    if clock is not None:
        column = _with_clock(column, clock)
    kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("ms")), pa.timestamp("ms")
    if pa.types.is_timestamp(kind):
        return _in_ms(column.cast(pa.int64()), {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}[kind.unit])
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if is_number and date_format is None:
        return _epochs(column)
    if not (is_text(kind) or is_number):
        return np.full(len(column), UNREADABLE_MS, np.int64)
    texts = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), "")).combine_chunks()
    if date_format is not None:
        return _by_format(_series(texts.to_pylist()), date_format)
    return _texts(file, _tidy(texts))


def _with_clock(dates: pa.ChunkedArray, clocks: pa.ChunkedArray) -> pa.ChunkedArray:
    """Put a time of day behind its date, where it is one."""
    try:
        texts = [column.cast(pa.string()).to_pylist() for column in (dates, clocks)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return dates
    pairs = list(zip(*texts, strict=True))
    date, clock = next((pair for pair in pairs if all(pair)), ("", ""))
    if not (":" in clock or (clock.isdigit() and len(date) == 8)):
        return dates
    both = [None if None in pair else f"{pair[0]} {_six_digits(pair[1])}" for pair in pairs]
    return pa.chunked_array([pa.array(both, pa.string())])


def _six_digits(clock: str) -> str:
    # 93000 has lost the 0 of 093000.
    return clock if not clock.isdigit() else clock.zfill(4 if len(clock) <= 4 else 6)


def _epochs(column: pa.ChunkedArray) -> np.ndarray:
    missing = to_flags(column.is_null(nan_is_null=True))
    is_whole = pa.types.is_integer(column.type)
    values = to_array(column.cast(pa.int64(), safe=False)) if is_whole else to_floats(column)
    return np.where(missing | ~np.isfinite(values), UNREADABLE_MS, _of_numbers(values))


def _of_numbers(values: np.ndarray) -> np.ndarray:
    values = np.where(np.isfinite(values), values, 0)
    size = np.abs(values)
    ms = np.full(len(values), UNREADABLE_MS, np.int64)
    units = np.searchsorted(_EPOCH_LIMITS, size, side="right")
    for unit in np.unique(units):
        rows = units == unit
        ms[rows] = _scaled(values[rows], _MS_PER[unit])
    for low, high, form in _DATE_DIGITS:
        rows = (size >= low) & (size < high)
        if rows.any():
            ms[rows] = _by_format(_series([str(int(value)) for value in values[rows]]), form)
    # An index that counts rows is no time.
    return np.where(size < _DATE_DIGITS[0][0], UNREADABLE_MS, ms)


def _scaled(values: np.ndarray, ms_per: float) -> np.ndarray:
    if ms_per >= 1.0:
        return np.rint(values * ms_per).astype(np.int64)
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.int64) // round(1 / ms_per)
    return np.rint(values * ms_per).astype(np.int64)


def _in_ms(column: pa.ChunkedArray, ms_per: float) -> np.ndarray:
    missing = to_flags(column.is_null())
    values = to_array(column)
    # What seconds cannot be told in milliseconds is no time of any candle.
    too_far = np.abs(values) > np.iinfo(np.int64).max // max(int(ms_per), 1)
    values = np.where(missing | too_far, 0, values)
    return np.where(missing | too_far, UNREADABLE_MS, _scaled(values, ms_per))


def _tidy(texts: pa.Array) -> pa.Array:
    """Write cells without quotes and the name of UTC, and the year of a date that goes first with hyphens."""
    texts = pc.replace_substring_regex(pc.utf8_trim(texts, characters="'\""), " (UTC|GMT)$", "")
    return pc.replace_substring_regex(texts, *_YEAR_FIRST)


def _texts(file: str, texts: pa.Array) -> np.ndarray:
    import pandas as pd

    turned = np.zeros(len(texts), bool)
    for form, _ in (_TURNED_DATE, _TURNED_TIME):
        turned |= pc.match_substring_regex(texts, form).to_numpy(zero_copy_only=False)
    cells = _series(texts.to_pylist())
    times = np.full(len(texts), UNREADABLE_MS, np.int64)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    counted = np.isfinite(numbers)
    times[counted] = _of_numbers(numbers[counted])
    if turned.any():
        times[turned] = _turned(file, texts.filter(pa.array(turned)))
    rest = ~counted & ~turned
    if rest.any():
        times[rest] = _unturned(cells[rest])
    return times


def _unturned(cells: "pd.Series") -> np.ndarray:
    """Read ISO texts, and then, form by form, those that the first unread one shows."""
    import pandas as pd

    times = _in_series(pd.to_datetime(cells, utc=True, format="ISO8601", errors="coerce"))
    for date, clock in product(_DATES, _CLOCKS):
        unread = np.flatnonzero(times == UNREADABLE_MS)
        if not len(unread):
            break
        if any(_fits(text, date + clock) for text in cells.iloc[unread[:3]]):
            times[unread] = _by_format(cells.iloc[unread], date + clock)
    return times


def _turned(file: str, texts: pa.Array) -> np.ndarray:
    """Read dates whose day or month goes first, as the whole file proves."""
    for form, written in (_TURNED_DATE, _TURNED_TIME):
        texts = pc.replace_substring_regex(texts, form, written, max_replacements=1)
    cells = _series(texts.to_pylist())
    first = cells.iloc[0]
    for dates, clock in product(_TURNED, _CLOCKS):
        fitting = [date + clock for date in dates if _matches(first, date + clock)]
        if fitting:
            return _proved(file, cells, [date + clock for date in dates])
    return np.full(len(cells), UNREADABLE_MS, np.int64)


def _matches(text: str, form: str) -> bool:
    # The length tells %y from %Y, which strptime takes for each other.
    return _fits(text, form) and (len(text.split(" ")[0].split("/")[2]) == 4) == ("%Y" in form)


def _proved(file: str, cells: "pd.Series", forms: list[str]) -> np.ndarray:
    readings = [_by_format(cells, form) for form in forms]
    whole = [times for times in readings if (times != UNREADABLE_MS).all()]
    if len(whole) == 2 and not np.array_equal(whole[0], whole[1]):
        whole = [times for times in whole if _is_ordered(times)]
    if len(whole) == 2 and not np.array_equal(whole[0], whole[1]):
        raise CandleError(
            f"{file} must show which number of {cells.iloc[0].split(' ')[0]} is the day: no row does; name the format "
            f"of its dates, --date-format '{forms[0]}' or '{forms[1]}'"
        )
    if whole:
        return whole[0]
    # Some cell is no date in either: the reading with more of them shows which.
    return max(readings, key=lambda times: int((times != UNREADABLE_MS).sum()))


def _is_ordered(times: np.ndarray) -> bool:
    steps = np.diff(times)
    return bool((steps > 0).all() or (steps < 0).all())


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - times without a zone are UTC
    except ValueError:
        return False
    return True


def _by_format(cells: "pd.Series", form: str) -> np.ndarray:
    import pandas as pd

    return _in_series(pd.to_datetime(cells, utc=True, format=form, errors="coerce"))


def _in_series(times: "pd.Series") -> np.ndarray:
    ms = times.dt.as_unit("ms").astype(np.int64).to_numpy()
    return np.where(times.isna(), UNREADABLE_MS, ms)


def _series(texts: list[str]) -> "pd.Series":
    import pandas as pd

    return pd.Series(texts, dtype=object)
