"""How orders by signal are sent: at market, within a limit, or resting at the open; exits are always taken."""

from collections.abc import Mapping

import pytest

from shared.enums import Leg, OrderStyle, Reason, Trigger
from tests.kernel.random_runs import Case, calm_rules, random_columns, random_fleet
from tests.kernel.tables import (
    FLAT,
    LONG,
    SHORT,
    Bar,
    Run,
    a_bot,
    a_fleet,
    bar,
    both_sides,
    mirrored,
    play_fleet,
    rules,
    still,
)
from tests.kernel.test_parity import assert_same, step_compiled, step_plain

COSTS = {"slippage": 0.0005, "fee_rate": 0.001, "leverage": 100.0}
MAKER = COSTS | {"order_style": OrderStyle.MAKER.value}
LAPSING = MAKER | {"entries_lapse": 1}
MAKER_FEE = 0.0002
# How the time in which an order rests ends: beyond the open, or exactly at it, and at which price.
THROUGH, TOUCHED = (99.0, 103.0, 102.0), (100.0, 103.0, 102.0)


def fill_bar(rests: tuple[float, float, float], band: tuple[float, float] = LONG) -> Bar:
    return bar(100, 104, 95, 103, band, rests=rests)


def trade(table: list[Bar], changes: Mapping[str, float], side: int = 1, **bot: float) -> Run:
    """Run one bot over a table on a market whose maker's fee is lower."""
    fleet = a_fleet(rules(**changes), [a_bot(**bot)])
    fleet.markets[0].maker_fee_rate = MAKER_FEE
    return play_fleet(fleet, [[row] for row in mirrored(table, side)])


@both_sides
def test_an_order_that_rests_fills_at_the_open_where_the_price_trades_through_it(side: int) -> None:
    (fill,) = trade([still(LONG), fill_bar(THROUGH)], MAKER, side).fills
    assert (fill.price, fill.slippage) == (100.0, 0.0)
    assert fill.fee == pytest.approx(1000 * MAKER_FEE)


@both_sides
def test_a_touch_is_not_enough_and_what_did_not_fill_is_taken_when_its_time_is_over(side: int) -> None:
    (fill,) = trade([still(LONG), fill_bar(TOUCHED)], MAKER, side).fills
    over = 100 + 2 * side
    assert fill.price == pytest.approx(over * (1 + side * 0.0005))
    assert fill.fee == pytest.approx(10 * fill.price * 0.001)
    assert fill.slippage == pytest.approx(10 * over * 0.0005)


@both_sides
def test_an_entry_that_did_not_fill_lapses_and_may_be_wanted_again(side: int) -> None:
    run = trade([still(LONG), fill_bar(TOUCHED), fill_bar(THROUGH)], LAPSING, side)
    assert run.reasons[:2] == [Reason.TRADE, Reason.TRADE]
    assert run.legs == [(2, round(run.fills[0].quantity, 9), 100.0)]
    assert run.fleet.journal.orders == 2


@both_sides
def test_an_exit_is_taken_though_entries_lapse(side: int) -> None:
    table = [still(LONG), fill_bar(THROUGH, FLAT), bar(100, 102, 97, 98, FLAT, rests=(97.0, 100.0, 98.0))]
    run = trade(table, LAPSING, side)
    over = 100 - 2 * side
    assert [Leg(fill.leg) for fill in run.fills] == [Leg.OPEN, Leg.CLOSE]
    assert run.fills[1].price == pytest.approx(over * (1 - side * 0.0005))


@both_sides
def test_of_a_reversal_that_did_not_fill_the_exit_is_taken_and_the_entry_lapses(side: int) -> None:
    table = [still(LONG), fill_bar(THROUGH, SHORT), bar(100, 102, 97, 98, SHORT, rests=(97.0, 100.0, 98.0))]
    run = trade(table, LAPSING, side)
    assert [round(fill.quantity, 9) for fill in run.fills] == [10.0 * side, -10.0 * side]
    assert run.steps[2].bot.units == 0


@both_sides
def test_protective_exits_go_at_market(side: int) -> None:
    table = [still(LONG), fill_bar(THROUGH), bar(100, 100, 90, 91, LONG, rests=(100.0, 100.0, 100.0))]
    run = trade(table, MAKER | {"stop": 0.08, "risk_per_trade": 1.0}, side)
    exit_ = run.fills[1]
    level = 100 - 8 * side
    assert (Trigger(exit_.trigger), exit_.price) == (Trigger.STOP, pytest.approx(level * (1 - side * 0.0005)))
    assert exit_.fee == pytest.approx(abs(exit_.quantity) * exit_.price * 0.001)
    assert exit_.slippage == pytest.approx(abs(exit_.quantity) * level * 0.0005)


