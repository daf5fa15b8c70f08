"""A worker that dies between any two of its writes and requests and starts again ends as one that never died."""

from pathlib import Path

import pytest

from tests.live.plain_strategies import plain
from tests.simulation.crash_matrix import STRETCHES, Matrix, Stretch

__all__ = ["plain"]

LEAST_PLACES = {"entries": 30, "exits": 40, "exits, then a flatten": 40, "flatten": 30, "start": 25, "take-over": 60}
LEAST_PLACES |= {"entries that rest": 100}
# The quick tests go to every n-th place, each stretch beginning at another.
QUICK = 20
# A stretch in which orders rest has too many places for every run.
LONG = 6


def check(root: Path, stretch: Stretch, first: int, every: int) -> None:
    """Die at every so manieth place of a stretch."""
    matrix = Matrix(root, stretch)
    places = matrix.ways()
    assert not matrix.broken
    assert places > LEAST_PLACES[stretch.name], f"{stretch.name} must have more places, had {places}"
    assert matrix.end.traded, "something must have been traded"
    for number in range(first, places + 1, every):
        end, broken = matrix.after_death(number)
        assert not broken, f"death {number} of {places} on {stretch.name}: {broken}"
        assert end == matrix.end, f"death {number} of {places} on {stretch.name}"


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "stretch", [stretch for stretch in STRETCHES if not stretch.style], ids=lambda stretch: stretch.name
)
def test_a_death_anywhere_changes_nothing(tmp_path: Path, stretch: Stretch) -> None:
    check(tmp_path, stretch, 1 + STRETCHES.index(stretch), QUICK)


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("stretch", STRETCHES, ids=lambda stretch: stretch.name)
def test_a_death_everywhere_changes_nothing(tmp_path: Path, stretch: Stretch) -> None:
    check(tmp_path, stretch, 1, LONG if stretch.style else 1)
