"""The two forms of a record: an instance of its class, and a row of a structured array."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np

Record = TypeVar("Record")


@cache
def dtype_of(record: type) -> np.dtype:
    """Give the structured dtype of a record class: float64 and int64 fields in order."""
    columns = [(field.name, np.float64 if field.type in (float, "float") else np.int64) for field in fields(record)]
    return np.dtype(columns, align=True)


def to_array(records: list[Any], record: type) -> np.ndarray:
    """Copy records into a structured array."""
    dtype = dtype_of(record)
    return np.array([tuple(getattr(row, name) for name in dtype.names or ()) for row in records], dtype)


def to_records(array: np.ndarray, record: type[Record]) -> list[Record]:
    """Copy the rows of a structured array into records of plain floats and ints."""
    return [record(*row) for row in array.tolist()]
