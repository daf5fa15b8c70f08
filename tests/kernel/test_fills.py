"""A: what was decided fills at the next open."""

import pytest

from shared.enums import BarStatus, Leg, Reason, Trigger
from shared.units import HOUR_MS
from tests.kernel.tables import (
    ANY,
    FLAT,
    LONG,
    SHORT,
    START_MS,
    Missing,
    a_bot,
    a_fleet,
    bar,
    both_sides,
    mirrored,
    ordered,
    play,
    play_fleet,
    rules,
    still,
)
from worker.step.journal import Fill
from worker.step.records import Bot


@both_sides
def test_an_order_fills_at_the_next_open_against_itself_and_pays_its_fee(side: int) -> None:
    table = [
        still(LONG),  # wants 10
        bar(98, 99, 97, 99, LONG),  # fills at its open, not at any other price of it
        bar(99, 101, 99, 101, FLAT),  # wants out
        bar(102, 103, 101, 103, FLAT),  # fills at its open
    ]
    run = play(mirrored(table, side), rules(fee_rate=0.001, slippage=0.0005, leverage=10.0))
    opened, closed = 100 - 2 * side, 100 + 2 * side
    bought, sold = opened * (1 + side * 0.0005), closed * (1 - side * 0.0005)
    assert run.legs == [(1, 10.0 * side, round(bought, 9)), (3, -10.0 * side, round(sold, 9))]
    assert [fill.fee for fill in run.fills] == pytest.approx([10 * bought * 0.001, 10 * sold * 0.001])
    assert [fill.time_ms for fill in run.fills] == [START_MS + HOUR_MS, START_MS + 3 * HOUR_MS]
    assert run.triggers == [Trigger.SIGNAL, Trigger.SIGNAL]
    assert run.steps[-1].bot.cash == pytest.approx(1000 + 10 * side * (sold - bought) - 0.01 * (bought + sold))
    assert run.steps[-1].bot.quantity == 0.0


@both_sides
def test_a_reversal_is_one_order_and_two_fills(side: int) -> None:
    table = [
        still(LONG),  # wants 10
        still(SHORT),  # wants -10: one order of -20
        still(SHORT),  # closes, then opens
    ]
    run = play(mirrored(table, side))
    assert ordered(run.steps[1].bot) == -20.0 * side
    assert run.legs == [(1, 10.0 * side, 100.0), (2, -10.0 * side, 100.0), (2, -10.0 * side, 100.0)]
    assert [Leg(fill.leg) for fill in run.fills] == [Leg.OPEN, Leg.CLOSE, Leg.OPEN]
    assert run.fleet.journal.orders == 2


@both_sides
def test_an_order_whose_bar_is_missing_is_cancelled(side: int) -> None:
    table = [
        still(LONG),  # wants 10
        Missing(LONG),  # no bar, no fill
        still(ANY),  # nothing is left of the order, and the signal has gone
        still(ANY),
    ]
    run = play(mirrored(table, side))
    assert run.legs == []
    assert run.reasons == [Reason.TRADE, Reason.STALE, Reason.FLAT, Reason.FLAT]
    assert run.fleet.journal.orders == 0


@pytest.mark.parametrize("status", [BarStatus.LATE, BarStatus.REPAIRED])
def test_an_order_fills_at_the_open_of_a_bar_that_came_late_or_was_repaired(status: BarStatus) -> None:
    run = play([still(LONG), still(LONG, status=status.value), still(LONG)])
    assert run.legs == [(1, 10.0, 100.0)]


@both_sides
def test_the_entry_price_is_the_weighted_average_of_what_increased_the_position(side: int) -> None:
    half, whole = (0.5, 0.5), (1.0, 1.0)
    table = [
        still(half),  # wants 5
        still(whole),  # wants 10
        bar(96, 96, 96, 96, whole),  # 5 more at 96
        bar(96, 96, 96, 96, half),  # wants half of it again
        bar(99, 99, 99, 99, half),  # sells some: the entry price stays
    ]
    run = play(mirrored(table, side), rules(leverage=10.0))
    cheaper = 100 - 4 * side
    assert run.steps[1].bot.entry_price == 100.0
    assert run.steps[2].bot.entry_price == pytest.approx((5 * 100 + 5 * cheaper) / 10)
    assert run.steps[4].bot.entry_price == run.steps[2].bot.entry_price
    assert abs(run.steps[4].bot.quantity) < abs(run.steps[3].bot.quantity)


@both_sides
def test_a_reversal_starts_a_new_entry_price(side: int) -> None:
    table = [
        still(LONG),
        bar(100, 104, 100, 104, SHORT),
        bar(104, 104, 104, 104, SHORT),  # the short starts here
    ]
    run = play(mirrored(table, side))
    assert run.steps[2].bot.entry_price == 100 + 4 * side
    assert run.steps[2].bot.opened_ms == START_MS + 2 * HOUR_MS


def test_what_is_below_the_smallest_quantity_counts_as_flat_and_stays_in_the_books() -> None:
    dust, thousandths = a_bot(quantity=0.0004), {"quantity_step": 0.001}
    run = play([still(FLAT), still(FLAT), still(LONG), still(LONG)], bot=dust, market=thousandths)
    assert run.reasons == [Reason.FLAT, Reason.FLAT, Reason.TRADE, Reason.HOLD]
    assert run.steps[1].bot.quantity == 0.0004
    # 10 are wanted, and what is missing is no whole number of thousandths.
    assert run.steps[3].bot.quantity == 9.9994


