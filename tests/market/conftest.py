"""The local exchange of a test, and its clock."""

from collections.abc import Iterator

import pytest

from tests.exchange.engine import Exchange
from tests.exchange.server import Server
from tests.market.exchanges import NOW_MS, PatientClock


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock(NOW_MS)


@pytest.fixture
def server(clock: PatientClock) -> Iterator[Server]:
    with Server(Exchange(clock.now_ms)) as running:
        yield running
