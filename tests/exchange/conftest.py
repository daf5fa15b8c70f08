"""What the tests of the local exchange share: whatever they did, its record must be consistent."""

from collections.abc import Iterator

import pytest

from tests.exchange import record
from tests.exchange.floor import Floor
from tests.exchange.venue import Venue, make_venue


@pytest.fixture
def floor() -> Iterator[Floor]:
    made = Floor()
    yield made
    record.check(made.exchange)


@pytest.fixture
def binance() -> Iterator[Venue]:
    yield from _checked("binance")


@pytest.fixture
def gate() -> Iterator[Venue]:
    yield from _checked("gate")


@pytest.fixture
def bybit() -> Iterator[Venue]:
    yield from _checked("bybit")


def _checked(name: str) -> Iterator[Venue]:
    made = make_venue(name)
    yield made
    record.check(made.exchange)
