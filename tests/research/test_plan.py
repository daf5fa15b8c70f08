"""What the settings ask of a fleet that only its plan can check."""

import pytest

from shared.errors import ConfigurationError
from shared.settings import load_settings
from worker.fleet.plan import check_bounds, plan_fleet, planned_bots


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("allocation.bot_weights={nope=3}", "allocation.bot_weights must name bots of the fleet, was 'nope'"),
        ("allocation.sleeve_weights={nope=3}", "allocation.sleeve_weights must name sleeves of the fleet, was 'nope'"),
        ("allocation.bot_low=0.2", r"allocation.bot_low must be at most 1/9 for 9 bots of mean_reversion, was 0.2"),
        ("allocation.sleeve_high=0.3", r"allocation.sleeve_high must be at least 1/3 for 3 sleeves, was 0.3"),
        ("portfolio.capital_per_bot=1e19", "setting portfolio.capital_per_bot"),
        ("strategies.momentum.grid=[[1]]", "strategy must be one of mean_reversion, breakout, trend_following"),
        ("strategies.breakout.grid=[[20],[20]]", "strategies.breakout.grid must not repeat a parameter set"),
        (
            "strategies.breakout.timeframe=30m",
            "strategies.breakout.timeframe must be a multiple of portfolio.timeframe",
        ),
    ],
)
def test_a_fleet_that_cannot_be_is_refused_in_a_sentence(override: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        _plan(override)


def _plan(override: str) -> None:
    settings = load_settings(None, {}, [override])
    check_bounds(settings, plan_fleet(planned_bots(settings)))


def test_the_default_fleet_is_27_bots_by_name() -> None:
    names = [bot.name for bot in planned_bots(load_settings(None, {}))]
    assert len(set(names)) == 27
    assert "mr_btc_usdt_1h_p1" in names
    assert "tf_sol_usdt_1h_p3" in names
