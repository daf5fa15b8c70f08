"""The invariants hold after every step of random runs, and each checker catches what it is there to catch."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.enums import Level, Policy, Reason, Trigger
from tests.kernel.invariants import check_levels, check_profit, look_before, open_books
from tests.kernel.random_runs import Case, calm_rules, legacy_rules, random_fleet
from tests.kernel.walking import Meddle, walk
from worker.step.journal import Fill
from worker.step.rebalance import book_flow
from worker.step.records import Fleet

LADDERS = [(), ((0.02, 0.33), (0.04, 0.33), (0.06, 0.34)), ((0.03, 0.5),)]
LIVELY = {"edge_to_cost": 0.0, "min_notional": 20.0, "cooldown_ms": 0}

some_rules = st.builds(
    lambda base, changes: replace(base, **changes),
    st.sampled_from([calm_rules(**LIVELY), legacy_rules()]),
    st.fixed_dictionaries(
        {},
        optional={
            "netting": st.integers(0, 1),
            "resize": st.integers(0, 1),
            "resize_band": st.sampled_from([0.0, 0.25]),
            "policy": st.sampled_from([policy.value for policy in Policy]),
            "rebalance_every": st.sampled_from([1, 3, 5]),
            "rebalance_band": st.sampled_from([0.0, 0.02, 0.1]),
            "confirm_bars": st.integers(1, 3),
            "leverage": st.sampled_from([1.0, 3.0]),
            "stop": st.sampled_from([0.0, 0.03, 0.08]),
            "trail_activate": st.sampled_from([0.0, 0.01, 0.03]),
            "portfolio_drawdown": st.sampled_from([0.05, 0.2]),
            "bot_drawdown": st.sampled_from([0.1, 0.3]),
            "max_symbol_exposure": st.sampled_from([0.15, float("inf")]),
            "max_portfolio_exposure": st.sampled_from([0.3, float("inf")]),
            "volatility_sizing": st.integers(0, 1),
        },
    ),
)
cases = st.builds(
    Case,
    seed=st.integers(0, 2**32),
    rules=some_rules,
    bots=st.integers(1, 8),
    markets=st.integers(1, 3),
    bars=st.just(60),
    ladder=st.sampled_from(LADDERS),
    volatility=st.sampled_from([0.004, 0.015, 0.04]),
    quantity_step=st.sampled_from([1e-8, 0.001, 0.1, 1.0]),
    min_notional=st.sampled_from([0.0, 5.0, 60.0, 400.0]),
    reserve=st.sampled_from([0.0, 777.77]),
).map(lambda case: replace(case, sleeves=1 + case.seed % min(3, case.bots)))


@settings(max_examples=120, deadline=None)
@given(cases, st.booleans())
def test_every_invariant_holds_after_every_step(case: Case, stir: bool) -> None:
    walk(case, stir)


def test_the_random_runs_trade_stop_out_cross_and_rebalance() -> None:
    triggers, crossed, rebalances, notices = Counter(), 0, 0, 0
    tight = calm_rules(**LIVELY, policy=Policy.SCORE.value, bot_drawdown=0.05, portfolio_drawdown=0.05)
    for seed in range(6):
        done = walk(Case(seed, tight, ladder=LADDERS[1]), stir=seed % 2 == 0)
        triggers += done.triggers
        crossed, rebalances, notices = crossed + done.crossed, rebalances + done.rebalances, notices + done.notices
    # A write-off and an adoption are steps of their own.
    own = (Trigger.WRITE_OFF, Trigger.ADOPT)
    assert all(triggers[trigger] >= 3 for trigger in Trigger if trigger not in own), triggers
    assert min(crossed, rebalances, notices) >= 3, (crossed, rebalances, notices)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1e6), st.floats(0.0, 0.9), st.floats(-0.9, 1e3))
def test_a_flow_changes_no_drawdown(equity: float, drawdown: float, share: float) -> None:
    fleet = walk(Case(1, calm_rules(), bots=2, bars=1)).fleet
    bot, sleeve = fleet.bots[0], fleet.sleeves[0]
    bot.equity, bot.high_water = equity, equity / (1.0 - drawdown)
    sleeve.equity, sleeve.high_water = 3.0 * equity, 3.0 * equity / (1.0 - drawdown)
    book_flow(fleet, bot, equity * share)
    assert 1.0 - bot.equity / bot.high_water == pytest.approx(drawdown, abs=1e-9)
    assert 1.0 - sleeve.equity / sleeve.high_water == pytest.approx(drawdown, abs=1e-9)


# --- saboteurs -------------------------------------------------------------------------------------------------------


def first_time(spoil: Meddle) -> Meddle:
    """Let a saboteur strike once, at its first chance after the fleet has settled in."""
    seen = {"steps": 0, "done": False}

    def once(fleet: Fleet) -> bool:
        seen["steps"] += 1
        if seen["steps"] < 15 or seen["done"]:
            return False
        seen["done"] = spoil(fleet)
        return seen["done"]

    return once


def lose_a_cent(fleet: Fleet) -> bool:
    fleet.bots[0].cash -= 0.01
    fleet.bots[0].equity -= 0.01
    fleet.sleeves[fleet.bots[0].sleeve].equity -= 0.01
    fleet.portfolio.equity -= 0.01
    return True


def charge_a_fee_that_no_fill_has(fleet: Fleet) -> bool:
    fleet.bots[0].fees_paid += 0.01
    return True


def keep_part_of_a_transfer(fleet: Fleet) -> bool:
    if fleet.portfolio.rebalanced == 0 or all(bot.flow == 0.0 for bot in fleet.bots):
        return False
    fleet.bots[0].flow += 2.0**-20
    return True


def forget_a_quantity(fleet: Fleet) -> bool:
    held = next((bot for bot in fleet.bots if bot.quantity != 0.0), None)
    if held is not None:
        held.units -= 1
    return held is not None


def forget_a_sleeve(fleet: Fleet) -> bool:
    fleet.sleeves[0].equity += 0.01
    return True


def forget_the_reserve(fleet: Fleet) -> bool:
    fleet.portfolio.equity += 0.01
    return True


def drop_a_level(fleet: Fleet) -> bool:
    for bot in fleet.bots:
        if bot.exit_level > 0.0 and 0 < bot.opened_ms < fleet.portfolio.time_ms:
            bot.exit_level *= 0.5 if bot.quantity > 0.0 else 2.0
            return True
    return False


def enter_at_no_entries(fleet: Fleet) -> bool:
    fleet.bots[0].level_person = Level.NO_ENTRIES.value
    fleet.bots[0].order_units = 2 * (fleet.bots[0].units or 1)
    return True


def close_at_halted(fleet: Fleet) -> bool:
    held = next((bot for bot in fleet.bots if bot.quantity != 0.0), None)
    if held is not None:
        held.level_person = Level.HALTED.value
        held.order_units = -held.units
    return held is not None


def forget_the_high_water(fleet: Fleet) -> bool:
    fleet.bots[0].high_water *= 1.001
    return True


@pytest.mark.parametrize(
    ("spoil", "caught"),
    [
        (lose_a_cent, "cash of bot 0"),
        (charge_a_fee_that_no_fill_has, "fees of bot 0"),
        (keep_part_of_a_transfer, "transfers must sum to 0"),
        (forget_a_quantity, "must hold"),
        (forget_a_sleeve, "equity of sleeve 0"),
        (forget_the_reserve, "equity of the portfolio"),
        (drop_a_level, "must not move away"),
        (enter_at_no_entries, "at level"),
        (close_at_halted, "ordered .* at HALTED"),
        (forget_the_high_water, "drawdown of scope 0"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_checker_catches_its_saboteur(spoil: Meddle, caught: str) -> None:
    case = Case(3, calm_rules(**LIVELY, policy=Policy.SCORE.value, rebalance_band=0.0))
    walk(case)
    with pytest.raises(AssertionError, match=caught):
        walk(case, spoil=first_time(spoil))


def send_more_than_the_bots_ordered(fleet: Fleet) -> bool:
    market = next((market for market in fleet.markets if market.order_units != 0), None)
    if market is not None:
        market.order_units += market.order_units // 2
    return market is not None


def find_money(fleet: Fleet) -> bool:
    fleet.bots[0].cash += 1.0
    return True


@pytest.mark.parametrize(
    ("spoil", "caught"),
    [(send_more_than_the_bots_ordered, "units on market"), (find_money, "cash of bot 0")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_checker_catches_what_happened_between_two_steps(spoil: Meddle, caught: str) -> None:
    with pytest.raises(AssertionError, match=caught):
        walk(Case(3, calm_rules(**LIVELY)), spoil_orders=first_time(spoil))


def grow_what_is_to_be_closed(fleet: Fleet) -> bool:
    closing = next((bot for bot in fleet.bots if bot.reason == Reason.CLOSE and bot.units != 0), None)
    if closing is not None:
        closing.order_units = closing.units
    return closing is not None


def forget_to_close(fleet: Fleet) -> bool:
    closing = next((bot for bot in fleet.bots if bot.reason == Reason.CLOSE and bot.units != 0), None)
    if closing is not None:
        closing.reason, closing.order_units = Reason.HOLD.value, 0
    return closing is not None


def enter_a_locked_side(fleet: Fleet) -> bool:
    locked = next((bot for bot in fleet.bots if bot.reason == Reason.REENTRY_LOCK and bot.units == 0), None)
    if locked is not None:
        locked.order_units = 1000 * locked.lock_sign
    return locked is not None


@pytest.mark.parametrize(
    ("spoil", "caught"),
    [
        (grow_what_is_to_be_closed, "is to be closed, holds"),
        (forget_to_close, "is to be closed and decided HOLD"),
        (enter_a_locked_side, "is locked on side"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_checker_catches_what_spoils_a_close(spoil: Meddle, caught: str) -> None:
    case = Case(3, calm_rules(**LIVELY, stop=0.0, trail_activate=0.0))
    assert walk(case, stir=True).triggers[Trigger.CLOSE] > 3
    with pytest.raises(AssertionError, match=caught):
        walk(case, stir=True, spoil=first_time(spoil))


def test_a_profit_that_no_lot_made_is_caught() -> None:
    fleet = random_fleet(Case(1, calm_rules()))
    books = open_books(fleet)
    check_profit(books, fleet)
    fleet.portfolio.equity += 0.01
    with pytest.raises(AssertionError, match="profit must be"):
        check_profit(books, fleet)


def test_a_protective_exit_at_halted_is_caught() -> None:
    fleet = random_fleet(Case(1, calm_rules()))
    fleet.bots[1].level_person = Level.HALTED.value
    before = look_before(fleet, [0.0] * len(fleet.markets))
    check_levels(before, fleet, [Fill(bot=1, trigger=Trigger.SIGNAL.value), Fill(bot=0, trigger=Trigger.STOP.value)])
    with pytest.raises(AssertionError, match="bot 1 exited at HALTED"):
        check_levels(before, fleet, [Fill(bot=1, trigger=Trigger.STOP.value)])
