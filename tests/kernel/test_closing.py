"""A position that a person closes: at the next open, whatever its signal says, and then locked like a stop's."""

from dataclasses import replace

from shared.enums import BarStatus, Level, Reason, Trigger
from shared.units import HOUR_MS
from tests.kernel.tables import (
    ANY,
    FLAT,
    LONG,
    NO_LONGS,
    SHORT,
    WARMING,
    Missing,
    a_bot,
    both_sides,
    mirrored,
    play,
    rules,
    still,
)
from tests.kernel.test_gate import at, held, why
from worker.step.records import Fleet
from worker.step.withdraw import ask_close


def close(fleet: Fleet) -> None:
    ask_close(fleet, 0)


@both_sides
def test_a_close_is_ordered_at_the_next_close_of_a_bar_and_locks_its_side(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),  # asked before it closed: ordered at its close
        still(LONG),  # closed at its open; the band still wants the position
        still(ANY),
        still(NO_LONGS),  # the band is content with flat: the lock is over
        still(LONG),
        still(LONG),
    ]
    run = play(mirrored(table, side), bot=held(side), between={1: close})
    assert run.legs == [(2, -10.0 * side, 100.0), (6, 10.0 * side, 100.0)]
    assert run.triggers == [Trigger.CLOSE, Trigger.SIGNAL]
    assert why(run, 1) == (Reason.CLOSE, 10.0 * side, 0.0, 1)
    assert why(run, 2) == (Reason.REENTRY_LOCK, 1.0 * side, side, 0)
    assert run.reasons[3:] == [Reason.FLAT, Reason.FLAT, Reason.TRADE, Reason.HOLD]


@both_sides
def test_a_close_is_ordered_whatever_the_rows_below_say_until_it_is_done(side: int) -> None:
    setting = rules(min_notional=1e6, cooldown_ms=HOUR_MS * 9, edge_to_cost=9.0, max_portfolio_exposure=0.0)
    table = [still(WARMING, status=BarStatus.LATE.value), Missing(SHORT), still(LONG), still(LONG)]
    run = play(mirrored(table, side), setting, held(side), {0: close})
    assert run.reasons[:3] == [Reason.CLOSE] * 2 + [Reason.REENTRY_LOCK]
    assert run.legs == [(2, -10.0 * side, 100.0)], "the bar after the order was missing, so it was ordered again"


@both_sides
def test_a_close_is_done_though_the_signal_has_turned_and_leaves_the_other_side_free(side: int) -> None:
    run = play(mirrored([still(SHORT), still(SHORT), still(SHORT)], side), bot=held(side), between={0: close})
    assert run.legs == [(1, -10.0 * side, 100.0), (2, -10.0 * side, 100.0)]
    assert run.triggers == [Trigger.CLOSE, Trigger.SIGNAL]


@both_sides
def test_a_close_turns_a_waiting_reversal_into_a_close(side: int) -> None:
    run = play(mirrored([still(SHORT), still(LONG), still(LONG)], side), bot=held(side), between={1: close})
    assert run.legs == [(1, -10.0 * side, 100.0)]


@both_sides
def test_a_close_takes_back_what_would_increase_the_position(side: int) -> None:
    setting = rules(resize=1, resize_band=0.0, leverage=4.0)
    bot = held(side, allocation=2000.0)
    fleet = play(mirrored([still(LONG)], side), setting, bot).fleet
    assert fleet.bots[0].order_units != 0
    close(fleet)
    kept = fleet.bots[0]
    assert (kept.order_units, kept.ordered, kept.reason) == (0, 0, Reason.CLOSE)
    assert (kept.reason_value, kept.reason_limit) == (10.0 * side, 0.0)


def test_a_close_of_a_flat_bot_changes_nothing() -> None:
    fleet = play([still(FLAT)], bot=a_bot(lock_sign=1, confirmed=1.0)).fleet
    before = replace(fleet.bots[0])
    close(fleet)
    assert fleet.bots[0] == before


@both_sides
def test_a_close_waits_while_the_level_is_halted(side: int) -> None:
    run = play(
        mirrored([still(LONG)] * 4, side),
        bot=held(side),
        between={0: lambda fleet: (close(fleet), at(Level.HALTED)(fleet)), 2: at(Level.RUNNING)},
    )
    assert run.reasons == [Reason.HALTED, Reason.HALTED, Reason.CLOSE, Reason.REENTRY_LOCK]
