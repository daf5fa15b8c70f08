"""What is measured of shared bars: once for all who ask, as of plain ones, and no more kept than said."""

import gc
import weakref

import numpy as np
import pytest

from shared.units import HOUR_MS
from tests.strategies.candles import random_bars
from worker.strategies.bars import Bars
from worker.strategies.indicators import average, average_true_range
from worker.strategies.registry import STRATEGIES
from worker.strategies.shared_bars import MEASURES_KEPT, share
from worker.strategies.signals import OwnBars

BARS = random_bars(1, 900)


def test_a_measure_is_made_once_for_each_set_of_numbers() -> None:
    made = []

    def last_high(bars: Bars, count: int) -> np.ndarray:
        made.append(count)
        return bars.high + count

    shared = share(BARS)
    asked = [shared.measure(last_high, count) for count in (3, 4, 3, 4)]
    assert made == [3, 4] and asked[0] is asked[2] and asked[1] is asked[3]
    np.testing.assert_array_equal(asked[0], BARS.measure(last_high, 3))
    assert shared.measure(average, 3) is not asked[0]


def test_those_last_asked_for_are_kept_and_no_more() -> None:
    shared = share(BARS)
    often = shared.measure(average_true_range)
    firsts = []
    for count in range(2, 3 * MEASURES_KEPT):
        firsts.append(weakref.ref(shared.measure(average, count)))
        assert shared.measure(average_true_range) is often
    assert sum(first() is not None for first in firsts) == MEASURES_KEPT - 1


def test_what_was_measured_goes_with_the_bars() -> None:
    shared = share(BARS)
    measured = weakref.ref(shared.measure(average, 20))
    gc.disable()
    try:
        del shared
        assert measured() is None
    finally:
        gc.enable()


def test_a_part_of_shared_bars_is_measured_anew() -> None:
    shared = share(BARS)
    shared.measure(average, 20)
    assert len(shared[:100].measure(average, 20)) == 100


@pytest.mark.parametrize("own_ms", [HOUR_MS, 4 * HOUR_MS])
def test_all_parameter_sets_of_a_series_measure_its_range_once(own_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(bars: Bars) -> np.ndarray:
        made.append(len(bars))
        return average_true_range(bars)

    for module in ("signals", "trend_following"):
        monkeypatch.setattr(f"worker.strategies.{module}.average_true_range", counted)
    own_bars = OwnBars(BARS, HOUR_MS, own_ms)
    for parameters in ((3, 6), (10, 50), (20, 100)):
        own_bars.signal(STRATEGIES["trend_following"], parameters, True, True)
    assert len(made) == 1
