"""B: stop, trailing stop and ladder within the bar, and the order they come in."""

import pytest

from shared.enums import Level, Reason, Trigger
from shared.units import HOUR_MS
from tests.kernel.tables import (
    ANY,
    LONG,
    SHORT,
    START_MS,
    Missing,
    bar,
    both_sides,
    mirrored,
    play,
    rules,
    still,
)
from worker.step.records import Fleet

LADDER = ((0.02, 0.33), (0.04, 0.33), (0.06, 0.34))
DEEP = {"stop": 0.08, "risk_per_trade": 1.0}
TRAIL = {"trail_activate": 0.03, "trail_giveback": 0.40}


@both_sides
def test_a_stop_closes_the_position_at_its_level_at_the_close_of_the_bar(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),  # opened at 100, stop at 92
        bar(100, 100, 92, 95, LONG),  # touches it
    ]
    run = play(mirrored(table, side), rules(**DEEP))
    assert run.legs == [(1, 10.0 * side, 100.0), (2, -10.0 * side, 100 - 8.0 * side)]
    assert run.triggers[-1] == Trigger.STOP
    assert run.fills[-1].time_ms == START_MS + 3 * HOUR_MS


@both_sides
def test_every_protective_exit_is_an_order_of_its_own(side: int) -> None:
    """Beside the one that opened: two rungs in one bar, then the stop."""
    table = [still(LONG), still(LONG), bar(100, 104, 100, 104, LONG), bar(104, 104, 90, 90, LONG)]
    run = play(mirrored(table, side), rules(**DEEP), ladder=LADDER)
    assert run.triggers == [Trigger.SIGNAL, Trigger.LADDER, Trigger.LADDER, Trigger.STOP]
    assert run.fleet.journal.orders == 4


@both_sides
def test_a_stop_that_is_not_reached_does_nothing(side: int) -> None:
    table = [still(LONG), still(LONG), bar(100, 100, 92.01, 95, LONG), still(LONG, 95.0)]
    run = play(mirrored(table, side), rules(**DEEP))
    assert len(run.fills) == 1
    assert run.steps[-1].bot.exit_level == pytest.approx(100 - 8 * side)


@both_sides
def test_a_stop_pays_slippage_and_fee(side: int) -> None:
    table = [still(LONG), still(LONG), bar(100, 100, 90, 95, LONG)]
    run = play(mirrored(table, side), rules(**DEEP, fee_rate=0.001, slippage=0.0005, leverage=10.0))
    entry = 100 * (1 + side * 0.0005)
    price = entry * (1 - side * 0.08) * (1 - side * 0.0005)
    assert run.fills[-1].price == pytest.approx(price, rel=1e-12)
    assert run.fills[-1].fee == pytest.approx(10 * price * 0.001)


@both_sides
def test_a_bar_that_opens_beyond_the_level_fills_at_its_open(side: int) -> None:
    table = [still(LONG), still(LONG), bar(90, 96, 89, 95, LONG)]
    run = play(mirrored(table, side), rules(**DEEP))
    assert run.legs[-1] == (2, -10.0 * side, 100 - 10.0 * side)


@both_sides
def test_a_position_is_protected_in_the_bar_it_opens_in(side: int) -> None:
    table = [still(LONG), bar(100, 101, 91, 99, LONG)]
    run = play(mirrored(table, side), rules(**DEEP))
    assert run.legs == [(1, 10.0 * side, 100.0), (1, -10.0 * side, 100 - 8.0 * side)]
    assert [fill.time_ms for fill in run.fills] == [START_MS + HOUR_MS, START_MS + 2 * HOUR_MS]


@both_sides
def test_the_bar_it_opens_in_arms_the_trailing_stop_for_the_next_bar_only(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 110, 100, 104, LONG),  # best 110 known at its close: level 106 from the next bar on
        bar(107, 108, 106, 107, LONG),
    ]
    run = play(mirrored(table, side), rules(**TRAIL))
    assert run.legs == [(1, 10.0 * side, 100.0), (2, -10.0 * side, 100 + 6.0 * side)]
    assert run.triggers[-1] == Trigger.TRAILING_STOP


