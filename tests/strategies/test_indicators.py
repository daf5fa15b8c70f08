"""Each indicator against an independent one: pandas, TA-Lib, or its definition written as a loop."""

import numpy as np
import pandas as pd
import pytest
import talib

from tests.strategies.candles import random_bars
from worker.strategies.bars import no_bars
from worker.strategies.indicators import (
    ATR_WARMUP_BARS,
    average,
    average_true_range,
    highest,
    lowest,
    mean_absolute_deviation,
    one_before,
)

BARS = random_bars(1, 1500)


def assert_equal(was: np.ndarray, expected: np.ndarray | pd.Series) -> None:
    np.testing.assert_allclose(was, np.asarray(expected, float), rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("window", [2, 3, 20, 100, 511, 512, 513, 1499, 1500, 1501])
def test_mean_absolute_deviation_is_that_of_talib(window: int) -> None:
    assert_equal(mean_absolute_deviation(BARS.close, window), talib.AVGDEV(BARS.close, window))


def test_mean_absolute_deviation_is_that_of_pandas() -> None:
    rolling = pd.Series(BARS.close).rolling(20)
    assert_equal(
        mean_absolute_deviation(BARS.close, 20), rolling.apply(lambda w: np.mean(np.abs(w - w.mean())), raw=True)
    )


def test_mean_absolute_deviation_is_a_function_of_its_window_to_the_last_bit() -> None:
    whole = mean_absolute_deviation(BARS.close, 50)
    for start in (1, 7, 300, 512, 1400):
        assert np.array_equal(mean_absolute_deviation(BARS.close[start:], 50)[49:], whole[start + 49 :])


def test_mean_absolute_deviation_runs_as_plain_python_with_the_same_bits() -> None:
    plain = mean_absolute_deviation.py_func(BARS.close[:700], 20)
    assert np.array_equal(plain, mean_absolute_deviation(BARS.close[:700], 20), equal_nan=True)


@pytest.mark.parametrize("window", [2, 3, 20, 120])
def test_the_mean_is_that_of_pandas(window: int) -> None:
    assert_equal(average(BARS, window), pd.Series(BARS.close).rolling(window).mean())


@pytest.mark.parametrize("window", [2, 3, 20, 120])
def test_previous_extremes_are_those_of_pandas_without_the_present_bar(window: int) -> None:
    assert_equal(one_before(highest(BARS, window)), pd.Series(BARS.high).rolling(window).max().shift(1))
    assert_equal(one_before(lowest(BARS, window)), pd.Series(BARS.low).rolling(window).min().shift(1))


def test_average_true_range_is_wilders() -> None:
    previous = np.r_[np.nan, BARS.close[:-1]]
    ranges = np.fmax(BARS.high, previous) - np.fmin(BARS.low, previous)
    expected = np.full(len(BARS), np.nan)
    expected[14] = ranges[1:15].mean()
    for row in range(15, len(BARS)):
        expected[row] = (13.0 * expected[row - 1] + ranges[row]) / 14.0
    assert_equal(average_true_range(BARS), expected)


def test_after_its_warmup_wilders_average_is_the_same_to_the_last_bit() -> None:
    whole = average_true_range(BARS)
    for start in (1, 10, 500, 880):
        part = average_true_range(BARS[start:])
        assert np.array_equal(part[ATR_WARMUP_BARS - 1 :], whole[start + ATR_WARMUP_BARS - 1 :])


def test_no_candles_give_no_values() -> None:
    empty = no_bars()
    assert len(average_true_range(empty)) == len(highest(empty, 5)) == 0
    assert len(mean_absolute_deviation(empty.close, 5)) == 0
