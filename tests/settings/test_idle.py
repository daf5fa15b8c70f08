"""Limits that a person set and that change no position are said, and no others; what is said is tried out."""

import numpy as np
import pytest

from shared.settings import Settings, load_settings
from tests.kernel.tables import a_bot, a_fleet
from worker.fleet.idle import idle_limits
from worker.fleet.plan import make_rules
from worker.risk.sizing import target_notional
from worker.step.records import Signal


def _said(*overrides: str, profile: str | None = None) -> list[str]:
    return idle_limits(load_settings(None, {}, overrides, profile))


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("risk.leverage=1.0", "risk.max_position=1.0"),
        ("risk.leverage=0.5",),
        ("risk.leverage=1.001",),
        ("risk.max_position=0.5",),
        ("risk.leverage=3", "risk.max_position=3", "risk.volatility_high=4"),
        ("risk.leverage=2", "risk.max_position=2", "risk.volatility_high=6"),
    ],
)
def test_nothing_is_said_of_limits_that_bind_or_that_nobody_set(overrides: tuple[str, ...]) -> None:
    assert _said(*overrides) == []
    assert _said(profile="legacy") == []


@pytest.mark.parametrize(
    ("overrides", "sentences"),
    [
        (
            ("risk.leverage=3",),
            [
                "risk.leverage 3 enlarges no position: risk.max_position 1 keeps each at 1 times its allocation "
                "or less; leverage binds only where a bot's equity is below 33.4% of its allocation"
            ],
        ),
        (
            ("risk.max_position=1.5",),
            [
                "risk.max_position 1.5 is not reached: risk.leverage 1 keeps each position at 1 times the bot's equity "
                "or less; max_position binds only where that equity is above 150.2% of its allocation"
            ],
        ),
        (
            ("risk.max_position=5",),
            [
                "risk.max_position 5 never binds: by risk.volatility_high 2 no bot wants more than 2 times its "
                "allocation"
            ],
        ),
        (
            ("risk.leverage=3", "risk.max_position=5", "risk.volatility_sizing=false"),
            [
                "risk.leverage 3 enlarges no position: an exposure of 1 without risk.volatility_sizing keeps each at 1 "
                "times its allocation or less; leverage binds only where a bot's equity is below 33.4% of its "
                "allocation",
                "risk.max_position 5 never binds: by an exposure of 1 without risk.volatility_sizing no bot wants more "
                "than 1 times its allocation",
            ],
        ),
    ],
)
def test_a_limit_that_changes_nothing_is_said_in_a_sentence(overrides: tuple[str, ...], sentences: list[str]) -> None:
    assert _said(*overrides) == sentences


def _sizes(settings: Settings, equity: float) -> np.ndarray:
    """Give the largest positions, of an allocation of 1, over calm and wild markets and exposures."""
    own = make_rules(settings)
    own.stop = 0.0
    bot = a_bot(cash=equity, equity=equity, allocation=1.0)
    fleet = a_fleet(own, [bot])
    fleet.markets[0].fee_rate = settings.broker.fee_rate
    found = []
    for atr in np.geomspace(1e-5, 0.5, 40):
        for bot.confirmed in (1.0, 0.5, -1.0):
            found.append(
                target_notional(fleet.portfolio, bot, fleet.markets[0], Signal(atr_fraction=float(atr)), own, False)
            )
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "overrides", "equities"),
    [
        ("leverage", ("risk.leverage=3", "risk.max_position=1"), (0.334, 1.0, 4.0)),
        ("leverage", ("risk.leverage=3", "risk.max_position=5"), (0.668, 1.0, 4.0)),
        ("max_position", ("risk.max_position=5",), (0.1, 1.0, 50.0)),
        ("max_position", ("risk.max_position=1.5",), (0.1, 1.0, 1.502)),
    ],
)
def test_what_is_said_is_so(name: str, overrides: tuple[str, ...], equities: tuple[float, ...]) -> None:
    assert any(sentence.startswith(f"risk.{name}") for sentence in _said(*overrides))
    for equity in equities:
        with_limit = _sizes(load_settings(None, {}, overrides), equity)
        without = _sizes(load_settings(None, {}, [*overrides, f"risk.{name}=1e3"]), equity)
        assert with_limit.max() > 0.0 and np.array_equal(with_limit, without)
