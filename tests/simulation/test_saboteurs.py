"""The checks can fail: brokers as they are often written double, lose or book wrongly under the same seeds."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.simulation.run import simulate
from tests.simulation.saboteurs import (
    Averaging,
    Retrying,
    Trusting,
    with_a_prefix_for_all,
    without_fencing,
    wrapped,
)

CASES = {
    "retries on network errors": (nullcontext, Retrying, 2, "rough", "must be on the exchange once"),
    "takes no answer for no order": (nullcontext, Trusting, 0, "storm", "is ABSENT in the books and"),
    "books averages": (nullcontext, Averaging, 5, "rough", "the exchange has a trade that the books have not"),
    "has no fencing": (without_fencing, None, 0, "rough", "another had the lease since"),
    "shares its prefix": (with_a_prefix_for_all, None, 1, "rough", "of somebody else was cancelled"),
}


# These take longest.
SLOW = ("retries on network errors", "shares its prefix", "takes no answer for no order", "books averages")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CASES]
)
def test_a_saboteur_is_caught(tmp_path: Path, name: str) -> None:
    disturb, saboteur, seed, level, expected = CASES[name]
    with disturb():
        changes = {} if saboteur is None else {"wrap": wrapped(saboteur)}
        result = simulate(tmp_path, seed, 1.0, level, **changes)
    assert any(expected in said for said in result.broken), result.broken
