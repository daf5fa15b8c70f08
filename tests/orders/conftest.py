"""A desk with one account, for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orders.harbour import Harbour, open_harbour


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    with open_harbour(tmp_path) as harbour:
        yield harbour