@both_sides
def test_a_trailing_stop_is_armed_from_its_activation_on(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 102.9, 100, 102, LONG),  # peak 0.029: not armed
        bar(102, 102, 100, 102, LONG),  # falls through where it would be
        bar(102, 103.1, 102, 103, LONG),  # peak 0.031: armed at 101.86
        bar(103, 103, 101.86, 102, LONG),
    ]
    run = play(mirrored(table, side), rules(**TRAIL))
    assert run.legs == [(1, 10.0 * side, 100.0), (4, -10.0 * side, 100 + 1.86 * side)]
    assert [step.bot.exit_level for step in run.steps[:4]] == [0.0, 0.0, 0.0, 0.0]


@both_sides
def test_the_giveback_says_how_much_of_the_peak_is_given_up(side: int) -> None:
    table = [still(LONG), bar(100, 120, 100, 119, LONG), bar(119, 119, 104, 110, LONG)]
    run = play(mirrored(table, side), rules(trail_activate=0.03, trail_giveback=0.75))
    assert run.legs[-1] == (2, -10.0 * side, 100 + 5.0 * side)


@both_sides
def test_the_nearer_of_stop_and_trailing_stop_rules(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),  # stop at 92
        bar(100, 105, 100, 104, LONG),  # trailing stop at 103
        bar(104, 104, 91, 100, LONG),  # through both: the nearer one acts
    ]
    run = play(mirrored(table, side), rules(**DEEP, **TRAIL))
    assert run.legs[-1] == (3, -10.0 * side, 100 + 3.0 * side)
    assert run.triggers[-1] == Trigger.TRAILING_STOP


@both_sides
def test_the_level_never_falls_when_the_entry_price_does(side: int) -> None:
    half, whole = (0.5, 0.5), (1.0, 1.0)
    table = [
        still(half),
        still(half),  # stop at 92
        bar(100, 100, 94, 94, whole),
        bar(94, 94, 93, 93, whole),  # bought more at 94: 0.92 of the new entry would be lower
        bar(93, 93, 91.9, 93, whole),  # the old level acts
    ]
    run = play(mirrored(table, side), rules(**DEEP, leverage=10.0))
    assert side * (run.steps[3].bot.entry_price - 100) < 0
    assert run.steps[3].bot.exit_level == pytest.approx(100 - 8 * side)
    assert run.legs[-1][2] == pytest.approx(100 - 8 * side)


@both_sides
def test_the_level_rises_with_the_best_price_and_never_falls(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 104, 100, 104, LONG),
        bar(104, 108, 104, 108, LONG),
        bar(108, 110, 107, 107, LONG),
        bar(107, 107, 106.5, 106.5, LONG),
    ]
    run = play(mirrored(table, side), rules(**DEEP, **TRAIL))
    levels = [step.bot.exit_level for step in run.steps[1:]]
    assert levels == pytest.approx([100 + side * distance for distance in (-8, 2.4, 4.8, 6.0)])


@both_sides
def test_when_a_stop_and_a_rung_are_both_inside_one_bar_the_stop_happened_first(side: int) -> None:
    table = [still(LONG), still(LONG), bar(100, 103, 91, 102, LONG)]
    run = play(mirrored(table, side), rules(**DEEP), ladder=LADDER)
    assert run.triggers == [Trigger.SIGNAL, Trigger.STOP]


@both_sides
def test_the_ladder_takes_fractions_of_the_position_as_first_opened(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),
        bar(100, 102, 100, 101, LONG),  # first rung: 3.3
        bar(101, 102.5, 101, 102, LONG),  # the same rung does not fire twice
        bar(102, 104, 102, 103, LONG),  # second rung: 3.3
        bar(103, 106, 103, 105, LONG),  # last rung: the rest
    ]
    run = play(mirrored(table, side), ladder=LADDER)
    assert run.legs == [
        (1, 10.0 * side, 100.0),
        (2, -3.3 * side, 100 + 2.0 * side),
        (4, -3.3 * side, 100 + 4.0 * side),
        (5, -3.4 * side, 100 + 6.0 * side),
    ]
    assert run.triggers[1:] == [Trigger.LADDER] * 3
    assert run.steps[-1].bot.quantity == 0.0
    assert run.reasons[2:] == [Reason.HOLD, Reason.HOLD, Reason.HOLD, Reason.REENTRY_LOCK]


