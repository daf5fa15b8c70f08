"""I: opposite wishes cross in house; one order per market goes to the exchange."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.enums import BarStatus, Leg, Level, Reason, Trigger
from shared.units import HOUR_MS
from tests.kernel.tables import (
    FLAT,
    LONG,
    SHORT,
    START_MS,
    Run,
    a_bot,
    a_fleet,
    both_sides,
    mirrored,
    ordered,
    play_fleet,
    rules,
    still,
    units,
)
from worker.risk.levels import set_levels
from worker.risk.quantity import hold
from worker.step.net import net
from worker.step.records import Fleet, Market
from worker.step.step import open_bar
from worker.step.withdraw import order_closes, withdraw_orders, write_off

Band = tuple[float, float]
COSTS = {"fee_rate": 0.001, "slippage": 0.0005, "leverage": 100.0}


def trade(
    bands: list[Band], moneys: list[float] | None = None, market: dict[str, float] | None = None, **changes: float
) -> Run:
    """Let bots with a band each order in the first bar and fill in the second, at a price of 100."""
    moneys = moneys or [1000.0] * len(bands)
    bots = [a_bot(signal=k, money=money) for k, money in enumerate(moneys)]
    fleet = a_fleet(rules(**(COSTS | changes)), bots, market=market)
    return play_fleet(fleet, [[still(band) for band in bands]] * 2)


def filled(run: Run) -> list[float]:
    return [round(fill.quantity, 9) for fill in run.fills]


def test_equal_wishes_cross_entirely_at_the_open_free_of_cost() -> None:
    run = trade([LONG, SHORT])
    assert filled(run) == [10.0, -10.0]
    assert [(fill.price, fill.fee) for fill in run.fills] == [(100.0, 0.0), (100.0, 0.0)]
    assert [fill.crossed for fill in run.fills] == [10.0, -10.0]
    assert run.fleet.journal.orders == 0
    assert run.fleet.portfolio.saved_quote == pytest.approx(2 * 1000 * 0.0015)


def test_only_the_remainder_reaches_the_exchange_as_one_order() -> None:
    run = trade([LONG, LONG, SHORT], [1000.0, 2000.0, 1200.0])
    buy = 100 * 1.0005
    assert ordered(run.steps[0].markets[0]) == pytest.approx(18.0)
    assert run.fleet.journal.orders == 1
    for fill, quantity in zip(run.fills[:2], (10.0, 20.0), strict=True):
        # Each buyer crosses the same share, 12 of 30.
        assert fill.quantity == pytest.approx(quantity)
        assert fill.crossed == pytest.approx(quantity * 0.4)
        assert fill.price == pytest.approx(0.4 * 100 + 0.6 * buy)
        assert fill.fee == pytest.approx(0.6 * quantity * buy * 0.001)
    assert (run.fills[2].quantity, run.fills[2].price, run.fills[2].fee) == (-12.0, 100.0, 0.0)


def test_the_direction_of_the_remainder_sets_the_slippage() -> None:
    run = trade([LONG, SHORT], [1000.0, 3000.0])
    assert run.fills[0].price == 100.0
    assert run.fills[1].price == pytest.approx((10 * 100 + 20 * 100 * 0.9995) / 30)


def test_what_rounding_left_stays_with_the_largest_bot() -> None:
    odd = [0.7, 3.333, 1.25]  # 5.283 are to be sold, in steps of 0.5
    bots = [a_bot(signal=k, quantity=quantity, entry_price=100.0) for k, quantity in enumerate(odd)]
    fleet = a_fleet(rules(**COSTS), bots, market={"quantity_step": 0.5, "min_quantity": 0.5})
    run = play_fleet(fleet, [[still(FLAT)] * 3] * 2)
    assert ordered(run.steps[0].markets[0]) == -5.0
    assert [fill.quantity for fill in run.fills] == pytest.approx([-0.7, -3.05, -1.25])
    assert run.steps[1].bots[1].quantity == pytest.approx(0.283)


def test_a_remainder_below_the_exchanges_minimum_is_dropped_from_the_larger_side() -> None:
    run = trade([LONG, LONG, SHORT], [1000.0, 2000.0, 2996.0], {"min_notional": 5.0})
    # 30 against 29.96: a remainder worth 4.
    assert run.fleet.journal.orders == 0
    assert [fill.units for fill in run.fills] == [998_666_666, 1_997_333_334, -2_996_000_000]
    assert [fill.fee for fill in run.fills] == [0.0, 0.0, 0.0]
    assert [Reason(bot.reason) for bot in run.steps[0].bots] == [Reason.TRADE] * 3


def test_a_lone_wish_below_the_exchanges_minimum_makes_no_order() -> None:
    for netting in (0, 1):
        run = trade([(0.004, 0.004)], market={"min_notional": 5.0}, netting=netting)
        bot = run.steps[0].bots[0]
        assert (Reason(bot.reason), bot.ordered, bot.order_units) == (Reason.MIN_NOTIONAL, 0, 0)
        assert (bot.reason_value, bot.reason_limit) == (pytest.approx(4.0, abs=1e-3), 5.0)
        assert run.fills == []


def test_the_smaller_side_may_be_below_the_exchanges_minimum_since_it_crosses() -> None:
    run = trade([LONG, (-0.004, -0.004)], market={"min_notional": 5.0})
    assert [fill.quantity for fill in run.fills] == pytest.approx([10.0, -0.04])


def test_without_netting_each_bot_sends_its_own_order() -> None:
    run = trade([LONG, SHORT, LONG], netting=0)
    assert run.fleet.journal.orders == 3
    assert [fill.crossed for fill in run.fills] == [0.0, 0.0, 0.0]
    buy, sell = 100 * 1.0005, 100 * 0.9995
    assert [fill.price for fill in run.fills] == pytest.approx([buy, sell, buy])
    assert [fill.fee for fill in run.fills] == pytest.approx([buy / 100, sell / 100, buy / 100])
    assert run.fleet.portfolio.saved_quote == 0.0


@pytest.mark.parametrize(("bought", "closes", "opens"), [(5.0, 5.0, 0.0), (10.0, 10.0, 0.0), (15.0, 10.0, 5.0)])
def test_what_a_reversal_crosses_closes_first(bought: float, closes: float, opens: float) -> None:
    bots = [a_bot(), a_bot(signal=1, money=100.0 * bought)]
    rows = [[still(LONG), still(FLAT)], [still(SHORT), still(LONG)], [still(SHORT), still(LONG)]]
    run = play_fleet(a_fleet(rules(**COSTS), bots), rows)
    close, opened = (fill for fill in run.steps[2].fills if fill.bot == 0)
    assert (Leg(close.leg), Leg(opened.leg)) == (Leg.CLOSE, Leg.OPEN)
    assert (-close.crossed, -opened.crossed) == (pytest.approx(closes), pytest.approx(opens, abs=1e-9))
    sold = 100 * 0.9995
    assert close.price == pytest.approx((closes * 100 + (10 - closes) * sold) / 10)
    assert opened.fee == pytest.approx((10 - opens) * sold * 0.001)


def test_bots_on_different_markets_do_not_cross() -> None:
    bots = [a_bot(), a_bot(market=1, signal=1)]
    run = play_fleet(a_fleet(rules(**COSTS), bots, markets=2), [[still(LONG), still(SHORT)]] * 2)
    assert run.fleet.journal.orders == 2
    assert [fill.crossed for fill in run.fills] == [0.0, 0.0]


def test_crossing_costs_no_more_than_sending_each_order() -> None:
    bands = [LONG, SHORT, (0.3, 0.3), (-0.7, -0.7)]
    netted, alone = trade(bands), trade(bands, netting=0)
    saved = netted.fleet.portfolio.equity - alone.fleet.portfolio.equity
    assert saved == pytest.approx(netted.fleet.portfolio.saved_quote, rel=1e-3)
    assert saved > 0.0


def test_a_reversal_cut_to_little_more_than_a_close_loses_nothing_on_the_way() -> None:
    """What is left to open is too small for a position, but the other bot sold it, so this one must have it."""
    short = a_bot(quantity=-1.0, entry_price=100.0, opened_quantity=1.0, allocation=100.0)
    odd = a_bot(signal=1, quantity=1.05, entry_price=100.0, opened_quantity=1.05)
    market = {"quantity_step": 0.1, "min_quantity": 0.1, "min_notional": 1000.0}
    fleet = a_fleet(rules(**COSTS), [short, odd], market=market)
    run = play_fleet(fleet, [[still(LONG), still(FLAT)]] * 2)
    # 2 wanted against 1.05: the remainder of 0.95 is worth too little, so 1.05 cross.
    assert run.fleet.journal.orders == 0
    assert [bot.quantity for bot in run.steps[1].bots] == [0.05, 0.0]
    assert sum(fill.units for fill in run.fills) == 0


# --- the smallest counts, to the last unit -----------------------------------------------------------------------


def small_fleet(rows: list[tuple[int, int, int]], step: int) -> Fleet:
    """Bots given as (market, units held, units wished) on two markets at 100 whose step is so many units."""
    fleet = a_fleet(rules(slippage=0.5), [a_bot(market=market, signal=market) for market, _, _ in rows], markets=2)
    for market in fleet.markets:
        market.step_units, market.status = step, BarStatus.FRESH.value
        market.open = market.close = 100.0
    for bot, (_, held, wish) in zip(fleet.bots, rows, strict=True):
        hold(bot, fleet.markets[bot.market], held)
        bot.order_units = wish
    net(fleet)
    return fleet


def left_by_rounding(wishes: list[int], crossed: list[int], step: int) -> list[int]:
    """Take what is no whole step off the larger side's orders: the largest first, then as they stand."""
    remainder, got = sum(wishes), list(wishes)
    left = abs(remainder) % step
    side = [k for k, wish in enumerate(wishes) if wish * remainder > 0]
    for k in [*sorted(side, key=lambda k: -abs(wishes[k]))[:1], *side]:
        taken = min(left, abs(got[k]) - abs(crossed[k]))
        left -= taken
        got[k] -= taken if got[k] > 0 else -taken
    return got


