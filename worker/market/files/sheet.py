"""A file as a table: its columns by role, with cells as they are written."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from worker.market.files.columns import Roles


class Sheet(NamedTuple):
    """The columns of a file by role. `numbers` of rows count from 1; `decimal_comma` is what its separators suggest.

    `clock` holds times of day that stand apart from their dates; `ragged` says of rows that were left out what they
    lack.
    """

    columns: dict[str, pa.ChunkedArray]
    names: dict[str, str]
    clock: pa.ChunkedArray | None
    numbers: Sequence[int] | range
    decimal_comma: bool = False
    ragged: tuple[tuple[int, str], ...] = ()


class Wanted(NamedTuple):
    """What is to be read of a file: its roles, for a symbol; times as text where their form is told."""

    roles: Roles
    symbol: str
    times_as_text: bool = False
    skip_ragged: bool = False


def arrow_buffer(content: bytes) -> pa.Buffer:
    """Copy bytes into memory of Arrow's own: its threads must never wait for Python's."""
    stream = pa.BufferOutputStream()
    stream.write(content)
    return stream.getvalue()
