"""Connections to the books the queries are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.dashboard import seeding
from tests.dashboard.queries.recomputed import STEPPED_CANDLES, Books, recompute


def connected(books: seeding.Books) -> Iterator[Connection]:
    """Read books, and let them go afterwards."""
    engine = books.reader()
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def connection() -> Iterator[Connection]:
    """The seeded books."""
    yield from connected(seeding.seeded())


@pytest.fixture(scope="session")
def marked(connection: Connection) -> Books:
    """The seeded books again as of their newest mark, before what was filled at the open after it."""
    return recompute(connection, newest_mark_ms(connection))


def newest_mark_ms(connection: Connection) -> int:
    """Give the close of the bar that was stepped last."""
    ((last_ms,),) = connection.exec_driver_sql(f"SELECT max(open_ms + timeframe_ms) FROM ({STEPPED_CANDLES})").all()
    return int(last_ms)


@pytest.fixture(scope="session")
def again(connection: Connection) -> Books:
    """The seeded books again, from fills alone."""
    return recompute(connection)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test makes books of its own."""
    return tmp_path / "books"