small_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=7)


@settings(max_examples=300, deadline=None)
@given(small_rows, st.sampled_from([1, 2, 3]))
def test_the_smallest_orders_are_netted_and_filled_to_the_last_unit(
    rows: list[tuple[int, int, int]], step: int
) -> None:
    fleet = small_fleet(rows, step)
    crossed, got = ([getattr(bot, name) for bot in fleet.bots] for name in ("crossed_units", "order_units"))
    for m, market in enumerate(fleet.markets):
        places = [k for k, row in enumerate(rows) if row[0] == m]
        check_netted(
            market, step, *([values[k] for k in places] for values in ([row[2] for row in rows], crossed, got))
        )
    open_bar(fleet, START_MS)
    fills = fleet.fills[: fleet.journal.fills]
    for b, (_, held, _) in enumerate(rows):
        assert fleet.bots[b].units == held + got[b]
        closing = -held if held * got[b] < 0 and abs(got[b]) > abs(held) else got[b] if held * got[b] < 0 else 0
        legs = {(Leg.CLOSE, closing), (Leg.OPEN, got[b] - closing)}
        assert {(fill.leg, fill.units) for fill in fills if fill.bot == b} == {leg for leg in legs if leg[1]}
        assert sum(fill.crossed_units for fill in fills if fill.bot == b) == crossed[b]


