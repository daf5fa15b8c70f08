"""Bounds of weights that leave no room are said, and the defaults always leave some."""

import pytest

from shared.enums import Policy
from shared.settings import Settings, load_settings
from tests.kernel.tables import FLAT, a_bot, a_fleet, play_fleet, rules, still
from worker.fleet.idle import bounds_without_room
from worker.fleet.plan import make_rules, plan_fleet, planned_bots

NINTH = f"allocation.bot_low={1 / 9}"
THIRD = f"allocation.sleeve_high={1 / 3}"


def said(*overrides: str) -> list[str]:
    settings = load_settings(None, {}, overrides)
    return bounds_without_room(settings, plan_fleet(planned_bots(settings)))


def weights(members: int, **changes: float) -> list[float]:
    """Give the weights of bots of which the first has ten times the raw weight of the others."""
    bots = [a_bot(signal=number, fixed_weight=10.0 if number == 0 else 1.0) for number in range(members)]
    setting = rules(policy=Policy.FIXED.value, rebalance_every=1, rebalance_band=0.0, **changes)
    return [bot.weight for bot in play_fleet(a_fleet(setting, bots), [[still(FLAT)] * members]).steps[0].bots]


@pytest.mark.parametrize("members", [20, 40, 100])
def test_a_policy_tells_more_members_apart_than_the_default_bound_has_room_for(members: int) -> None:
    found = weights(members)
    assert found[0] > 1.5 * found[1]
    assert min(found) >= 0.5 / members and sum(found) == pytest.approx(1.0)


def test_a_bound_of_exactly_an_equal_weight_that_was_set_stands() -> None:
    assert weights(25, bot_low=0.04, bot_low_most=1.0) == pytest.approx([0.04] * 25)
    assert weights(25, bot_high=0.04) == pytest.approx([0.04] * 25)
    assert weights(25, bot_low=0.03, bot_low_most=1.0)[1:] == pytest.approx([0.03] * 24)


def test_only_a_bound_that_was_not_set_gives_way() -> None:
    fresh, written = make_rules(Settings()), make_rules(load_settings(None, {}, ["allocation.bot_low=0.05"]))
    assert (fresh.bot_low, fresh.bot_low_most, fresh.sleeve_low_most) == (0.05, 0.5, 0.5)
    assert (written.bot_low, written.bot_low_most, written.sleeve_low_most) == (0.05, 1.0, 0.5)


def test_bounds_without_room_are_named_with_their_scope() -> None:
    assert said(NINTH) == [
        f"allocation.bot_low 0.111111 leaves the 9 bots of {name} no room: each weighs 1/9, "
        "whatever allocation.policy sharpe says"
        for name in ("mean_reversion", "breakout", "trend_following")
    ]
    assert said(THIRD, "allocation.policy=score") == [
        "allocation.sleeve_high 0.333333 leaves the 3 sleeves no room: each weighs 1/3, "
        "whatever allocation.policy score says"
    ]
    assert len(said(NINTH, f"allocation.bot_high={1 / 9}")) == 6


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("sleeve_low=0.3333", "3 sleeves hardly any room: each weighs from 33.330% to 33.340%"),
        ("sleeve_high=0.334", "3 sleeves hardly any room: each weighs from 33.200% to 33.400%"),
        ("sleeve_low=0.33", None),
        ("sleeve_high=0.34", None),
    ],
)
def test_bounds_with_hardly_any_room_are_named_with_what_they_leave(override: str, sentence: str | None) -> None:
    bound, _, value = override.partition("=")
    expected = f"allocation.{bound} {value} leaves the {sentence}, whatever allocation.policy sharpe says"
    assert said(f"allocation.{override}") == ([expected] if sentence else [])


def test_what_hardly_any_room_leaves_is_so() -> None:
    low, high = weights(3, bot_low=0.3333, bot_low_most=1.0), weights(3, bot_high=0.334)
    assert low == pytest.approx([0.3334, 0.3333, 0.3333])
    assert min(high) >= 0.332 - 1e-12 and max(high) == pytest.approx(0.334)


MANY = f"strategies.breakout.grid={[[window] for window in range(10, 50)]}"


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        (MANY,),
        (NINTH, "allocation.policy=equal"),
        ("allocation.bot_low=0.11", "allocation.bot_high=0.12"),
        ("allocation.bot_low=0.0", "allocation.bot_high=1.0"),
        ("portfolio.symbols=['BTC/USDT']", "strategies.breakout.enabled=false", "allocation.sleeve_high=1.0"),
    ],
)
def test_nothing_is_said_where_there_is_room_or_equal_weights_are_asked_for(overrides: tuple[str, ...]) -> None:
    assert said(*overrides) == []


def test_an_only_member_needs_no_room() -> None:
    only = "strategies.breakout.grid=[[20]]"
    others = ("strategies.mean_reversion.enabled=false", "strategies.trend_following.enabled=false")
    assert said(only, *others, "portfolio.symbols=['BTC/USDT']", "allocation.bot_low=1.0") == []
