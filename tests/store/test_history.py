"""History costs nothing: a step's database work in a long-lived database."""

import pytest

from tests.store.bench import compare


@pytest.mark.slow
def test_a_step_of_a_thousand_bots_is_fast_and_does_not_slow_down_with_history() -> None:
    # A busy machine disturbs single runs; what grew with history would be slow in all of them.
    runs = []
    for _ in range(3):
        runs.append(compare(fills=200_000, points=1_000_000, steps=80))
        if runs[-1]["ratio"] <= 1.2 and runs[-1]["old_median_ms"] < 150:
            return
    pytest.fail(f"the ratio must be at most 1.2 and the median under 150 ms, was {runs}")
