"""No worker outlives the test that started it."""

from collections.abc import Iterator

import pytest

from tests.process.running import end_all


@pytest.fixture(autouse=True)
def _end_workers() -> Iterator[None]:
    yield
    end_all()
