"""From a statement to a DataFrame with the same columns and kinds of columns, rows or none."""

from typing import Any

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import BigInteger, Boolean, Connection, Double, Float, Integer, Select


def frame(connection: Connection, statement: Select) -> DataFrame:
    """Read a statement whole.

    Numbers come as float64 with NaN for nothing, whole numbers as int64 (float64 where one is missing), text as str.
    """
    columns = list(statement.selected_columns)
    # The driver's own rows: those of SQLAlchemy take longer to make than to read.
    rows = connection.execute(statement).cursor.fetchall()
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    read = {column.name: _column(column.type, kept) for column, kept in zip(columns, values, strict=True)}
    return DataFrame(read, copy=False)


def empty(**kinds: str) -> DataFrame:
    """Make a frame without rows: a column per name, of the numpy kind given."""
    return DataFrame({name: Series(dtype=kind) for name, kind in kinds.items()})


def first_row(connection: Connection, statement: Select) -> dict[str, Any] | None:
    """Read the first row as a dict, or None where there is none."""
    row = connection.execute(statement).mappings().first()
    return None if row is None else dict(row)


def records(rows: DataFrame, *names: str) -> list[dict[str, Any]]:
    """Give some columns of a frame as one dict per row; all of them would take ten times as long."""
    return [
        dict(zip(names, values, strict=True)) for values in zip(*(rows[name].tolist() for name in names), strict=True)
    ]


def _column(kind: Any, values: tuple[Any, ...]) -> Any:
    if isinstance(kind, (Double, Float)):
        return np.array(values, np.float64)
    if isinstance(kind, (BigInteger, Integer, Boolean)):
        return np.array(values, np.float64 if None in values else np.int64)
    return Series(values, dtype="str")