def check_netted(market: Market, step: int, wishes: list[int], crossed: list[int], got: list[int]) -> None:
    """Hold what a market's bots get to their wishes."""
    bought, sold = (sum(abs(wish) for wish in wishes if wish * side > 0) for side in (1, -1))
    assert sum(crossed) == 0 and sum(map(abs, crossed)) == 2 * min(bought, sold)
    assert abs(market.order_units) == abs(bought - sold) // step * step and market.order_units * (bought - sold) >= 0
    if market.order_units:
        assert got == left_by_rounding(wishes, crossed, step)
        larger = max(bought, sold)
        for wish, part in zip(wishes, crossed, strict=True):
            share = wish if wish * (bought - sold) <= 0 else wish * min(bought, sold) / larger
            assert abs(part - share) < 2 and part * wish >= 0
    else:
        assert got == crossed
        assert any(wish % step for wish in wishes) or not any(part % step for part in crossed)


def test_a_withdrawn_order_leaves_its_counterpart_to_the_exchange() -> None:
    bots = [a_bot(), a_bot(signal=1)]
    fleet = a_fleet(rules(**COSTS), bots)
    play_fleet(fleet, [[still(LONG), still(SHORT)]])
    assert ordered(fleet.markets[0]) == 0.0
    fleet.bots[1].level_person = Level.NO_ENTRIES.value
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    withdraw_orders(fleet)
    assert [ordered(bot) for bot in fleet.bots] == [10.0, 0.0]
    assert [bot.crossed_units for bot in fleet.bots] == [0.0, 0.0]
    assert [bot.ordered for bot in fleet.bots] == [1, 0]
    assert ordered(fleet.markets[0]) == 10.0


