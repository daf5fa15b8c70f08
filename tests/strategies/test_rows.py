"""The bands that ship, written row by row, against the same rules said of whole arrays, to the last bit."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.settings import DEFAULT_GRIDS
from shared.units import HOUR_MS
from tests.strategies.candles import random_bars
from worker.strategies.bars import Bars
from worker.strategies.indicators import TIE_FRACTION, mean_absolute_deviation
from worker.strategies.registry import STRATEGIES
from worker.strategies.shared_bars import share
from worker.strategies.signals import OwnBars

Whole = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]


def whole_mean_reversion(bars: Bars, window: int, width: float) -> Whole:
    mean = talib.SMA(bars.close, window)
    distance, equal = bars.close - mean, np.abs(mean) * TIE_FRACTION
    edge = width * mean_absolute_deviation(bars.close, window) + equal
    low = np.subtract(distance < -edge, distance > equal, dtype=float)
    high = np.subtract(distance < -equal, distance > edge, dtype=float)
    return *known_from(window - 1, low, high), {"average": mean, "band_low": mean - edge, "band_high": mean + edge}


def whole_breakout(bars: Bars, window: int) -> Whole:
    def before(values: np.ndarray) -> np.ndarray:
        return np.concatenate(([np.nan], values))[: len(values)]

    highest, lowest = before(talib.MAX(bars.high, window)), before(talib.MIN(bars.low, window))
    near_highest, near_lowest = before(talib.MAX(bars.high, window // 2)), before(talib.MIN(bars.low, window // 2))
    low = np.add(bars.close > highest, bars.close > near_highest, dtype=float) - 1.0
    high = 1.0 - np.add(bars.close < lowest, bars.close < near_lowest, dtype=float)
    lines = {"channel_high": highest, "channel_low": lowest, "exit_high": near_highest, "exit_low": near_lowest}
    return *known_from(window, low, high), lines


def whole_trend_following(bars: Bars, fast_bars: int, slow_bars: int) -> Whole:
    slow, fast = talib.SMA(bars.close, slow_bars), talib.SMA(bars.close, fast_bars)
    half = talib.ATR(bars.high, bars.low, bars.close, 14) / 2.0
    gap, equal = fast - slow, np.abs(slow) * TIE_FRACTION
    unclear = np.abs(gap) < half - equal
    sign = np.subtract(gap > equal, gap < -equal, dtype=float)
    lines = {"fast_average": fast, "slow_average": slow, "unclear_low": slow - half, "unclear_high": slow + half}
    band = np.where(unclear, -1.0, sign), np.where(unclear, 1.0, sign)
    return *known_from(max(slow_bars - 1, 14), *band), lines


def known_from(first: int, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low[:first] = high[:first] = np.nan
    return low, high


WHOLE = {
    "mean_reversion": whole_mean_reversion,
    "breakout": whole_breakout,
    "trend_following": whole_trend_following,
}
SETS = [(name, tuple(parameters)) for name, sleeve in DEFAULT_GRIDS.items() for parameters in sleeve["grid"]]
ODD = [
    ("mean_reversion", (2, 0.0)),
    ("breakout", (4,)),
    ("breakout", (5,)),
    ("trend_following", (2, 3)),
    ("trend_following", (3, 15)),
    ("trend_following", (3, 16)),
]


def assert_same_bits(was: np.ndarray, expected: np.ndarray) -> None:
    known = ~np.isnan(expected)
    assert np.array_equal(known, ~np.isnan(was))
    assert was[known].tobytes() == expected[known].tobytes()


def check_rows(bands: Callable, name: str, parameters: tuple, bars: Bars) -> None:
    low, high, lines = WHOLE[name](bars, *parameters)
    said = bands(bars, *parameters)
    assert_same_bits(said.low, low)
    assert_same_bits(said.high, high)
    assert said.lines().keys() == lines.keys()
    for line, values in lines.items():
        assert_same_bits(said.lines()[line], values)


@pytest.mark.parametrize(("name", "parameters"), [*SETS, *ODD])
@given(seed=st.integers(0, 2**32), tick=st.sampled_from([0.0, 0.01, 1.0]), count=st.integers(0, 900))
@settings(max_examples=15, deadline=None)
def test_rows_are_those_of_whole_arrays(name: str, parameters: tuple, seed: int, tick: float, count: int) -> None:
    check_rows(STRATEGIES[name].bands, name, parameters, random_bars(seed, count, tick=tick))


@pytest.mark.parametrize(("name", "parameters"), [SETS[0], *ODD])
def test_rows_of_other_parameters_are_caught(name: str, parameters: tuple) -> None:
    other = (parameters[0] + 2, *parameters[1:]) if name != "trend_following" else (2, parameters[1] + 1)
    with pytest.raises(AssertionError):
        check_rows(lambda bars, *_: STRATEGIES[name].bands(bars, *other), name, parameters, random_bars(1, 600))


def test_one_band_after_another_is_written_into_the_same_rows() -> None:
    bars, rows = random_bars(2, 500), (np.empty(600), np.empty(600))
    shared = share(bars, rows)
    for name, parameters in (*SETS, *SETS):
        said, alone = STRATEGIES[name].bands(shared, *parameters), STRATEGIES[name].bands(bars, *parameters)
        assert said.low.base is rows[0] and said.high.base is rows[1]
        assert_same_bits(said.low, alone.low)
        assert_same_bits(said.high, alone.high)


def test_without_rows_each_signal_has_its_own() -> None:
    own_bars = OwnBars(random_bars(3, 300), HOUR_MS, HOUR_MS)
    one, other = (own_bars.signal(STRATEGIES["breakout"], (window,), True, True) for window in (10, 20))
    assert not np.shares_memory(one.low, other.low) and not np.shares_memory(one.high, other.high)
