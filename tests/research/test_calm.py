"""Calm on real 1-minute candles, measured against the disease: brakes off, fills counted."""

from functools import cache
from typing import NamedTuple

import pytest

from shared.settings import load_settings
from shared.units import DAY_MS
from tests.conftest import candles_folder
from worker.fleet.plan import plan_fleet, planned_bots
from worker.research.history import load_history
from worker.research.replay import replay_fleet

FREE = ("broker.fee_rate=0.0", "broker.slippage=0.0")


class Outcome(NamedTuple):
    """What a fleet did: fills a day, orders per fill, the share of its money it ended with."""

    fills_a_day: float
    orders_per_fill: float
    money_left: float


@cache
def outcome(timeframe: str, profile: str = "calm", overrides: tuple[str, ...] = ()) -> Outcome:
    """Run the default fleet over 50.8 days of perpetual futures."""
    folder = candles_folder("perp-1m")
    chosen = ("risk.brakes=false", f"portfolio.timeframe={timeframe}", *overrides)
    settings = load_settings(None, {}, chosen, profile)
    plan = plan_fleet(planned_bots(settings))
    history = load_history(settings, plan.symbols, folder)
    replay = replay_fleet(settings, plan, history.grid, {}, {})
    days = len(replay.open_ms) * settings.step_ms / DAY_MS
    assert days > 50.0
    fills = len(replay.fills)
    return Outcome(fills / days, replay.orders / fills, float(replay.equity[-1] / (27 * 1000.0)))


def disease() -> Outcome:
    """Give what such systems look like: 1-minute bars, costs ignored."""
    return outcome("1m", "legacy", FREE)


def test_legacy_makes_some_3300_fills_a_day() -> None:
    assert disease().fills_a_day == pytest.approx(3300.0, rel=0.05)


def test_legacy_loses_all_but_a_hundredth_of_its_money_to_real_costs() -> None:
    assert outcome("1m", "legacy").money_left < 0.01


@pytest.mark.parametrize(("timeframe", "most"), [("1m", 0.18), ("5m", 0.06), ("1h", 0.007)])
def test_calm_makes_a_small_part_of_those_fills_at_real_costs(timeframe: str, most: float) -> None:
    calm = outcome(timeframe)
    assert 0.0 < calm.fills_a_day <= most * disease().fills_a_day


def test_the_default_fleet_keeps_its_money() -> None:
    assert outcome("1h").money_left >= 0.95


def test_netting_brings_orders_to_three_quarters_of_the_fills() -> None:
    assert outcome("1h").orders_per_fill <= 0.75
    # Without it a reversal alone, one order and two fills, keeps them below one.
    without = outcome("1h", "calm", ("risk.netting=false",))
    assert without.orders_per_fill > 1.15 * outcome("1h").orders_per_fill
