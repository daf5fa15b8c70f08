"""Places where live workers run."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from tests.live.fake_market import FakeMarket
from tests.live.plain_strategies import plain
from tests.live.running import Place
from worker.strategies.bars import Bars

__all__ = ["MakePlace", "plain"]

MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[MakePlace]:
    """Make places, each with a database of its own."""
    places: list[Place] = []

    def make(settings: Settings, bars: Mapping[str, Bars] | FakeMarket, **more: Any) -> Place:
        market = bars if isinstance(bars, FakeMarket) else FakeMarket(bars, settings.step_ms, **more.pop("market", {}))
        place = Place(tmp_path / f"place{len(places)}", settings, market, **more)
        places.append(place)
        return place

    yield make
    for place in places:
        place.close()
