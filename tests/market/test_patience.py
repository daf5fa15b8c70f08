"""What a market did while an order rested: the first part of each bar, by the finest bars there are."""

import numpy as np
import pytest

from shared.units import HOUR_MS, MINUTE_MS
from worker.market.patience import Patience, patience_of
from worker.market.protocol import FinestBars
from worker.strategies.bars import Bars, make_bars, no_bars

FIVE_MS = 5 * MINUTE_MS
HOURS = make_bars([0, HOUR_MS], [100.0, 50.0], [110.0, 60.0], [90.0, 40.0], [105.0, 45.0], [1.0, 1.0])


def fives(*rows: tuple[int, float, float, float]) -> FinestBars:
    """Give five-minute bars as (number, high, low, close)."""
    numbers, high, low, close = zip(*rows, strict=True)
    times = [FIVE_MS * number for number in numbers]
    return FinestBars(make_bars(times, close, high, low, close, [0.0] * len(rows)), FIVE_MS)


FINE = fives((0, 103.0, 99.0, 101.0), (1, 106.0, 98.0, 104.0), (2, 120.0, 80.0, 90.0), (13, 52.0, 47.0, 48.0))


def rows(patience: Patience) -> list[tuple[float, float, float]]:
    return [tuple(float(value) for value in row) for row in zip(*patience, strict=True)]


@pytest.mark.parametrize(
    ("seconds", "first", "second"),
    [
        (300, (99.0, 103.0, 101.0), (50.0, 50.0, 50.0)),
        (600, (98.0, 106.0, 104.0), (47.0, 52.0, 48.0)),
        (899, (98.0, 106.0, 104.0), (47.0, 52.0, 48.0)),
        # Shorter than the finest bar: that one.
        (60, (99.0, 103.0, 101.0), (50.0, 50.0, 50.0)),
    ],
)
def test_an_order_rests_in_whole_finer_bars(seconds: int, first: tuple, second: tuple) -> None:
    """The second bar's first five minutes are missing: nothing is known to have traded, so it stands at its open."""
    assert rows(patience_of(HOURS, FINE, HOUR_MS, 1000 * seconds)) == [first, second]


@pytest.mark.parametrize("finest", [FinestBars(HOURS, HOUR_MS), FINE], ids=["no finer bars", "all through the bar"])
def test_without_finer_bars_or_all_through_it_is_the_bar(finest: FinestBars) -> None:
    found = rows(patience_of(HOURS, finest, HOUR_MS, HOUR_MS))
    assert found == [(90.0, 110.0, 105.0), (40.0, 60.0, 45.0)]


def test_without_any_finer_bar_every_bar_stands_at_its_open() -> None:
    nothing = FinestBars(no_bars(), FIVE_MS)
    assert rows(patience_of(HOURS, nothing, HOUR_MS, FIVE_MS)) == [(100.0,) * 3, (50.0,) * 3]


def test_what_comes_after_the_patience_changes_nothing() -> None:
    fine, is_third = FINE.bars, FINE.bars.open_ms == 2 * FIVE_MS
    spoilt = [np.where(is_third, 1e6, column) for column in (fine.high, fine.low, fine.close)]
    later = FinestBars(Bars(fine.open_ms, fine.open, *spoilt, fine.volume), FIVE_MS)
    assert rows(patience_of(HOURS, later, HOUR_MS, 2 * FIVE_MS)) == rows(patience_of(HOURS, FINE, HOUR_MS, 2 * FIVE_MS))
