"""Connections to the books the queries are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.dashboard import seeding
from tests.dashboard.queries.recomputed import Books, recompute


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
def again(connection: Connection) -> Books:
    """The seeded books again, from fills alone."""
    return recompute(connection)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test makes books of its own."""
    return tmp_path / "books"
