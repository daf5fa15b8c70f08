"""F: a change of sign counts once it has been wanted for some closed bars in a row."""

import pytest

from shared.enums import BarStatus, Reason
from tests.kernel.tables import (
    ANY,
    FLAT,
    LONG,
    NO_LONGS,
    NO_SHORTS,
    SHORT,
    WARMING,
    Bar,
    Missing,
    bar,
    both_sides,
    mirrored,
    play,
    rules,
    still,
)
from worker.risk.confirmation import wanted_exposure


def confirmed(table: list[Bar | Missing], side: int, confirm_bars: int = 2) -> list[float]:
    run = play(mirrored(table, side), rules(confirm_bars=confirm_bars))
    return [step.bot.confirmed * side for step in run.steps]


@pytest.mark.parametrize(
    ("was", "band", "wanted"),
    [
        (0.0, LONG, 1.0),
        (1.0, NO_LONGS, 0.0),
        (-1.0, NO_LONGS, -1.0),
        (1.0, ANY, 1.0),
        (1.0, (0.2, 0.6), 0.6),
        (0.1, (0.2, 0.6), 0.2),
        (0.4, (0.2, 0.6), 0.4),
        (-1.0, (0.2, 0.6), 0.2),
    ],
)
def test_wanted_is_the_exposure_of_the_band_nearest_to_the_confirmed_one(
    was: float, band: tuple[float, float], wanted: float
) -> None:
    assert wanted_exposure(was, *band) == wanted


@both_sides
def test_a_change_of_sign_counts_after_enough_bars_in_a_row(side: int) -> None:
    table = [still(LONG), still(LONG), still(LONG), still(SHORT), still(SHORT), still(SHORT), still(FLAT), still(FLAT)]
    assert confirmed(table, side) == [0, 1, 1, 1, -1, -1, -1, 0]
    assert confirmed(table, side, confirm_bars=3) == [0, 0, 1, 1, 1, -1, -1, -1]
    assert confirmed(table, side, confirm_bars=1) == [1, 1, 1, -1, -1, -1, 0, 0]


@both_sides
def test_a_bar_of_the_old_sign_resets_the_count(side: int) -> None:
    table = [still(LONG), still(LONG), still(SHORT), still(ANY), still(SHORT), still(SHORT)]
    assert confirmed(table, side) == [0, 1, 1, 1, 1, -1]


@both_sides
def test_another_sign_starts_its_own_count(side: int) -> None:
    table = [still(LONG), still(LONG), still(FLAT), still(SHORT), still(FLAT), still(FLAT)]
    assert confirmed(table, side) == [0, 1, 1, 1, 1, 0]


@both_sides
def test_two_warming_or_stale_bars_neither_count_nor_reset(side: int) -> None:
    table = [
        still(LONG),
        still(WARMING),
        Missing(LONG),
        still(LONG, status=BarStatus.LATE.value),
        still(LONG, status=BarStatus.REPAIRED.value),
        still(LONG),
    ]
    assert confirmed(table, side) == [0, 0, 0, 0, 0, 1]


@both_sides
def test_a_stale_bar_of_another_wish_resets_nothing(side: int) -> None:
    table = [still(LONG), Missing(SHORT), still(SHORT, status=BarStatus.LATE.value), still(LONG)]
    assert confirmed(table, side) == [0, 0, 0, 1]


@both_sides
def test_a_size_of_the_same_sign_is_taken_over_at_once(side: int) -> None:
    table = [still((0.5, 0.5)), still((0.5, 0.5)), still(LONG), still((0.2, 0.4)), still((0.3, 0.9))]
    assert confirmed(table, side) == [0, 0.5, 1, 0.4, 0.4]


@both_sides
def test_only_closed_bars_of_the_bots_own_timeframe_count(side: int) -> None:
    table = [
        still(LONG),  # an own bar closed
        still(LONG, closed=0),  # the same band stands
        still(LONG, closed=0),
        still(LONG),  # the second own bar
        still(LONG, closed=0),
    ]
    assert confirmed(table, side) == [0, 0, 0, 1, 1]


HELD = [still(LONG), still(LONG, closed=0), still(LONG), still(LONG, closed=0)]

