"""The table builder refuses what cannot be, so that a scenario cannot pass on an impossible bar."""

import pytest

from tests.kernel.tables import LONG, NAN, SHORT, WARMING, Missing, bar, mirrored, still


@pytest.mark.parametrize(
    "prices",
    [
        (100, 99, 98, 100),  # opens above its high
        (100, 101, 100.5, 101),  # opens below its low
        (100, 101, 99, 102),  # closes above its high
        (100, 101, 99, 98),  # closes below its low
        (100, 99, 101, 100),  # low above high
        (1, 2, 0, 1),  # a price of nothing
        (100, NAN, 99, 100),
    ],
)
def test_an_impossible_bar_is_refused(prices: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bar must hold its open and close"):
        bar(*prices)


@pytest.mark.parametrize("band", [(1.0, -1.0), (-2.0, 0.0), (0.0, 1.5), (NAN, 1.0)])
def test_an_impossible_band_is_refused(band: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="band must be"):
        still(band)


def test_a_negative_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        still(LONG, stop=-0.1)


def test_the_mirror_of_a_bar_swaps_up_and_down() -> None:
    table = [bar(100, 103, 99, 102, LONG), still(WARMING), Missing((0.0, 1.0))]
    first, second, third = mirrored(table, -1)
    assert first == bar(100, 101, 97, 98, SHORT)
    assert second.band[0] != second.band[0]
    assert third.band == (-1.0, 0.0)
    assert mirrored(table, 1) == table
    assert mirrored(mirrored(table[:1], -1), -1) == table[:1]
