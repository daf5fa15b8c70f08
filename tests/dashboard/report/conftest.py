"""The seeded books, and the same gone through again from fills alone."""

import pytest

from tests.dashboard import seeding
from tests.dashboard.queries.conftest import again, connection, folder
from tests.dashboard.report.reading import Read, read

__all__ = ["again", "connection", "folder"]


@pytest.fixture(scope="session")
def whole() -> Read:
    """The report of all there is."""
    return read(seeding.seeded())
