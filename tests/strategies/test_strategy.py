"""What a strategy declares, and the sentence a wrong parameter gets."""

import pytest

from shared.errors import ConfigurationError
from tests.strategies.candles import random_bars
from worker.strategies.registry import STRATEGIES, find_strategy

WRONG = [
    ("mean_reversion", (20,), r"mean_reversion: parameters must be \(window_bars, width\), was \[20\]"),
    ("mean_reversion", (1, 2.0), "mean_reversion: window_bars must be a whole number from 2 to 100000, was 1"),
    ("mean_reversion", (20.5, 2.0), "mean_reversion: window_bars must be a whole number from 2 to 100000, was 20.5"),
    ("mean_reversion", (20, -1.0), "mean_reversion: width must be a number from 0 to 1000, was -1.0"),
    ("mean_reversion", (20, float("nan")), "mean_reversion: width must be a number from 0 to 1000, was nan"),
    ("mean_reversion", (float("inf"), 2.0), "mean_reversion: window_bars must be a whole number .*, was inf"),
    ("mean_reversion", ("20", 2.0), "mean_reversion: window_bars must be a whole number .*, was '20'"),
    ("mean_reversion", (True, 2.0), "mean_reversion: window_bars must be a whole number .*, was True"),
    ("breakout", (3,), "breakout: window_bars must be a whole number from 4 to 100000, was 3"),
    ("breakout", (100_001,), "breakout: window_bars must be a whole number from 4 to 100000, was 100001"),
    ("trend_following", (50, 50), "trend_following: slow_bars must be above fast_bars 50, was 50"),
    ("trend_following", (50, 20), "trend_following: slow_bars must be above fast_bars 50, was 20"),
    ("trend_following", (), r"trend_following: parameters must be \(fast_bars, slow_bars\), was \[\]"),
]


@pytest.mark.parametrize(("name", "parameters", "sentence"), WRONG)
def test_a_wrong_parameter_is_refused_with_what_was_expected(name: str, parameters: tuple, sentence: str) -> None:
    strategy = find_strategy(name)
    for ask in (strategy.checked, lambda values: strategy.bands(random_bars(1, 50), *values)):
        with pytest.raises(ConfigurationError, match=f"^{sentence}$"):
            ask(parameters)


def test_whole_numbers_of_the_settings_become_whole() -> None:
    checked = STRATEGIES["mean_reversion"].checked((20.0, 2))
    assert checked == (20, 2.0) and [type(value) for value in checked] == [int, float]


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    sentence = "^strategy must be one of mean_reversion, breakout, trend_following, was 'momentum'$"
    with pytest.raises(ConfigurationError, match=sentence):
        find_strategy("momentum")


@pytest.mark.parametrize(
    ("name", "parameters", "horizon_bars", "warmup_bars"),
    [
        ("mean_reversion", (20, 2.0), 20, 20),
        ("breakout", (60,), 60, 61),
        ("trend_following", (50, 200), 200, 614),
        ("trend_following", (50, 1000), 1000, 1000),
    ],
)
def test_horizon_is_the_longest_look_back(name: str, parameters: tuple, horizon_bars: int, warmup_bars: int) -> None:
    strategy = find_strategy(name)
    assert (strategy.horizon_bars(*parameters), strategy.warmup_bars(*parameters)) == (horizon_bars, warmup_bars)


def test_what_uses_wilders_average_declares_at_least_the_warmup_of_the_contract() -> None:
    assert STRATEGIES["trend_following"].warmup_bars(2, 3) >= 14 + 190