@pytest.mark.parametrize(
    ("level", "band", "left"),
    [
        (Level.NO_ENTRIES, SHORT, -5.0),  # a reversal becomes a close
        (Level.NO_ENTRIES, FLAT, -5.0),
        (Level.NO_ENTRIES, LONG, 0.0),  # an increase goes
        (Level.HALTED, FLAT, 0.0),  # everything goes
    ],
)
def test_of_a_pending_order_only_what_the_level_allows_is_left(level: Level, band: Band, left: float) -> None:
    held = {"quantity": 5.0, "entry_price": 100.0, "opened_quantity": 5.0, "confirmed": 0.5, "sized_exposure": 0.5}
    fleet = a_fleet(rules(leverage=2.0), [a_bot(**held, target_quantity=5.0)])
    play_fleet(fleet, [[still(band)]])
    fleet.bots[0].level_person = level.value
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    withdraw_orders(fleet)
    assert ordered(fleet.bots[0]) == left
    assert ordered(fleet.markets[0]) == left
    told = (Reason(fleet.bots[0].reason), fleet.bots[0].reason_value, fleet.bots[0].reason_limit)
    if left == 0.0:
        assert told == (Reason[level.name], level, level)
    else:
        assert told[0] == Reason.TRADE
    assert fleet.bots[0].ordered == (left != 0.0)


@pytest.mark.parametrize("level", [Level.NO_ENTRIES, Level.FLATTEN, Level.HALTED])
def test_a_bot_that_had_ordered_nothing_keeps_its_reason_when_a_level_rises(level: Level) -> None:
    fleet = a_fleet(rules(), [a_bot(), a_bot(signal=1)])
    play_fleet(fleet, [[still(LONG), still(FLAT)]])
    fleet.portfolio.level_person = level.value
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    withdraw_orders(fleet)
    gone = Reason.HALTED if level == Level.HALTED else Reason.NO_ENTRIES
    assert [Reason(bot.reason) for bot in fleet.bots] == [gone, Reason.FLAT]
    assert (fleet.bots[0].reason_value, fleet.bots[0].reason_limit) == (level, min(level, Level[gone.name]))


def test_where_no_level_rises_orders_stay_as_they_are() -> None:
    fleet = a_fleet(rules(), [a_bot(), a_bot(signal=1)])
    play_fleet(fleet, [[still(LONG), still((-0.5, -0.5))]])
    before = [replace(record) for record in (*fleet.bots, *fleet.markets)]
    withdraw_orders(fleet)
    assert [*fleet.bots, *fleet.markets] == before


def test_closing_at_once_is_a_step_of_its_own_for_the_bots_at_flatten() -> None:
    bots = [a_bot(), a_bot(signal=1, sleeve=1)]
    fleet = a_fleet(rules(), bots)
    play_fleet(fleet, [[still(LONG)] * 2] * 2)
    fleet.sleeves[0].level_person = Level.FLATTEN.value
    order_closes(fleet)
    assert fleet.portfolio.step == 3
    assert [ordered(bot) for bot in fleet.bots] == [-10.0, 0.0]