@both_sides
@pytest.mark.parametrize(("offset", "fills"), [(0.0005, 1), (0.0004, 0)], ids=["within", "beyond"])
def test_a_limit_order_fills_where_the_slipped_price_is_within_its_offset(side: int, offset: float, fills: int) -> None:
    limit = COSTS | {"order_style": OrderStyle.LIMIT.value, "limit_offset": offset, "entries_lapse": 1}
    run = trade([still(LONG), fill_bar(TOUCHED)], limit, side)
    assert [fill.price for fill in run.fills] == [pytest.approx(100 * (1 + side * 0.0005))] * fills
    held = {"quantity": 10.0 * side, "entry_price": 100.0, "opened_quantity": 10.0}
    exits = trade([still(FLAT), still(FLAT)], limit, side, **held)
    assert [fill.price for fill in exits.fills] == [pytest.approx(100 * (1 - side * 0.0005))]


def three(bands: list[tuple[float, float]], netting: int, rests: tuple[float, float, float], lapses: int = 1) -> Run:
    """Run bots of 1,000, 2,000 and 1,200 whose orders of one bar net to one, where that did not fill."""
    bots = [a_bot(money=money, signal=k) for k, money in enumerate((1000.0, 2000.0, 1200.0))]
    fleet = a_fleet(rules(**(MAKER | {"netting": netting, "entries_lapse": lapses})), bots)
    fleet.markets[0].maker_fee_rate = MAKER_FEE
    return play_fleet(fleet, [[still(band) for band in bands], [fill_bar(rests, band) for band in bands]])


def test_what_crosses_in_house_trades_at_the_open_though_the_rest_lapses() -> None:
    run = three([LONG, LONG, SHORT], 1, TOUCHED)
    assert [fill.quantity for fill in run.fills] == pytest.approx([4.0, 8.0, -12.0])
    assert [(fill.price, fill.fee) for fill in run.fills] == [(100.0, 0.0)] * 3
    assert sum(fill.units for fill in run.fills) == 0


def test_the_style_is_of_the_accounts_order_so_its_side_says_how_it_fills() -> None:
    # 30 bought against 12 sold: one order that buys, which the price did not trade through.
    run = three([LONG, LONG, SHORT], 1, TOUCHED, lapses=0)
    taken = 102 * 1.0005
    assert [fill.price for fill in run.fills[:2]] == [pytest.approx(0.4 * 100 + 0.6 * taken)] * 2
    assert [fill.fee for fill in run.fills] == pytest.approx([6 * taken * 0.001, 12 * taken * 0.001, 0.0])


def test_without_netting_each_order_fills_by_its_own_side() -> None:
    run = three([LONG, LONG, SHORT], 0, TOUCHED, lapses=0)
    taken = 102 * 1.0005
    assert [fill.price for fill in run.fills] == [pytest.approx(taken), pytest.approx(taken), 100.0]


def test_what_crosses_where_the_rest_may_lapse_is_whole_steps() -> None:
    bots, bands = [a_bot(money=money, signal=k) for k, money in enumerate((700.0, 500.0, 700.0))], (LONG, LONG, SHORT)
    fleet = a_fleet(rules(**LAPSING), bots, market={"quantity_step": 1.0, "min_quantity": 1.0})
    run = play_fleet(fleet, [[still(band) for band in bands], [fill_bar(TOUCHED, band) for band in bands]])
    assert [fill.quantity for fill in run.fills] == [4.0, 3.0, -7.0]


LIVELY = {"edge_to_cost": 0.0, "min_notional": 20.0}
CASES = {
    "maker": {"order_style": OrderStyle.MAKER.value},
    "maker that lapses": {"order_style": OrderStyle.MAKER.value, "entries_lapse": 1},
    "maker without netting": {"order_style": OrderStyle.MAKER.value, "entries_lapse": 1, "netting": 0},
    "limit": {"order_style": OrderStyle.LIMIT.value, "limit_offset": 0.0001, "entries_lapse": 1},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_plain_and_compiled_agree_on_every_style(changes: Mapping[str, float]) -> None:
    case = Case(41, calm_rules(**LIVELY, **changes), bars=300)
    columns = random_columns(case)
    # Half of each bar's way is over when the time is.
    halves = [(side + columns.open) / 2.0 for side in (columns.low, columns.high, columns.close)]
    columns = columns._replace(patience_low=halves[0], patience_high=halves[1], patience_close=halves[2])
    plain = step_plain(random_fleet(case), columns)
    assert_same(plain, step_compiled(random_fleet(case), columns))
    assert plain[0].journal.fills > 10
