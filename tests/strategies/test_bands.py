"""How a band is narrowed: without holding, and without short positions."""

import numpy as np
import pytest

from worker.strategies.bands import Bands, long_only, plain

NAN = float("nan")


@pytest.mark.parametrize(
    ("band", "exposure"),
    [
        ((1, 1), 1),
        ((-1, -1), -1),
        ((0, 0), 0),
        ((-1, 0), 0),
        ((0, 1), 0),
        ((-1, 1), 0),
        ((0.5, 1), 0),
        ((NAN, NAN), NAN),
    ],
)
def test_the_plain_exposure_is_one_where_the_band_leaves_no_choice(band: tuple, exposure: float) -> None:
    bands = plain(Bands(np.array([float(band[0])]), np.array([float(band[1])])))
    np.testing.assert_array_equal((bands.low, bands.high), ([exposure], [exposure]))


@pytest.mark.parametrize(
    ("band", "clipped"),
    [
        ((1, 1), (1, 1)),
        ((-1, -1), (0, 0)),
        ((-1, 0), (0, 0)),
        ((-1, 1), (0, 1)),
        ((0.3, 0.6), (0.3, 0.6)),
        ((NAN, NAN), (NAN, NAN)),
    ],
)
def test_without_shorts_a_band_is_clipped_to_zero_and_one(band: tuple, clipped: tuple) -> None:
    bands = long_only(Bands(np.array([float(band[0])]), np.array([float(band[1])])))
    np.testing.assert_array_equal((bands.low[0], bands.high[0]), clipped)


def test_a_strategys_own_levels_survive_both() -> None:
    stop, target = np.array([0.02]), np.array([0.05])
    for narrowed in (plain, long_only):
        bands = narrowed(Bands(np.ones(1), np.ones(1), stop, target))
        assert bands.stop is stop and bands.target is target
