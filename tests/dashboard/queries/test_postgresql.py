"""The same books on PostgreSQL give the same answers."""

from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from typing import Any

import pytest
from pandas import DataFrame
from pandas.testing import assert_frame_equal
from sqlalchemy import Connection

from shared.database import open_reader
from tests.dashboard.queries.catalogue import queries
from tests.dashboard.queries.copies import copied
from tests.store.conftest import postgresql_server  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def other(connection: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The seeded books, row by row in PostgreSQL."""
    reader = open_reader(copied(connection, request.getfixturevalue("postgresql_server")))
    with reader.connect() as reading:
        yield reading
    reader.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("name", list(queries()))
def test_both_databases_answer_alike(name: str, connection: Connection, other: Connection) -> None:
    load = queries()[name]
    here, there = plain(load(connection)), plain(load(other))
    if not isinstance(here, DataFrame):
        assert there == pytest.approx(here, rel=1e-9, nan_ok=True)
        return
    assert_frame_equal(here, there, rtol=1e-9, check_exact=False)


def plain(given: Any) -> Any:
    """Give a record or a dict as numbers and texts that can be compared one by one."""
    if is_dataclass(given):
        given = asdict(given)
    if isinstance(given, dict):
        return {name: value for name, value in given.items() if isinstance(value, float | int) and value is not None}
    return given
