"""Strategies that do as they are told, for tests that need to know who holds what."""

from collections.abc import Callable

import numpy as np
import pytest

from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES
from worker.strategies.strategy import Parameter, Strategy

# Sized by the allocation alone, entered at once, never stopped.
PLAIN_RISK = (
    "risk.confirm_bars=1",
    "risk.stop=0",
    "risk.trail_activate=0",
    "risk.volatility_sizing=false",
    "risk.edge_to_cost=0",
)
NO_DEFAULTS = tuple(f"strategies.{name}.enabled=false" for name in ("mean_reversion", "breakout", "trend_following"))


def steady(bars: Bars, exposure: float) -> Bands:
    """Want one exposure at every bar."""
    wanted = np.full(len(bars), exposure)
    return Bands(wanted, wanted)


def make_strategy(name: str, rule: Callable[..., Bands]) -> Strategy:
    """Make a strategy of one parameter that needs no warm-up."""
    parameter = Parameter("exposure", -1.0, 1.0, whole=False)
    return Strategy(name, name[:2], (parameter,), rule, horizon=lambda _: 1, warmup=lambda _: 1)


def fragile_from(first_ms: int) -> Callable[..., Bands]:
    """Give a rule that is steady until a bar opens at `first_ms`, and fails from then on."""

    def fragile(bars: Bars, exposure: float) -> Bands:
        if bars.open_ms[-1] >= first_ms:
            raise ZeroDivisionError("nothing to divide by")
        return steady(bars, exposure)

    return fragile


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let settings name the strategy `steady`."""
    monkeypatch.setitem(STRATEGIES, "steady", make_strategy("steady", steady))