@both_sides
def test_several_rungs_may_fire_in_one_bar_and_pay_no_slippage(side: int) -> None:
    table = [still(LONG), still(LONG), bar(100, 107, 100, 101, LONG)]
    run = play(mirrored(table, side), rules(slippage=0.001, fee_rate=0.001, leverage=10.0), ladder=LADDER)
    entry = 100 * (1 + side * 0.001)
    expected = [entry * (1 + side * profit) for profit, _ in LADDER]
    assert [fill.price for fill in run.fills[1:]] == pytest.approx(expected, rel=1e-12)
    assert [fill.fee for fill in run.fills[1:]] == pytest.approx(
        [abs(fill.quantity) * fill.price * 0.001 for fill in run.fills[1:]]
    )


@both_sides
def test_a_rung_fills_at_the_open_where_that_is_better(side: int) -> None:
    table = [still(LONG), still(LONG), bar(103, 103, 101, 102, LONG)]
    run = play(mirrored(table, side), ladder=LADDER)
    assert run.legs[1:] == [(2, -3.3 * side, 100 + 3.0 * side)]


@both_sides
def test_after_a_rung_a_new_size_is_multiplied_by_the_fraction_still_open(side: int) -> None:
    half, whole = (0.5, 0.5), (1.0, 1.0)
    table = [
        still(half),
        bar(100, 102, 100, 100, half),  # opens 5, takes 1.65 off
        still(whole),  # a size of 10 is wanted, of which 0.67 is still open
        still(whole),
    ]
    run = play(mirrored(table, side), rules(leverage=10.0), ladder=((0.02, 0.33), (0.5, 0.67)))
    first = run.steps[1].bot
    assert first.quantity == pytest.approx(3.35 * side)
    assert first.open_fraction == pytest.approx(0.67)
    size = 1000.0 / 100 * 0.67
    assert run.steps[3].bot.quantity == pytest.approx(size * side)


@both_sides
def test_the_ladder_starts_again_with_the_next_position(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 106, 100, 100, SHORT),  # climbs the whole ladder, then turns
        still(SHORT),  # short opens
        bar(100, 100, 98, 100, SHORT),  # its first rung
    ]
    run = play(mirrored(table, side), ladder=LADDER)
    assert run.legs[-1] == (3, round(0.33 * abs(run.legs[-2][1]), 8) * side, 100 - 2.0 * side)
    assert len(run.fills) == 6


@both_sides
@pytest.mark.parametrize("fired", [1, 2, 3])
def test_of_a_ladder_that_was_cut_short_nothing_is_left_to_climb(side: int, fired: int) -> None:
    def climb(fleet: Fleet) -> None:
        fleet.bots[0].rungs_fired = fired

    table = [still(LONG), still(LONG), bar(100, 150, 100, 149, LONG)]
    run = play(mirrored(table, side), ladder=((0.02, 0.5),), between={2: climb})
    assert run.triggers == [Trigger.SIGNAL]


@both_sides
def test_a_strategys_own_stop_is_frozen_when_the_position_opens(side: int) -> None:
    table = [
        still(LONG, stop=0.05),  # the deciding bar gives 5 %
        still(LONG, stop=0.01),  # opened; what later bars say does not matter
        bar(100, 100, 96, 98, LONG, stop=0.01),
        bar(98, 98, 94, 96, LONG, stop=0.01),
    ]
    run = play(mirrored(table, side), rules(**DEEP))
    assert run.legs[1:] == [(3, -10.0 * side, 100 - 5.0 * side)]
    assert run.triggers[-1] == Trigger.STOP


@both_sides
def test_a_strategys_own_target_is_a_ladder_of_one_rung(side: int) -> None:
    table = [
        still(LONG, target=0.03),
        bar(100, 102.5, 100, 101, LONG, target=0.01),  # past the first rung of the policy's ladder
        bar(101, 103, 101, 102, LONG),
    ]
    run = play(mirrored(table, side), ladder=LADDER)
    assert run.legs[1:] == [(2, -10.0 * side, 100 + 3.0 * side)]
    assert run.triggers[-1] == Trigger.LADDER


