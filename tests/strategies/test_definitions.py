"""What each strategy says: tables of a few bars, and its definition written as a loop."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from shared.units import HOUR_MS
from tests.conftest import candles_folder
from tests.strategies.candles import bars_at, load_bars, random_bars
from worker.strategies import breakout, mean_reversion, trend_following
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars

Band = tuple[float, float]
LONG, SHORT, FLAT, NO_LONG, NO_SHORT, NO_OPINION = (1, 1), (-1, -1), (0, 0), (-1, 0), (0, 1), (-1, 1)
UNKNOWN = (np.nan, np.nan)


def points_at(closes: list[float], wick: float = 0.0) -> Bars:
    bars = bars_at(closes)
    return replace(bars, open=bars.close, high=bars.close + wick, low=bars.close - wick)


def mirrored(bars: Bars, around: float = 200.0) -> Bars:
    return replace(
        bars, open=around - bars.open, high=around - bars.low, low=around - bars.high, close=around - bars.close
    )


def assert_says(bands: Bands, *expected: Band) -> None:
    """Compare the newest rows."""
    was = np.column_stack((bands.low, bands.high))[-len(expected) :]
    np.testing.assert_array_equal(was, np.array(expected, float))


def assert_says_mirrored(bands: Bands, *expected: Band) -> None:
    assert_says(bands, *((-high, -low) for low, high in expected))


def naive(bars: Bars, first: int, band: Callable[[int], Band]) -> Bands:
    rows = [UNKNOWN if row < first else band(row) for row in range(len(bars))]
    low, high = np.array(rows, float).T
    return Bands(low, high)


def naive_mean_reversion(bars: Bars, window: int, width: float) -> Bands:
    def band(row: int) -> Band:
        closes = bars.close[row - window + 1 : row + 1]
        mean, close = np.mean(closes), bars.close[row]
        reach = width * np.mean(np.abs(closes - mean))
        if abs(close - mean) <= 1e-9 * mean:
            return FLAT
        if close < mean:
            return LONG if close < mean - reach - 1e-9 * mean else NO_SHORT
        return SHORT if close > mean + reach + 1e-9 * mean else NO_LONG

    return naive(bars, window - 1, band)


def naive_breakout(bars: Bars, window: int) -> Bands:
    def band(row: int) -> Band:
        close, half = bars.close[row], window // 2
        if close > max(bars.high[row - window : row]):
            return LONG
        if close < min(bars.low[row - window : row]):
            return SHORT
        if close < min(bars.low[row - half : row]):
            return NO_LONG
        return NO_SHORT if close > max(bars.high[row - half : row]) else NO_OPINION

    return naive(bars, window, band)


def naive_trend_following(bars: Bars, fast: int, slow: int) -> Bands:
    ranges = [
        max(bars.high[row], bars.close[row - 1]) - min(bars.low[row], bars.close[row - 1])
        for row in range(1, len(bars))
    ]
    average = {14: sum(ranges[:14]) / 14}
    for row in range(15, len(bars)):
        average[row] = (13 * average[row - 1] + ranges[row - 1]) / 14

    def band(row: int) -> Band:
        gap = np.mean(bars.close[row - fast + 1 : row + 1]) - np.mean(bars.close[row - slow + 1 : row + 1])
        if abs(gap) < average[row] / 2:
            return NO_OPINION
        return LONG if gap > 0 else SHORT

    return naive(bars, max(slow - 1, 14), band)


NAIVE = [
    (mean_reversion.bands, naive_mean_reversion, (20, 2.0)),
    (mean_reversion.bands, naive_mean_reversion, (100, 2.5)),
    (breakout.bands, naive_breakout, (20,)),
    (breakout.bands, naive_breakout, (61,)),
    (trend_following.bands, naive_trend_following, (10, 50)),
    (trend_following.bands, naive_trend_following, (3, 5)),
]


@pytest.mark.parametrize(("bands", "expected", "parameters"), NAIVE)
def test_a_strategy_is_its_definition(
    bands: Callable[..., Bands], expected: Callable[..., Bands], parameters: tuple
) -> None:
    bars = random_bars(3, 1200)
    was, rows = bands(bars, *parameters), expected(bars, *parameters)
    assert len(np.unique(rows.low[~np.isnan(rows.low)] * 10 + rows.high[~np.isnan(rows.low)])) > 2, (
        "the market is too dull"
    )
    np.testing.assert_array_equal((was.low, was.high), (rows.low, rows.high))


@pytest.mark.parametrize(("bands", "expected", "parameters"), NAIVE)
def test_a_strategy_is_its_definition_on_real_candles(bands: Callable, expected: Callable, parameters: tuple) -> None:
    bars = load_bars(candles_folder("spot-5m"), "ETH_USDT", HOUR_MS)[:3000]
    was, rows = bands(bars, *parameters), expected(bars, *parameters)
    np.testing.assert_array_equal((was.low, was.high), (rows.low, rows.high))


@pytest.mark.parametrize(("turned", "says"), [(lambda bars: bars, assert_says), (mirrored, assert_says_mirrored)])
class TestMeanReversion:
    def test_in_at_the_band_and_out_at_the_mean(self, turned: Callable, says: Callable) -> None:
        closes = [
            *(100, 102, 98),  # warming up
            100,  # mean 100: at it
            92,  # mean 98, deviation 3: below 98 − 3
            96,  # mean 96.5, deviation 2.5: below the mean, within the band
            97,  # mean 96.25: back above the mean
            110,  # mean 98.75, deviation 5.625: above 98.75 + 5.625
        ]
        says(
            mean_reversion.bands(turned(bars_at(closes)), 4, 1.0), *[UNKNOWN] * 3, FLAT, LONG, NO_SHORT, NO_LONG, SHORT
        )

    def test_a_market_that_stands_still_is_at_its_mean(self, turned: Callable, says: Callable) -> None:
        says(mean_reversion.bands(turned(bars_at([100.1] * 12)), 10, 2.0), FLAT, FLAT, FLAT)


@pytest.mark.parametrize(("turned", "says"), [(lambda bars: bars, assert_says), (mirrored, assert_says_mirrored)])
class TestBreakout:
    def test_in_beyond_the_window_and_out_beyond_its_half(self, turned: Callable, says: Callable) -> None:
        closes = [
            *(100, 104, 96, 100),  # warming up
            105,  # above 104, the highest of 4
            103,  # between: no opinion
            102,  # below 103, the lowest of the last 2 (96 is the lowest of 4)
            104,  # above 103, the highest of the last 2 (105 is the highest of 4)
            101,  # below 102, the lowest of 4
        ]
        expected = (*[UNKNOWN] * 4, LONG, NO_OPINION, NO_LONG, NO_SHORT, SHORT)
        says(breakout.bands(turned(points_at(closes)), 4), *expected)

    def test_the_wick_counts_and_the_present_bar_does_not(self, turned: Callable, says: Callable) -> None:
        closes = [
            *(100, 105, 100, 100),  # warming up, wicks of 2 above and below
            103,  # above 102, the highest of 2; not above 107, the highest of 4
            106,  # above all closes and above 105, the highest of 2; not above 107
            108.5,  # above 108, the highest of 4; its own high of 110.5 does not count
        ]
        says(breakout.bands(turned(points_at(closes, wick=2.0)), 4), NO_SHORT, NO_SHORT, LONG)

    def test_a_close_at_the_extreme_is_not_beyond_it(self, turned: Callable, says: Callable) -> None:
        says(breakout.bands(turned(points_at([100, 105, 100, 100, 105])), 4), NO_SHORT)
        says(breakout.bands(turned(bars_at([100.0] * 6)), 4), NO_OPINION)

    def test_the_half_of_an_odd_window_is_rounded_down(self, turned: Callable, says: Callable) -> None:
        # 103 is above the last two (101) and not above the last three (104).
        says(breakout.bands(turned(points_at([100, 110, 90, 104, 101, 101, 103])), 5), NO_SHORT)


@pytest.mark.parametrize(("turned", "says"), [(lambda bars: bars, assert_says), (mirrored, assert_says_mirrored)])
class TestTrendFollowing:
    def test_close_averages_are_no_opinion_and_clear_ones_a_direction(self, turned: Callable, says: Callable) -> None:
        closes = [
            *[100.0] * 16,  # ranges of 2: ATR 2
            100.8,  # fast 100.4, slow 100.2: 0.2 apart, ATR 2.06
            108,  # fast 104.4, slow 102.2: 2.2 apart, ATR 2.57
            108,  # fast 108, slow 104.2
            95,  # fast 101.5, slow 102.95: 1.45 apart, ATR 3.42
            95,  # fast 95, slow 101.5
        ]
        bands = trend_following.bands(turned(bars_at(closes, reach=1.0)), 2, 4)
        says(bands, NO_OPINION, NO_OPINION, LONG, LONG, NO_OPINION, SHORT)

    def test_without_any_range_equal_averages_are_flat(self, turned: Callable, says: Callable) -> None:
        says(trend_following.bands(turned(bars_at([100.1] * 20)), 2, 4), FLAT)

    def test_it_warms_up_with_the_slow_average_and_the_atr(self, turned: Callable, says: Callable) -> None:
        bars = turned(random_bars(5, 60))
        for slow_bars, known_from in ((4, 14), (15, 14), (16, 15), (50, 49)):
            bands = trend_following.bands(bars, 2, slow_bars)
            assert np.flatnonzero(~np.isnan(bands.low))[0] == known_from
