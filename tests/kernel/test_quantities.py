"""Counting is exact: over units from 1e-12 to 1e3, up to 2^53 of them, at prices from 1e-8 to 1e9."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import inf, nan

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.enums import Reason
from shared.errors import ConfigurationError
from shared.quantities import LARGEST_UNITS, Unit, make_unit
from shared.settings import Settings
from tests.kernel.tables import FLAT, LONG, a_bot, a_fleet, both_sides, mirrored, play, play_fleet, rules, still
from worker.fleet.markets import fresh_market, set_limits
from worker.fleet.plan import make_markets, plan_fleet, planned_bots
from worker.ledger.lots import Execution, Position, book_execution
from worker.market.protocol import Limits
from worker.risk import quantity as counting
from worker.step.fill import leg_price
from worker.step.records import Market

SIZES = [*(float(f"1e{place}") for place in range(-12, 4)), 0.5, 0.25, 0.0025, 25.0]
sizes = st.sampled_from(SIZES)
counts = st.integers(1, LARGEST_UNITS)
prices = st.floats(1e-8, 1e9)


def market_of(size: float, step_units: int = 1) -> Market:
    unit = make_unit(size)
    market = Market(coins_per_unit=unit.coins_per_unit, units_per_coin=unit.units_per_coin, min_notional=0.0)
    market.step_units = market.min_units = step_units
    return market


def largest_steps(market: Market, size: float, quantity: float) -> int:
    """Search for the count the contract asks for, by exact fractions alone."""
    unit = Fraction(repr(size))
    steps = int(Fraction(quantity) / (unit * market.step_units))
    near = [count * market.step_units for count in range(max(steps - 2, 0), steps + 3)]
    return max(units for units in near if float(units * unit) <= quantity)


@given(sizes, counts)
def test_coins_are_the_float_nearest_to_the_count(size: float, units: int) -> None:
    assert counting.coins(market_of(size), units) == float(units * Fraction(repr(size)))


@given(sizes, counts, st.sampled_from([1, 5, 25, 1000]))
@example(1e-8, 100_020_000_000, 1)  # 1000.3 − 0.1
@example(0.1, 3, 1)  # 0.3 / 0.1 is 2.9999999999999996
def test_whole_steps_are_themselves(size: float, units: int, step: int) -> None:
    """Above 2^51 single units the float of a count may be that of its neighbour, too; the most of them is meant."""
    market = market_of(size, step)
    whole = counting.only_steps(market, units)
    assert whole <= units < whole + step
    counted = counting.whole_steps(market, counting.coins(market, whole))
    assert counted == whole or (units > 2**51 and step == 1)
    assert counting.coins(market, counted) == counting.coins(market, whole)


@given(st.integers(0, LARGEST_UNITS), st.sampled_from([1, 5, 25, 1000]))
@example(1, 1)
@example(4, 5)
def test_a_count_is_rounded_toward_zero_alike_on_both_sides(units: int, step: int) -> None:
    market = market_of(1e-8, step)
    assert counting.only_steps(market, units) == units // step * step
    assert counting.only_steps(market, -units) == -(units // step * step)


@given(sizes, st.floats(1.0, 2.0**53), st.sampled_from([1, 5, 25, 1000]))
@example(1.0, 2.0**40 + 0.9999995, 1)
def test_a_wish_is_rounded_to_the_most_steps_it_pays_for(size: float, units: float, step: int) -> None:
    market = market_of(size, step)
    wish = units * size
    assume(wish <= counting.coins(market, LARGEST_UNITS))
    got = counting.coins(market, counting.whole_steps(market, wish))
    assert got == counting.coins(market, largest_steps(market, size, wish))
    assert got <= wish


@given(sizes, st.integers(1, 2**51), st.sampled_from([1, 5, 25, 1000]))
@example(0.1, 9, 1)  # 0.8999999999999999 / 0.1 is 9.0
def test_what_is_the_least_too_little_for_a_step_does_not_get_it(size: float, steps: int, step: int) -> None:
    market = market_of(size, step)
    assume(steps * step <= LARGEST_UNITS)
    wish = math.nextafter(counting.coins(market, steps * step), 0.0)
    got = counting.whole_steps(market, wish)
    assert counting.coins(market, got) <= wish < counting.coins(market, got + step)


def test_a_wish_beyond_all_counts_is_one_that_an_int64_holds_and_no_quantity() -> None:
    got = counting.whole_steps(market_of(1e-8), 1e300)
    assert LARGEST_UNITS < got < 2**63 and not counting.is_countable(got)


@given(st.integers(0, LARGEST_UNITS), st.integers(0, LARGEST_UNITS), st.integers(1, LARGEST_UNITS))
@example(49, 1, 49)
def test_shares_are_rounded_down_exactly(part: int, shared: int, whole: int) -> None:
    part, shared = min(part, whole), min(shared, whole)
    assert counting.pro_rata(part, shared, whole) == part * shared // whole


@both_sides
@given(size=sizes, units=st.integers(1, LARGEST_UNITS), price=prices)
def test_a_round_trip_ends_flat_to_the_last_unit(side: int, size: float, units: int, price: float) -> None:
    """In kernel and ledger: bought in two legs and sold in one, whatever floats make of the three quantities."""
    assume(1e-300 < price * units * size < 1e300)
    unit = make_unit(size)
    position, first = Position(unit=unit), units - units // 3
    held = 0
    for leg in (first, units // 3, -units):
        if leg:
            held += leg
            trip = book_execution(position, Execution(0, side * leg, price, 0.0))
    assert held == 0 and position.units == 0 and position.lots == []
    assert trip is not None and trip.quantity == unit.coins(units)


@pytest.mark.parametrize("quantity", [1000.2, 0.3, 89_999_999.00000001])
@pytest.mark.parametrize("cut", [0.1, 0.7])
def test_a_position_that_grew_and_shrank_is_closed_without_dust(quantity: float, cut: float) -> None:
    """1000.3 − 0.1 is 1000.1999999999999: rounded in floats it lost a whole step, and the dust was a position."""
    bot = a_bot(quantity=quantity + cut, entry_price=1.0, opened_quantity=quantity + cut, confirmed=1.0)
    bot.target_units = bot.units
    bot.sized_exposure = 1.0
    run = play([still((0.5, 0.5), 1.0), still(FLAT, 1.0), still(FLAT, 1.0)], rules(), bot)
    assert run.steps[-1].bot.units == 0 and run.steps[-1].bot.quantity == 0.0
    assert [Reason(reason) for reason in run.reasons] == [Reason.TRADE, Reason.TRADE, Reason.FLAT]


def test_what_cannot_be_counted_is_refused() -> None:
    """At 1e-6 a coin, 1,000 buy 1e9 coins: 1e17 units of 1e-8."""
    run = play([still(LONG, 1e-6), still(LONG, 1e-6)], rules())
    assert run.fills == []
    assert run.reasons == [Reason.CAP, Reason.CAP]
    assert run.steps[0].bot.reason_value == pytest.approx(1e9)
    assert run.steps[0].bot.reason_limit == LARGEST_UNITS / 1e8


def test_a_coin_too_cheap_to_be_counted_in_the_usual_unit_has_a_larger_one() -> None:
    cheap, usual = (
        fresh_market(Limits(price=1e-6), Settings()),
        fresh_market(Limits(price=0.4), Settings()),
    )
    assert (usual.coins_per_unit, usual.units_per_coin, usual.step_units, usual.min_units) == (1.0, 1e8, 1, 1)
    assert (cheap.coins_per_unit, cheap.units_per_coin) == (1.0, 1e4)
    assert LARGEST_UNITS * 1e-4 * 1e-6 >= 100 * 1000.0 > LARGEST_UNITS * 1e-5 * 1e-6


@pytest.mark.parametrize(
    ("limits", "unit", "step", "smallest"),
    [
        (Limits(0.5, 1.0), Unit(1.0, 10.0), 5, 10),
        (Limits(25.0, 25.0), Unit(1.0, 1.0), 25, 25),
        (Limits(1e-5, 1e-5), Unit(1.0, 1e5), 1, 1),
        (Limits(100.0, None), Unit(100.0, 1.0), 1, 1),
        (Limits(0.001, 0.0015), Unit(1.0, 1000.0), 1, 2),
        (Limits(None, 0.01), Unit(), 1, 1_000_000),
    ],
)
def test_limits_are_counted_in_the_place_of_the_step(limits: Limits, unit: Unit, step: int, smallest: int) -> None:
    market = fresh_market(limits, Settings())
    assert (market.coins_per_unit, market.units_per_coin) == unit
    assert (market.step_units, market.min_units) == (step, smallest)


def test_books_keep_their_unit_when_an_exchange_changes_its_step() -> None:
    """A finer step is not used, one that does not fit becomes the smallest multiple of both."""
    market = fresh_market(Limits(0.01), Settings())
    set_limits(market, Limits(0.001), Settings())
    assert (market.units_per_coin, market.step_units) == (100.0, 1)
    set_limits(market, Limits(0.025), Settings())
    assert (market.units_per_coin, market.step_units) == (100.0, 5)


RUBBISH = {
    "step 0": (Limits(0.0), "quantity step must be a number, more than 0, was 0"),
    "step nan": (Limits(nan), "quantity step must be a number, more than 0, was nan"),
    "step inf": (Limits(inf), "quantity step must be a number, more than 0, was inf"),
    "step -1": (Limits(-1.0), "quantity step must be a number, more than 0, was -1"),
    "step 1e300": (Limits(1e300), "quantity step must come to at most 9,007,199,254,740,992 units of "),
    "quantity nan": (Limits(None, nan), "min quantity must be a number, 0 or more, was nan"),
    "quantity -1": (Limits(0.1, -1.0), "min quantity must be a number, 0 or more, was -1"),
    "quantity 1e20": (Limits(None, 1e20), "min quantity must come to at most 9,007,199,254,740,992 units of 1e-08, "),
    "notional inf": (Limits(None, None, inf), "min notional must be a number, 0 or more, was inf"),
    "price nan": (Limits(None, None, None, nan), "price must be a number, 0 or more, was nan"),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "said"), RUBBISH.values(), ids=RUBBISH)
def test_limits_that_are_none_are_refused_with_what_they_were(limits: Limits, said: str) -> None:
    market = fresh_market(Limits(), Settings())
    before = replace(market)
    for take in (partial(fresh_market, limits, Settings()), partial(set_limits, market, limits, Settings())):
        with pytest.raises(ConfigurationError, match=f"{said}"):
            take()
    assert market == before
    plan = plan_fleet(planned_bots(Settings()))
    with pytest.raises(ConfigurationError, match=f"{plan.symbols[1]}: .*{said}"):
        make_markets(Settings(), plan, {plan.symbols[1]: limits})


@pytest.mark.parametrize("step", [1e-12, 1e-8, 0.25, 1000.0, 25_000.0])
def test_steps_from_the_smallest_to_the_largest_are_counted(step: float) -> None:
    market = fresh_market(Limits(step, 0.0, 0.0, 0.0), Settings())
    unit = Unit(market.coins_per_unit, market.units_per_coin)
    assert unit.coins(market.step_units) == step == unit.coins(market.min_units)


@pytest.mark.parametrize("size", [1e-13, 1e4, 0.3, 1.5, 0.0])
def test_a_unit_that_cannot_be_counted_in_is_refused(size: float) -> None:
    with pytest.raises(ConfigurationError, match=f"smallest unit must be .* was {size}"):
        make_unit(size)


@both_sides
def test_a_leg_that_crossed_entirely_has_exactly_the_open_as_its_price(side: int) -> None:
    """3 × 0.95 / 3 is 0.9499999999999998, and a stop touched exactly at 0.95 was missed."""
    bots = [a_bot(money=1.5 * 0.95), a_bot(signal=1, money=1.5 * 0.95)]
    table = mirrored([still(LONG, 0.95)] * 2, 1), mirrored([still((-1.0, -1.0), 0.95)] * 2, 1)
    run = play_fleet(a_fleet(rules(slippage=0.0005), bots), [list(row) for row in zip(*table, strict=True)])
    assert [fill.price for fill in run.fills] == [0.95, 0.95]


@given(counts, st.floats(0.0, 1.0), st.floats(1.0, 2.0), st.floats(1.0, 2.0))
@example(3, 0.0, 1.0, 0.95 * 1.0005)
def test_a_leg_has_exactly_the_price_of_where_it_traded_and_else_the_average(
    size: int, share: float, house: float, exchange: float
) -> None:
    market, crossed = Market(cross_price=house, fill_price=exchange), min(int(size * share), size)
    assert leg_price(market, size, 0) == exchange
    assert leg_price(market, size, size) == house
    average = (crossed * Fraction(house) + (size - crossed) * Fraction(exchange)) / size
    assert leg_price(market, size, crossed) == pytest.approx(float(average), rel=1e-15)


def _with(monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable) -> None:
    monkeypatch.setattr(counting, name, wrong)


def test_the_properties_catch_a_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rounding that was: a millionth of a step is forgiven, which floats of 200 million units are coarser than."""

    def tolerant(market: Market, quantity: float) -> int:
        return int(quantity * market.units_per_coin / market.coins_per_unit + 1e-6)

    _with(monkeypatch, "whole_steps", tolerant)
    with pytest.raises(AssertionError):
        test_a_wish_is_rounded_to_the_most_steps_it_pays_for()


def test_the_properties_catch_a_share_in_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    _with(monkeypatch, "pro_rata", lambda part, shared, whole: int(part * (shared / whole)))
    with pytest.raises(AssertionError):
        test_shares_are_rounded_down_exactly()