@both_sides
def test_after_a_protective_exit_the_bot_stays_flat_until_its_confirmed_exposure_changes(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 100, 91, 95, LONG),  # opened and stopped out
        still(LONG, 95.0),  # locked
        still(LONG, 96.0),  # locked
        still(SHORT, 96.0),  # the other sign is free at once
        still(LONG, 96.0),  # and afterwards the first one is as well
        still(LONG, 96.0),
    ]
    run = play(mirrored(table, side), rules(**DEEP))
    expected = [Reason.TRADE, *[Reason.REENTRY_LOCK] * 3, Reason.TRADE, Reason.TRADE, Reason.HOLD]
    assert run.reasons == expected
    assert run.steps[3].bot.lock_sign == side
    assert run.steps[4].bot.lock_sign == 0
    assert run.steps[3].bot.reason_limit == side


@both_sides
def test_the_lock_ends_where_the_band_admits_a_flat_position(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 100, 91, 95, LONG),
        still(ANY, 95.0),  # confirmed exposure falls to 0, the lock with it
        still(LONG, 95.0),  # a new signal
        still(LONG, 95.0),
    ]
    run = play(mirrored(table, side), rules(**DEEP))
    assert run.reasons == [Reason.TRADE, Reason.REENTRY_LOCK, Reason.FLAT, Reason.TRADE, Reason.HOLD]
    assert run.steps[2].bot.lock_sign == 0


@both_sides
def test_a_stop_acts_on_the_last_known_price_where_the_bar_is_missing(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 110, 100, 105, LONG),  # trailing stop at 106 from the next bar on, above the close
        Missing(LONG),
    ]
    run = play(mirrored(table, side), rules(**TRAIL))
    assert run.legs[-1] == (2, -10.0 * side, 100 + 5.0 * side)
    assert run.reasons[-1] == Reason.STALE


@both_sides
@pytest.mark.parametrize("level", [Level.NO_ENTRIES, Level.FLATTEN])
def test_protective_exits_work_below_halted(side: int, level: Level) -> None:
    table = [still(LONG), still(LONG), bar(100, 100, 91, 95, LONG)]

    def hold_back(fleet: object) -> None:
        fleet.portfolio.level_person = level.value

    run = play(mirrored(table, side), rules(**DEEP), between={2: hold_back})
    assert run.triggers[-1] == Trigger.STOP


@both_sides
def test_at_halted_nothing_is_sent_not_even_a_stop_and_the_level_moves_on(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),
        bar(100, 110, 91, 95, LONG),  # through the stop
        bar(95, 111, 90, 95, LONG),  # through the trailing stop as well
    ]

    def halt(fleet: object) -> None:
        fleet.bots[0].level_person = Level.HALTED.value

    run = play(mirrored(table, side), rules(**DEEP, **TRAIL), between={2: halt})
    assert len(run.fills) == 1
    assert run.reasons[2:] == [Reason.HALTED, Reason.HALTED]
    assert run.steps[3].bot.exit_level == pytest.approx(100 + 6 * side)


@both_sides
def test_protective_exits_obey_neither_cooldown_nor_minimum_notional(side: int) -> None:
    table = [still(LONG), bar(100, 100, 91, 95, LONG)]
    run = play(mirrored(table, side), rules(**DEEP, cooldown_ms=10 * HOUR_MS), between={1: _dear})
    assert run.triggers == [Trigger.SIGNAL, Trigger.STOP]


def _dear(fleet: object) -> None:
    fleet.rules.min_notional = 1e6
    fleet.markets[0].min_notional = 1e6


@both_sides
def test_best_and_worst_price_take_in_every_bar_held(side: int) -> None:
    table = [still(LONG), bar(100, 102, 99, 101, LONG), bar(101, 104, 97, 103, LONG)]
    run = play(mirrored(table, side))
    bot = run.steps[-1].bot
    assert (bot.best_price, bot.worst_price) == (100 + 4 * side, 100 - 3 * side)