@pytest.mark.parametrize("level", list(Level))
def test_closing_at_once_closes_at_flatten_alone_and_leaves_no_other_order(level: Level) -> None:
    bots = [a_bot(), a_bot(signal=1, sleeve=1)]
    fleet = a_fleet(rules(), bots)
    play_fleet(fleet, [[still(LONG)] * 2] * 2)
    play_fleet(fleet, [[still(FLAT), still((-0.5, -0.5))]])
    assert [ordered(bot) for bot in fleet.bots] == [-10.0, -15.0]
    fleet.sleeves[0].level_person = level.value
    order_closes(fleet)
    closed = level == Level.FLATTEN
    assert [ordered(bot) for bot in fleet.bots] == [-10.0 if closed else 0.0, 0.0]
    assert [bot.ordered for bot in fleet.bots] == [int(closed), 0]
    assert [bot.crossed_units for bot in fleet.bots] == [0, 0]
    assert ordered(fleet.markets[0]) == (-10.0 if closed else 0.0)


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=6),
    st.sampled_from([1e-8, 0.001, 0.5]),
    st.sampled_from([0.0, 5.0, 300.0]),
)
@example([1e-6], 1e-8, 0.0)  # in floats 1e-6 × 10 is less than 1e-5
def test_what_bots_get_is_what_the_exchange_filled(wishes: list[float], step: float, minimum: float) -> None:
    market = {"quantity_step": step, "min_quantity": step, "min_notional": minimum}
    run = trade([(wish, wish) for wish in wishes], market=market)
    order, bots = run.steps[0].markets[0].order_units, run.steps[1].bots
    assert order % units(step) == 0
    assert order == 0 or abs(order) / 1e8 * 100.0 >= minimum
    assert sum(bot.units for bot in bots) == order
    assert sum(fill.crossed_units for fill in run.fills) == 0
    for bot, band in zip(bots, wishes, strict=True):
        assert bot.units % units(step) == 0
        assert bot.units * band >= 0.0
        assert abs(bot.quantity) <= 1000.0 * abs(band) / 100.0


@both_sides
@pytest.mark.parametrize("price", [0.0, 50.0, 175.0])
def test_what_is_written_off_is_gone_at_its_price_and_the_bot_is_locked(side: int, price: float) -> None:
    bots = [a_bot(sleeve=1), a_bot(signal=1)]
    fleet = a_fleet(rules(fee_rate=0.001, leverage=2.0), bots)
    rows = [mirrored([still(LONG), still(FLAT)], side), mirrored([still(LONG), still(FLAT)], side)]
    play_fleet(fleet, [*rows, mirrored([still(FLAT), still((0.5, 0.5))], side)])
    step, when = fleet.portfolio.step, START_MS + 99 * HOUR_MS
    others = fleet.bots[1].equity
    assert fleet.bots[0].crossed_units == -side * 5 * 10**8
    fleet.journal.fills = 0
    write_off(fleet, 0, price, when)
    assert fleet.portfolio.step == step + 1
    (fill,) = fleet.fills[: fleet.journal.fills]
    assert (fill.bot, fill.units, fill.price, fill.fee, fill.crossed_units, fill.saved, fill.time_ms) == (
        *(0, -side * 10**9, price, 0.0, 0, 0.0),
        when,
    )
    assert (Leg(fill.leg), Trigger(fill.trigger)) == (Leg.CLOSE, Trigger.WRITE_OFF)
    left = 1000.0 + 10 * side * (price - 100.0) - 1.0
    gone, other = fleet.bots
    assert (gone.units, gone.ordered, gone.order_units, gone.crossed_units, gone.lock_sign) == (0, 0, 0, 0, side)
    # Equity says it at once, up to the portfolio; as a return it counts at the next mark.
    assert gone.cash == gone.equity == fleet.sleeves[1].equity == pytest.approx(left)
    assert fleet.portfolio.equity == pytest.approx(left + others)
    assert gone.settled_equity == fleet.sleeves[1].settled_equity == 999.0
    # What the other waits for was to cross with it, and goes to the exchange now.
    assert (ordered(other), other.crossed_units, other.ordered) == (5.0 * side, 0, 1)
    assert ordered(fleet.markets[0]) == 5.0 * side
