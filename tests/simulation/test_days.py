"""Days of trading from a seed: faults, deaths, take-overs and people's commands, and every invariant afterwards."""

from pathlib import Path

import pytest

from tests.simulation.run import Result, simulate

# Five venues, two days each.
SEEDS = range(5)
DAYS = 2.0


def run(root: Path, seed: int, days: float = DAYS, least: float = 5, **more: object) -> Result:
    """Run a seed; a failure says how to see it again."""
    result = simulate(root, seed, days, **more)  # type: ignore[arg-type]
    assert result.orders > least * days, f"seed {seed} must trade, had {result.orders} orders"
    return result


def holds(result: Result) -> None:
    """Hold a run to all invariants."""
    assert not result.broken, "\n".join([*result.broken, f"again: {result.command}"])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_order_is_accounted_for_whatever_breaks(tmp_path: Path, seed: int) -> None:
    holds(run(tmp_path, seed))


@pytest.mark.slow
def test_the_same_seed_is_the_same_to_the_last_event(tmp_path: Path) -> None:
    one, other = (run(tmp_path / name, 1, 0.5) for name in ("one", "other"))
    assert one.told == other.told
    assert one.digest == other.digest
    assert one.digest != run(tmp_path / "third", 6, 0.5).digest


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("level", ["none", "calm", "storm"])
def test_every_order_is_accounted_for_in_calm_and_in_storm(tmp_path: Path, level: str) -> None:
    # A storm may leave a venue little to trade.
    runs = [run(tmp_path / str(seed), seed, 1.0, least=0, level=level) for seed in range(100, 105)]
    assert sum(result.orders for result in runs) > 5 * len(runs)
    for result in runs:
        holds(result)
