"""Numbers as the world writes them: `42000.5`, `42.000,50`, `42,000.50`, `$1.2K`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from worker.market.files.arrays import to_flags, to_floats

# What stands where a number is not known.
NOTHING = frozenset(("", "nan", "null", "none", "n/a", "na", "-", "--"))

_THOUSANDS_COMMA = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?\D?")
_DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+(e[-+]?\d+)?\D?", re.IGNORECASE)
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9}


def read_numbers(columns: Mapping[str, pa.ChunkedArray], decimal_comma: bool) -> dict[str, np.ndarray]:
    """Read columns of one file as float64, NaN where a cell is no number.

    Whether a comma is decimal is told by all of them together; where they leave it open, by `decimal_comma`.
    """
    plain = {role: numbers for role, column in columns.items() if (numbers := _plain(column)) is not None}
    texts = {role: _texts(column) for role, column in columns.items() if role not in plain}
    is_comma = _has_decimal_comma((text for cells in texts.values() for text in cells if "," in text), decimal_comma)
    return {
        role: plain[role] if role in plain else np.array([_number(text, is_comma) for text in texts[role]], np.float64)
        for role in columns
    }


def is_nothing(column: pa.ChunkedArray) -> np.ndarray:
    """Say of each cell whether nothing is written in it: empty, `null`, `NaN`."""
    if pa.types.is_floating(column.type):
        return to_flags(column.is_null(nan_is_null=True))
    if not is_text(column.type):
        return to_flags(column.is_null())
    return np.array([text.lower() in NOTHING for text in _texts(column)], bool)


def is_text(kind: Any) -> bool:
    """Say whether a column holds texts."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)


def _plain(column: pa.ChunkedArray) -> np.ndarray | None:
    """Read a column that holds nothing but plain numbers; None where its texts must be looked at one by one."""
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return to_floats(column)
    if not is_text(kind):
        return np.full(len(column), np.nan)
    try:
        return to_floats(column.cast(pa.string()).cast(pa.float64()))
    except pa.ArrowInvalid:
        return None


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]


def _has_decimal_comma(cells: Iterable[str], otherwise: bool) -> bool:
    """Look for a cell that can be read in one way only."""
    for text in cells:
        thousands, decimal = bool(_THOUSANDS_COMMA.fullmatch(text)), bool(_DECIMAL_COMMA.fullmatch(text))
        if thousands != decimal:
            return decimal
    return otherwise


def _number(text: str, decimal_comma: bool) -> float:
    text = text.strip("$€£ \u00a0")
    unit = _UNITS.get(text[-1:].lower(), 1.0)
    if unit != 1.0:
        text = text[:-1]
    for mark in " \u00a0\u202f'’":
        text = text.replace(mark, "")
    text = text.replace(".", "").replace(",", ".") if decimal_comma and "," in text else text.replace(",", "")
    try:
        # An underscore is none of a number's marks in a file.
        return float(text) * unit if "_" not in text else np.nan
    except ValueError:
        return np.nan