@both_sides
@pytest.mark.parametrize("netting", [0, 1])
def test_a_reversal_into_the_smallest_quantity_gets_all_of_its_order(side: int, netting: int) -> None:
    """The opening leg is as large as the smallest quantity, and no smaller."""
    tenth = {"quantity_step": 0.1, "min_quantity": 0.1}
    for steps in range(1, 60):
        bot = a_bot(quantity=side * steps * 0.1, entry_price=100.0, opened_quantity=steps * 0.1)
        run = play(mirrored([still((-0.01, -0.01))] * 2, side), rules(netting=netting), bot, market=tenth)
        assert run.steps[1].bot.quantity == -0.1 * side, steps


def test_a_gap_at_the_open_may_push_cash_below_zero_and_makes_no_trade() -> None:
    table = [
        still(LONG),  # wants 10
        bar(103, 103, 102, 103, LONG),  # pays 1,030
        still(LONG, 103.0),
        still(LONG, 103.0),
    ]
    run = play(table)
    assert run.steps[1].bot.cash == pytest.approx(-30.0)
    assert run.legs == [(1, 10.0, 103.0)]
    assert run.reasons == [Reason.TRADE, Reason.HOLD, Reason.HOLD, Reason.HOLD]


def test_a_symbol_that_lists_later_is_not_traded_before() -> None:
    run = play([Missing(LONG), Missing(LONG), still(LONG), still(LONG)])
    assert run.reasons == [Reason.STALE, Reason.STALE, Reason.TRADE, Reason.HOLD]
    assert run.legs == [(3, 10.0, 100.0)]


# --- what a fill leaves -------------------------------------------------------------------------------------------


def test_the_row_of_a_fill_says_everything_of_it() -> None:
    """The second bot sells on the second market what the third buys half of; then its rest is bought back in part."""
    bots = [a_bot(), a_bot(market=1, signal=1), a_bot(market=1, signal=2)]
    fleet = a_fleet(rules(slippage=0.125, fee_rate=0.0625, leverage=4.0, max_position=4.0), bots, markets=2)
    rows = [[still(FLAT), still(SHORT), still((0.5, 0.5))], [still(FLAT), still(SHORT), still((0.5, 0.5))]]
    sold, bought = play_fleet(fleet, rows).steps[1].fills
    at = {"time_ms": START_MS + HOUR_MS, "step": 1, "market": 1, "leg": Leg.OPEN, "trigger": Trigger.SIGNAL}
    assert sold == Fill(
        **at,
        bot=1,
        units=-(10**9),
        quantity=-10.0,
        price=(5 * 100.0 + 5 * 87.5) / 10,
        fee=5 * 87.5 * 0.0625,
        slippage=5 * 12.5,
        crossed_units=-5 * 10**8,
        crossed=-5.0,
        saved=500.0 * 0.1875,
        best_price=93.75,
        worst_price=93.75,
    )
    assert bought == Fill(
        **at,
        bot=2,
        units=5 * 10**8,
        quantity=5.0,
        price=100.0,
        fee=0.0,
        crossed_units=5 * 10**8,
        crossed=5.0,
        saved=500.0 * 0.1875,
        best_price=100.0,
        worst_price=100.0,
    )
    assert fleet.portfolio.saved_quote == 1000.0 * 0.1875


# What a bot knows of its position beside its size.
POSITION = (
    *("entry_price", "opened_quantity", "best_price", "worst_price", "stop_fraction", "target_fraction"),
    *("exit_level", "rungs_fired", "open_fraction", "lock_sign"),
)


def known(bot: Bot) -> tuple[float, ...]:
    return tuple(bot.opened_units / 1e8 if name == "opened_quantity" else getattr(bot, name) for name in POSITION)


@both_sides
def test_a_position_begins_with_what_was_decided_and_leaves_nothing_behind(side: int) -> None:
    table = [
        still(LONG, stop=0.5, target=0.25),
        bar(100, 112.5, 87.5, 100, LONG),  # opens; best and worst take the bar in
        bar(100, 125, 100, 100, LONG),  # its target: locked
        still(LONG),
        still(SHORT, stop=0.25, target=0.5),  # the other sign
        still(SHORT),
        still(FLAT),
        still(FLAT),
    ]
    run = play(mirrored(table, side), rules(risk_per_trade=9.0))
    none = (0.0,) * 8 + (1.0,)
    best, worst, level = 100 + 12.5 * side, 100 - 12.5 * side, 100 - 50 * side
    assert known(run.steps[1].bot) == (100.0, 10.0, best, worst, 0.5, 0.25, level, 0, 1.0, 0)
    assert [known(run.steps[n].bot) for n in (2, 3)] == [(*none, side)] * 2
    size = abs(run.steps[5].bot.quantity)
    assert known(run.steps[5].bot) == (100.0, size, 100.0, 100.0, 0.25, 0.5, 100 + 25 * side, 0, 1.0, 0)
    assert known(run.steps[7].bot) == (*none, 0)
    assert run.triggers == [Trigger.SIGNAL, Trigger.LADDER, Trigger.SIGNAL, Trigger.SIGNAL]