# A bot of a longer timeframe: what it holds at first, the bars after, what is confirmed after each.
BETWEEN = {
    "the band of the last close stands": (
        HELD,
        [still(SHORT), still(SHORT, closed=0), still(SHORT, closed=0), still(SHORT)],
        [1, 1, 1, -1],
    ),
    "a band that moves back and forth": (
        HELD,
        [still(SHORT), still(LONG, closed=0), still(ANY, closed=0), still(SHORT, closed=0), still(SHORT)],
        [1, 1, 1, 1, -1],
    ),
    "a size of the confirmed sign": (
        HELD,
        [still(SHORT), still((0.4, 0.4), closed=0), still(SHORT)],
        [1, 0.4, -1],
    ),
    "bars that are missing, late or warming up": (
        HELD,
        [
            still(SHORT),
            Missing(SHORT),
            still(LONG, closed=0, status=BarStatus.LATE.value),
            still(WARMING),
            still(SHORT),
        ],
        [1, 1, 1, 1, -1],
    ),
    "a close that came late, whose band stands afterwards": (
        HELD,
        [still(SHORT), still(LONG, status=BarStatus.LATE.value), still(LONG, closed=0), still(SHORT)],
        [1, 1, 1, -1],
    ),
    "a flat bot": (
        [],
        [still(LONG), still(ANY, closed=0), still(NO_LONGS, closed=0), still(SHORT, closed=0), still(LONG)],
        [0, 0, 0, 0, 1],
    ),
    "a flat bot that was blocked, whose exposure falls": (
        [still(LONG, atr=0.0), still(LONG, atr=0.0)],
        [still(SHORT), still(ANY, closed=0), still(SHORT, closed=0), still(SHORT)],
        [1, 0, 0, -1],
    ),
    "a count to flat that a fall has answered": (
        [still(LONG, atr=0.0), still(LONG, atr=0.0)],
        [still(SHORT), still(NO_LONGS, closed=0), still(LONG), still(LONG)],
        [1, 0, 0, 1],
    ),
    "the next close resets all the same": (
        HELD,
        [still(SHORT), still(SHORT, closed=0), still(LONG), still(SHORT), still(SHORT, closed=0), still(SHORT)],
        [1, 1, 1, 1, 1, -1],
    ),
}


@both_sides
@pytest.mark.parametrize(("held", "table", "after"), BETWEEN.values(), ids=BETWEEN)
def test_a_count_that_is_open_survives_the_base_bars_between_closes(
    held: list[Bar | Missing], table: list[Bar | Missing], after: list[float], side: int
) -> None:
    run = play(mirrored([*held, *table], side), rules(confirm_bars=2, edge_to_cost=2.0, fee_rate=0.001, leverage=10.0))
    assert [step.bot.confirmed * side for step in run.steps][len(held) :] == after


@both_sides
def test_a_stop_between_closes_that_takes_a_count_to_flat_to_its_end_leaves_none_open(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),  # enters at the next open
        still(NO_LONGS),  # flat is wanted for the first time
        bar(100, 100, 80, 90, NO_LONGS, closed=0),  # stopped at 92: flat is what it is
        still(NO_LONGS, 90, closed=0),
        still(LONG, 90),
        still(LONG, 90),
    ]
    run = play(mirrored(table, side), rules(confirm_bars=2, stop=0.08, risk_per_trade=1.0))
    assert [step.bot.confirmed * side for step in run.steps] == [0, 1, 1, 0, 0, 0, 1]
    assert [step.bot.streak_bars for step in run.steps] == [1, 0, 1, 0, 0, 1, 0]
    assert run.reasons[3:6] == [Reason.FLAT, Reason.FLAT, Reason.UNCONFIRMED]


@both_sides
def test_a_flat_bot_whose_confirmed_exposure_was_blocked_enters_while_the_band_excludes_flat(side: int) -> None:
    table = [
        still(LONG, atr=0.0),  # not worth its cost
        still((0.3, 1.0), atr=0.0),  # still excluded from flat: confirmed exposure stands
        still((0.3, 1.0)),
        still((0.3, 1.0)),
    ]
    run = play(mirrored(table, side), rules(edge_to_cost=2.0, fee_rate=0.001, leverage=10.0))
    assert [step.bot.confirmed * side for step in run.steps] == [1, 1, 1, 1]
    assert run.reasons == [Reason.COST, Reason.COST, Reason.TRADE, Reason.HOLD]


@both_sides
@pytest.mark.parametrize("band", [ANY, NO_SHORTS, FLAT, NO_LONGS])
def test_a_flat_bot_lets_its_blocked_exposure_fall_where_the_band_admits_flat(
    side: int, band: tuple[float, float]
) -> None:
    table = [still(LONG, atr=0.0), still(band), still(band)]
    run = play(mirrored(table, side), rules(edge_to_cost=2.0, fee_rate=0.001, leverage=10.0))
    assert [step.bot.confirmed for step in run.steps] == [side, 0, 0]
    assert run.reasons == [Reason.COST, Reason.FLAT, Reason.FLAT]


@both_sides
def test_the_reason_says_how_long_another_sign_was_wanted(side: int) -> None:
    table = [still(LONG), still(LONG), still(SHORT), still(SHORT)]
    run = play(mirrored(table, side), rules(confirm_bars=3))
    assert run.reasons == [Reason.UNCONFIRMED] * 4
    assert [step.bot.reason_value for step in run.steps] == [1, 2, 1, 2]
    assert {step.bot.reason_limit for step in run.steps} == {3}


@both_sides
def test_a_band_without_an_opinion_keeps_what_is_held(side: int) -> None:
    table = [still(LONG), still(ANY), still(NO_SHORTS), still((0.0, 0.5)), still(NO_LONGS), still(ANY)]
    assert confirmed(table, side, confirm_bars=1) == [1, 1, 1, 0.5, 0, 0]
