"""G: how large a position is, and when its size is read again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.enums import Level, Reason
from shared.units import DAY_MS, HOUR_MS
from tests.kernel.tables import LONG, SHORT, Missing, a_bot, bar, both_sides, mirrored, ordered, play, rules, still
from worker.risk.sizing import volatility_multiplier
from worker.step.records import Fleet

HALF = (0.5, 0.5)
HOURLY = (DAY_MS / HOUR_MS) ** 0.5


@pytest.mark.parametrize(
    ("daily_volatility", "multiplier"),
    [(0.04, 0.5), (0.02, 1.0), (0.01, 2.0), (0.005, 2.0), (0.0, 2.0), (0.08, 0.25), (0.5, 0.25)],
)
def test_the_volatility_multiplier_halves_at_four_percent_a_day(daily_volatility: float, multiplier: float) -> None:
    assert volatility_multiplier(daily_volatility / HOURLY, HOURLY, 0.02, 0.25, 2.0) == pytest.approx(multiplier)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_volatility_never_makes_a_larger_position(one: float, other: float) -> None:
    calm, wild = sorted((one, other))
    larger, smaller = (volatility_multiplier(atr, HOURLY, 0.02, 0.25, 2.0) for atr in (calm, wild))
    assert 0.25 <= smaller <= larger <= 2.0


def size(changes: dict[str, float], bot: object = None, **more: float) -> float:
    """Give the quantity of a first order at a price of 100."""
    return ordered(play([still(LONG, **more)], rules(**changes), bot).steps[0].bot)


def test_volatility_scales_the_size() -> None:
    bot = a_bot(volatility_scale=HOURLY)
    assert size({"volatility_sizing": 1}, bot, atr=0.04 / HOURLY) == pytest.approx(5.0)
    roomy = {"volatility_sizing": 1, "max_position": 9.0, "leverage": 9.0}
    assert size(roomy, bot, atr=0.01 / HOURLY) == pytest.approx(20.0)


def test_a_position_is_at_most_so_much_of_the_allocation() -> None:
    assert size({"max_position": 0.4}) == pytest.approx(4.0)


def test_one_stop_never_costs_the_portfolio_more_than_its_risk_per_trade() -> None:
    assert size({"stop": 0.08, "risk_per_trade": 0.01}) == pytest.approx(0.01 * 1000 / 0.08 / 100)
    assert size({"stop": 0.08, "risk_per_trade": 0.01}, stop=0.02) == pytest.approx(0.01 * 1000 / 0.02 / 100)
    assert size({"stop": 0.0, "risk_per_trade": 0.01}) == pytest.approx(10.0)


def test_a_position_is_paid_with_the_bots_own_money_times_leverage() -> None:
    poor = a_bot(allocation=5000.0)
    assert size({"fee_rate": 0.001, "slippage": 0.0005}, poor) == pytest.approx(1000 / 1.0015 / 100, abs=1e-8)
    assert size({"leverage": 3.0}, poor) == pytest.approx(30.0)


def test_a_size_is_rounded_toward_zero_to_the_symbols_step() -> None:
    for band, quantity in ((LONG, 9.9), (SHORT, -9.9)):
        run = play([still(band, 101.0)], rules(), market={"quantity_step": 0.1, "min_quantity": 0.1})
        assert ordered(run.steps[0].bot) == pytest.approx(quantity, abs=1e-12)


def test_the_size_is_the_confirmed_exposures_share_of_the_allocation() -> None:
    assert ordered(play([still((0.3, 0.3))]).steps[0].bot) == pytest.approx(3.0)


@both_sides
def test_neither_a_rebalance_nor_volatility_nor_the_price_makes_a_trade(side: int) -> None:
    table = [
        still(LONG, atr=0.04 / HOURLY),  # half size: 5
        still(LONG, atr=0.005 / HOURLY),  # calmer
        bar(100, 140, 100, 140, LONG, atr=0.1 / HOURLY),  # dearer and wilder
        bar(140, 140, 140, 140, LONG),
    ]

    def reallocate(fleet: object) -> None:
        fleet.bots[0].allocation = 300.0

    setting = rules(volatility_sizing=1)
    run = play(mirrored(table, side), setting, a_bot(volatility_scale=HOURLY), between={2: reallocate})
    assert [fill.quantity for fill in run.fills] == pytest.approx([5.0 * side])
    assert run.reasons[1:] == [Reason.HOLD] * 3


@both_sides
def test_a_size_is_read_again_when_the_bot_turns_or_was_flat(side: int) -> None:
    table = [
        still(LONG, atr=0.04 / HOURLY),  # 5
        still(SHORT, atr=0.08 / HOURLY),  # turns at 2.5
        still((0.0, 0.0), atr=0.08 / HOURLY),
        still(SHORT, atr=0.04 / HOURLY),  # opens again at 5
        still(SHORT, atr=0.04 / HOURLY),
    ]
    run = play(mirrored(table, side), rules(volatility_sizing=1), a_bot(volatility_scale=HOURLY))
    held = [step.bot.quantity * side for step in run.steps]
    assert held == pytest.approx([0, 5, -2.5, 0, -5])


@both_sides
def test_a_size_is_read_again_when_the_confirmed_exposure_changes_size(side: int) -> None:
    table = [
        still(HALF, atr=0.04 / HOURLY),  # 2.5
        still((0.8, 0.8), atr=0.08 / HOURLY),  # 0.8 of a quarter
        still((0.8, 0.8), atr=0.04 / HOURLY),
    ]
    run = play(mirrored(table, side), rules(volatility_sizing=1), a_bot(volatility_scale=HOURLY))
    assert [step.bot.quantity * side for step in run.steps] == pytest.approx([0, 2.5, 2.0])


@both_sides
def test_what_was_frozen_is_asked_for_again_where_its_order_was_cancelled(side: int) -> None:
    table = [still(HALF), still(LONG), Missing(LONG), still(LONG, atr=0.5), still(LONG)]
    run = play(mirrored(table, side), rules(leverage=2.0))
    assert [step.bot.quantity * side for step in run.steps] == pytest.approx([0, 5, 5, 5, 10])


def resized(changes: dict[str, float], atr: float) -> list[float]:
    table = [still(LONG, atr=0.04 / HOURLY), still(LONG, atr=atr / HOURLY), still(LONG, atr=atr / HOURLY)]
    setting = replace(rules(volatility_sizing=1, leverage=9.0, max_position=9.0), **changes)
    return [step.bot.quantity for step in play(table, setting, a_bot(volatility_scale=HOURLY)).steps]


def test_a_resizing_policy_follows_the_target_beyond_its_band() -> None:
    assert resized({"resize": 1}, 0.02) == pytest.approx([0, 5, 10])
    assert resized({"resize": 1}, 0.08) == pytest.approx([0, 5, 2.5])
    assert resized({"resize": 0}, 0.02) == pytest.approx([0, 5, 5])


def test_a_resizing_policy_stays_within_its_band() -> None:
    assert resized({"resize": 1}, 0.04 / 1.30) == pytest.approx([0, 5, 5])  # 6.5: 23 % of the larger
    assert resized({"resize": 1}, 0.04 / 1.40) == pytest.approx([0, 5, 7])  # 7: 29 %
    assert resized({"resize": 1}, 0.04 * 1.30) == pytest.approx([0, 5, 5])  # 3.8: 23 %
    assert resized({"resize": 1, "resize_band": 0.0}, 0.039) == pytest.approx([0, 5, 5 * 0.04 / 0.039], abs=1e-7)


@both_sides
def test_a_close_sells_what_the_step_allows_and_the_rest_is_dust(side: int) -> None:
    odd = 1.1  # of which 0.1 came, say, from a fee taken in coins
    run = play(
        mirrored([still((0.0, 0.0)), still((0.0, 0.0))], side),
        rules(netting=0),
        a_bot(quantity=odd * side, entry_price=100.0, confirmed=0.0, opened_quantity=odd),
        market={"quantity_step": 0.25, "min_quantity": 0.25},
    )
    assert ordered(run.steps[0].bot) == -1.0 * side
    assert run.steps[1].bot.quantity == 0.1 * side
    assert run.reasons == [Reason.TRADE, Reason.FLAT]


@both_sides
def test_a_size_is_read_again_where_a_close_that_a_level_asked_for_was_cancelled(side: int) -> None:
    def flatten(fleet: Fleet) -> None:
        fleet.bots[0].level_person = Level.FLATTEN.value

    def release(fleet: Fleet) -> None:
        fleet.bots[0].level_person = Level.RUNNING.value
        fleet.bots[0].allocation = 500.0

    table = [
        still(LONG),
        still(LONG),  # holds 10
        still(LONG),  # is to be closed
        Missing(LONG),  # no bar, no fill; released meanwhile
        still(LONG),  # half of the money is left
        still(LONG),
    ]
    run = play(mirrored(table, side), between={2: flatten, 3: release})
    assert [step.bot.quantity * side for step in run.steps] == [0, 10, 10, 10, 10, 5]
    assert run.reasons[2:] == [Reason.FLATTEN, Reason.STALE, Reason.TRADE, Reason.HOLD]
