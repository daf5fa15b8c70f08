"""Bands kept as changes are the bands, wherever they change and whatever was looked at before."""

import numpy as np

from tests.kernel.whole_bands import whole_bands
from worker.step.bands import ChangeFinder, lay_bands

SAID = np.array([-1.0, 0.0, 1.0, np.nan])


def plain_changes(low: np.ndarray, high: np.ndarray, atr_fraction: np.ndarray) -> list[int]:
    """Give the rows that differ from the one before, the first from a band that is not known."""
    said = [("nan", "nan", True), *zip(map(str, low), map(str, high), np.isnan(atr_fraction), strict=True)]
    return [row for row in range(len(low)) if said[row] != said[row + 1]]


def test_changes_are_where_a_band_or_whether_its_atr_is_known_differs_from_the_bar_before() -> None:
    random, finder, kept = np.random.default_rng(4), ChangeFinder(101), []
    for stays in (1, 1, 1, 1, 1, 3, 1, 30, 200, 1):
        for first in (0, 1, 92, 93, 94, 100, 101):
            bars = 101 - first
            low, high, atr = (np.repeat(random.choice(SAID, bars), stays)[:bars] for _ in range(3))
            found = finder.find(first, low, high, atr)
            kept.append((found, first, low, high, plain_changes(low, high, atr)))
    for found, first, low, high, rows in kept:
        assert found.bar.tolist() == [first + row for row in rows]
        np.testing.assert_array_equal(found.low, low[rows])
        np.testing.assert_array_equal(found.high, high[rows])
    assert sum(len(rows) for *_, rows in kept) > 12 * 101, "three rooms are filled"


def test_bands_as_changes_are_the_bands() -> None:
    random = np.random.default_rng(3)
    low = np.repeat(random.choice([-1.0, 0.0, 1.0, np.nan], (5, 1000)), 5, axis=1)
    high = np.where(np.isnan(low), np.nan, np.maximum(low, random.choice([0.0, 1.0], low.shape)))
    atr = np.full((2, low.shape[1]), 0.01)
    atr[:, :14] = np.nan
    bands = lay_bands(low, high, atr, np.array([0, 1, 0, 1, 0]))
    for found, wanted in zip(whole_bands(bands, 5), (low, high), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert len(bands.low) < 0.8 * low.size


def test_an_atr_that_comes_or_goes_is_a_change_of_its_bands() -> None:
    atr = np.array([[np.nan, 0.01, 0.01, np.nan, np.nan, 0.01]])
    bands = lay_bands(np.ones((1, 6)), np.ones((1, 6)), atr, np.zeros(1, np.int64))
    assert bands.first.tolist() == [0, 1, 2, 2, 3, 3, 4]
