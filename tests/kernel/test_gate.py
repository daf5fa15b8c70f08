"""H: every row of the gate in its order, with its value and limit; ↑ rows stop only what increases."""

import math
from dataclasses import replace

import pytest

from shared.enums import BarStatus, Level, Reason, Trigger
from shared.units import HOUR_MS, MINUTE_MS
from tests.kernel.tables import (
    FLAT,
    INF,
    LONG,
    NAN,
    SHORT,
    START_MS,
    WARMING,
    Bar,
    Missing,
    Run,
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
from worker.step.records import Bot, Fleet

HALF = (0.5, 0.5)


def why(run: Run, step: int = -1) -> tuple[Reason, float, float, int]:
    bot = run.steps[step].bot
    return Reason(bot.reason), bot.reason_value, bot.reason_limit, bot.ordered


def at(level: Level) -> object:
    def put(fleet: Fleet) -> None:
        fleet.bots[0].level_person = level.value

    return put


def held(side: int, quantity: float = 10.0, **more: float) -> Bot:
    """Give a bot that holds a position of the given size at 100."""
    position = {
        "quantity": quantity * side,
        "entry_price": 100.0,
        "opened_quantity": quantity,
        "best_price": 100.0,
        "worst_price": 100.0,
        "confirmed": 1.0 * side,
        "sized_exposure": 1.0 * side,
        "target_quantity": quantity * side,
        "cash": 1000.0 - 100.0 * quantity * side,
    }
    return a_bot(**(position | more))


# --- one row at a time -------------------------------------------------------------------------------------------


@both_sides
@pytest.mark.parametrize("band", [LONG, SHORT, FLAT])
def test_halted_makes_no_order_at_all(side: int, band: tuple[float, float]) -> None:
    run = play(mirrored([still(band), still(band)], side), bot=held(side), between={0: at(Level.HALTED)})
    assert why(run) == (Reason.HALTED, 3.0, 3.0, 0)
    assert run.fills == []


@both_sides
def test_flatten_closes_at_the_next_open_and_stays_flat(side: int) -> None:
    run = play(mirrored([still(LONG)] * 3, side), bot=held(side), between={0: at(Level.FLATTEN)})
    assert why(run, 0) == (Reason.FLATTEN, 2.0, 2.0, 1)
    assert why(run, 1) == (Reason.FLATTEN, 2.0, 2.0, 0)
    assert run.legs == [(1, -10.0 * side, 100.0)]
    assert run.triggers == [Trigger.FLATTEN]


@both_sides
def test_flatten_closes_whatever_the_rows_below_say(side: int) -> None:
    setting = rules(min_notional=1e6, cooldown_ms=HOUR_MS * 9, edge_to_cost=9.0, max_portfolio_exposure=0.0)
    table = [still(LONG, status=BarStatus.LATE.value), still(LONG)]
    run = play(mirrored(table, side), setting, held(side), {0: at(Level.FLATTEN)})
    assert run.legs == [(1, -10.0 * side, 100.0)]


@pytest.mark.parametrize("status", [BarStatus.MISSING, BarStatus.LATE, BarStatus.REPAIRED])
def test_a_stale_bar_is_not_traded_on_by_signal(status: BarStatus) -> None:
    row = Missing(SHORT) if status == BarStatus.MISSING else still(SHORT, status=status.value)
    run = play([still(LONG), row, row], bot=held(1))
    assert why(run) == (Reason.STALE, float(status), 0.0, 0)
    assert run.fills == []


@pytest.mark.parametrize("row", [still(WARMING), still(SHORT, atr=NAN)], ids=["strategy", "atr"])
def test_while_warming_up_an_open_position_is_kept(row: Bar) -> None:
    run = play([row, still(LONG)], bot=held(1))
    reason, value, limit, ordered = why(run, 0)
    assert (reason, ordered) == (Reason.WARMUP, 0)
    assert math.isnan(value) and math.isnan(limit)
    assert run.fills == []


@both_sides
def test_no_entries_stops_an_entry(side: int) -> None:
    run = play(mirrored([still(LONG), still(LONG)], side), between={0: at(Level.NO_ENTRIES)})
    assert why(run) == (Reason.NO_ENTRIES, 1.0, 1.0, 0)


@both_sides
def test_no_entries_stops_an_increase_and_keeps_the_rest(side: int) -> None:
    bot = held(side, 5.0, confirmed=0.5 * side, sized_exposure=0.5 * side)
    run = play(mirrored([still(LONG), still(LONG)], side), bot=bot, between={0: at(Level.NO_ENTRIES)})
    assert why(run) == (Reason.NO_ENTRIES, 1.0, 1.0, 0)
    assert run.steps[-1].bot.quantity == 5.0 * side


@both_sides
def test_no_entries_lets_a_position_shrink_or_close(side: int) -> None:
    shrink = play(mirrored([still(HALF), still(HALF)], side), bot=held(side), between={0: at(Level.NO_ENTRIES)})
    close = play(mirrored([still(FLAT), still(FLAT)], side), bot=held(side), between={0: at(Level.NO_ENTRIES)})
    assert (shrink.legs, why(shrink, 0)[0]) == ([(1, -5.0 * side, 100.0)], Reason.TRADE)
    assert (close.legs, why(close, 0)[0]) == ([(1, -10.0 * side, 100.0)], Reason.TRADE)


@both_sides
def test_under_a_row_that_stops_increases_a_reversal_becomes_a_close(side: int) -> None:
    table = mirrored([still(SHORT, atr=0.001)] * 2, side)
    cases = {
        Reason.NO_ENTRIES: play(table, bot=held(side), between={0: at(Level.NO_ENTRIES)}),
        Reason.COST: play(table, rules(edge_to_cost=1e6, fee_rate=1e-9, leverage=2.0), held(side)),
        Reason.COOLDOWN: play(table, rules(cooldown_ms=2**61), held(side, last_fill_ms=0)),
        Reason.CAP: play(table, rules(max_symbol_exposure=0.0), held(side)),
    }
    for reason, run in cases.items():
        assert why(run, 0)[0] == reason
        assert run.steps[0].bot.ordered == 1
        assert run.legs == [(1, -10.0 * side, 100.0)], reason


@both_sides
def test_a_lock_of_the_other_sign_turns_a_reversal_into_a_close(side: int) -> None:
    bot = held(side, lock_sign=-side, confirmed=-1.0 * side)
    run = play(mirrored([still(SHORT)] * 2, side), bot=bot)
    assert why(run, 0) == (Reason.REENTRY_LOCK, -side, -side, 1)
    assert run.legs == [(1, -10.0 * side, 100.0)]


@both_sides
def test_hold_flat_and_unconfirmed_say_that_nothing_is_left_to_do(side: int) -> None:
    table = [still(FLAT), still(LONG), still(LONG), still(LONG), still(SHORT), still(LONG)]
    run = play(mirrored(table, side), rules(confirm_bars=2))
    expected = [Reason.FLAT, Reason.UNCONFIRMED, Reason.TRADE, Reason.HOLD, Reason.UNCONFIRMED, Reason.HOLD]
    assert run.reasons == expected
    assert why(run, 0)[1:] == (0.0, 0.0, 0)
    assert why(run, 1)[1:] == (1.0, 2.0, 0)
    assert why(run, 3)[1:] == (10.0 * side, 10.0 * side, 0)


@both_sides
def test_an_entry_that_is_not_worth_its_cost_is_stopped(side: int) -> None:
    setting = rules(edge_to_cost=2.0, fee_rate=0.001, slippage=0.0005, leverage=2.0)
    worth = 2 * 2 * 0.0015
    bot = a_bot(horizon_root=3.0)
    below = play(mirrored([still(LONG, atr=worth / 3 * 0.999)], side), setting, bot)
    above = play(mirrored([still(LONG, atr=worth / 3 * 1.001)], side), setting, bot)
    assert why(below) == (Reason.COST, pytest.approx(worth * 0.999), pytest.approx(worth), 0)
    assert why(above)[0] == Reason.TRADE


@both_sides
def test_after_a_fill_an_entry_waits_for_the_cooldown_in_market_time(side: int) -> None:
    setting = rules(cooldown_ms=300_000, step_ms=MINUTE_MS)
    table = [
        still(LONG),
        still(FLAT),  # filled at the open of this bar
        still(LONG),  # closed at the open of this bar: 60 s before its close
        still(LONG),
        still(LONG),
        still(LONG),
        still(LONG),  # 300 s: free
        still(LONG),
    ]
    run = play(mirrored(table, side), setting)
    waiting = [Reason.COOLDOWN] * 4
    assert run.reasons == [Reason.TRADE, Reason.TRADE, *waiting, Reason.TRADE, Reason.HOLD]
    assert why(run, 2)[1:] == (60.0, 300.0, 0)
    assert why(run, 5)[1:] == (240.0, 300.0, 0)


def test_a_cooldown_is_told_in_seconds_and_their_parts() -> None:
    run = play([still(LONG)] * 2, rules(cooldown_ms=300_500, step_ms=250), a_bot(last_fill_ms=START_MS - 1_000))
    assert why(run, 0) == (Reason.COOLDOWN, 1.25, 300.5, 0)


@both_sides
def test_the_cooldown_stops_no_exit(side: int) -> None:
    table = mirrored([still(LONG), still(FLAT), still(FLAT)], side)
    assert play(table, rules(cooldown_ms=HOUR_MS * 99)).legs[-1] == (2, -10.0 * side, 100.0)


@both_sides
def test_a_cap_cuts_an_entry_to_the_room_that_is_left(side: int) -> None:
    for cap in ("max_portfolio_exposure", "max_symbol_exposure"):
        run = play(mirrored([still(LONG), still(LONG)], side), rules(**{cap: 0.6}))
        assert why(run, 0) == (Reason.CAP, pytest.approx(1.0), 0.6, 1)
        assert run.legs == [(1, 6.0 * side, 100.0)]
        assert run.steps[1].reason == Reason.HOLD


def test_caps_count_what_was_decided_earlier_in_the_same_step() -> None:
    bots = [a_bot(), a_bot(), a_bot(market=1, signal=1)]
    fleet = a_fleet(rules(max_symbol_exposure=0.5, max_portfolio_exposure=0.8), bots, markets=2)
    run = play_fleet(fleet, [[still(LONG), still(SHORT)]])
    # equity 3,000: 1,500 for the symbol, 2,400 for the portfolio
    assert [ordered(bot) for bot in run.steps[0].bots] == pytest.approx([10.0, 5.0, -9.0])
    assert [Reason(bot.reason) for bot in run.steps[0].bots] == [Reason.TRADE, Reason.CAP, Reason.CAP]
    assert run.steps[0].bots[1].reason_limit == 0.5
    assert run.steps[0].bots[2].reason_limit == 0.8


@both_sides
def test_without_room_an_entry_is_stopped_and_a_position_stays(side: int) -> None:
    half = held(side, 5.0, sized_exposure=0.5 * side, confirmed=0.5 * side)
    entry = play(mirrored([still(LONG)], side), rules(max_portfolio_exposure=0.0))
    kept = play(mirrored([still(LONG)], side), rules(max_portfolio_exposure=0.4), half)
    assert entry.steps[0].bot.ordered == 0
    assert entry.reasons == [Reason.CAP]
    assert kept.reasons == [Reason.CAP]
    assert ordered(kept.steps[0].bot) == 0.0


BOTH_CAPS = pytest.mark.parametrize("cap", ["max_portfolio_exposure", "max_symbol_exposure"])


@both_sides
@BOTH_CAPS
def test_a_cap_counts_a_bots_own_position_once(side: int, cap: str) -> None:
    """Of 10 held 5 are kept whatever is wanted: the other 5 are what needs room."""
    half = {"sized_exposure": 0.5 * side, "confirmed": 0.5 * side}
    cases = {0.8: (Reason.CAP, 8.0), 1.0: (Reason.TRADE, 10.0), 0.5: (Reason.CAP, 5.0), 0.3: (Reason.CAP, 5.0)}
    for limit, (reason, quantity) in cases.items():
        run = play(mirrored([still(LONG)] * 2, side), rules(**{cap: limit}), held(side, 5.0, **half))
        assert (run.reasons[0], run.steps[1].bot.quantity) == (reason, quantity * side), limit
        if reason == Reason.CAP:
            assert why(run, 0)[1:3] == (1.0, limit)


@both_sides
@BOTH_CAPS
def test_a_cap_counts_what_the_other_bots_hold(side: int, cap: str) -> None:
    half = {"sized_exposure": 0.5 * side, "confirmed": 0.5 * side}
    for other_side in (1, -1):
        other = held(side * other_side, 6.0, signal=1, sized_exposure=0.6 * side * other_side)
        other.confirmed = other.sized_exposure
        fleet = a_fleet(rules(**{cap: 0.7}), [held(side, 5.0, **half), other])
        fleet.portfolio.equity = 2000.0
        keep = (other.confirmed, other.confirmed)
        run = play_fleet(fleet, [[*mirrored([still(LONG)], side), still(keep)]] * 2)
        # Equity is 2,000: of 1,400 the other has 600, and 800 are left.
        assert run.steps[1].bots[0].quantity == 8.0 * side
        assert run.steps[0].bots[0].reason_value == pytest.approx(0.8)


@both_sides
@BOTH_CAPS
def test_a_cap_sees_a_reversal_as_the_position_it_leaves(side: int, cap: str) -> None:
    run = play(mirrored([still(SHORT)] * 2, side), rules(**{cap: 0.6}), held(side))
    assert why(run, 0) == (Reason.CAP, pytest.approx(1.0), 0.6, 1)
    assert run.steps[1].bot.quantity == -6.0 * side


def test_the_caps_count_markets_apart_and_the_portfolio_together() -> None:
    bots = [a_bot(), a_bot(market=1, signal=1)]
    for cap, second in (("max_symbol_exposure", 6.0), ("max_portfolio_exposure", 2.0)):
        fleet = a_fleet(rules(**{cap: 0.3 if cap == "max_symbol_exposure" else 0.4}), [replace(bot) for bot in bots], 2)
        run = play_fleet(fleet, [[still((0.6, 0.6)), still(LONG)]])
        assert [ordered(bot) for bot in run.steps[0].bots] == pytest.approx([6.0, second]), cap


@both_sides
def test_a_bot_without_money_has_no_room(side: int) -> None:
    run = play(mirrored([still(LONG)], side), bot=a_bot(cash=-5.0, settled_equity=-5.0, allocation=1000.0))
    assert why(run) == (Reason.CAP, -5.0, 0.0, 0)


@both_sides
def test_what_is_left_must_be_worth_the_minimum_at_the_close(side: int) -> None:
    small = play(mirrored([still((0.09, 0.09))], side), rules(min_notional=100.0))
    enough = play(mirrored([still((0.1, 0.1))], side), rules(min_notional=100.0))
    assert why(small) == (Reason.MIN_NOTIONAL, pytest.approx(90.0), 100.0, 0)
    assert why(enough) == (Reason.TRADE, pytest.approx(100.0), 100.0, 1)


@both_sides
def test_a_reduction_below_the_minimum_is_stopped_and_a_close_is_exempt(side: int) -> None:
    tiny = held(side, 0.5, confirmed=0.05 * side, sized_exposure=0.05 * side)
    reduction = play(mirrored([still((0.95, 0.95))], side), rules(min_notional=100.0), held(side))
    close = play(mirrored([still(FLAT)] * 2, side), rules(min_notional=100.0), tiny)
    assert why(reduction) == (Reason.MIN_NOTIONAL, pytest.approx(50.0), 100.0, 0)
    assert close.legs == [(1, -0.5 * side, 100.0)]


@both_sides
def test_both_legs_of_a_reversal_count_together(side: int) -> None:
    enough = play(mirrored([still((-0.05, -0.05))] * 2, side), rules(min_notional=100.0), held(side))
    tiny = held(side, 0.5, confirmed=0.05 * side, sized_exposure=0.05 * side)
    too_little = play(mirrored([still((-0.04, -0.04))] * 2, side), rules(min_notional=100.0), tiny)
    assert why(enough, 0) == (Reason.TRADE, pytest.approx(1050.0), 100.0, 1)
    assert enough.legs == [(1, -10.0 * side, 100.0), (1, -0.5 * side, 100.0)]
    assert why(too_little, 0) == (Reason.MIN_NOTIONAL, pytest.approx(90.0), 100.0, 0)
    assert too_little.legs == []


# --- the order of the rows ---------------------------------------------------------------------------------------


def test_the_rows_stand_in_the_order_of_the_contract() -> None:
    """Everything is wrong at once; rows are put right from the top, and the reason moves down one by one."""
    bot = a_bot(lock_sign=1, confirmed=1.0, last_fill_ms=2**60)
    setting = rules(fee_rate=0.001, edge_to_cost=2.0, cooldown_ms=2**61, leverage=2.0)
    setting.max_portfolio_exposure, setting.min_notional = 0.5, 600.0
    row = {"band": WARMING, "status": BarStatus.LATE.value, "atr": 0.0}
    level = Level.HALTED
    seen = []

    def decide() -> None:
        run = play([still(**row)], replace(setting), replace(bot), {0: at(level)})
        seen.append(run.reasons[0])

    decide()
    level = Level.FLATTEN
    decide()
    level = Level.NO_ENTRIES
    decide()
    row["status"] = BarStatus.FRESH.value
    decide()
    row["band"] = LONG
    decide()
    level = Level.RUNNING
    decide()
    bot.lock_sign = 0
    decide()
    row["atr"] = 0.02
    decide()
    bot.last_fill_ms = 0
    setting.cooldown_ms = 0
    decide()
    setting.max_portfolio_exposure = 0.7
    decide()
    setting.max_portfolio_exposure = INF
    decide()
    assert seen == [
        Reason.HALTED,
        Reason.FLATTEN,
        Reason.STALE,
        Reason.WARMUP,
        Reason.NO_ENTRIES,
        Reason.REENTRY_LOCK,
        Reason.COST,
        Reason.COOLDOWN,
        Reason.MIN_NOTIONAL,  # the cap leaves 500, which is below 600
        Reason.CAP,  # the cap leaves 700
        Reason.TRADE,
    ]


@both_sides
def test_the_last_row_that_cut_the_change_is_the_reason(side: int) -> None:
    setting = rules(max_symbol_exposure=0.5, min_notional=600.0)
    run = play(mirrored([still(LONG)], side), setting)
    assert why(run) == (Reason.MIN_NOTIONAL, pytest.approx(500.0), 600.0, 0)


def test_dust_that_wants_no_size_is_no_trade() -> None:
    for minimum in (0.0, 100.0):
        dust = a_bot(quantity=0.0004, confirmed=1.0, allocation=0.0)
        run = play([still(LONG)], rules(min_notional=minimum), dust, market={"quantity_step": 0.001})
        assert why(run) == (Reason.MIN_NOTIONAL, pytest.approx(0.04), minimum, 0)


@both_sides
def test_a_trade_says_what_it_is_worth(side: int) -> None:
    run = play(mirrored([still(SHORT)], side), rules(min_notional=100.0), held(side))
    assert why(run) == (Reason.TRADE, pytest.approx(2000.0), 100.0, 1)


def test_every_bot_has_one_reason_per_step() -> None:
    table = [still(LONG), Missing(LONG), still(WARMING), bar(100, 101, 99, 100, SHORT), still(SHORT)]
    assert play(table, rules(min_notional=10.0)).reasons == [
        Reason.TRADE,
        Reason.STALE,
        Reason.WARMUP,
        Reason.TRADE,
        Reason.HOLD,
    ]
