"""Fills become FIFO lots and round trips: by example, and by what must hold of every run of fills."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from shared.enums import Trigger
from tests.ledger.fills import MIN_UNITS, UNIT, Wish, executions, wishes
from worker.ledger.desk import Booked, LedgerDesk
from worker.ledger.identities import is_noise, profit_gap, units_gap
from worker.ledger.lots import Execution, Lot, Position, RoundTrip, book_execution

Book = Callable[[Position, Execution], RoundTrip | None]
both_sides = pytest.mark.parametrize("side", [1.0, -1.0], ids=["long", "short"])


def book_all(fills: list[Execution], book: Book = book_execution) -> tuple[Position, list[RoundTrip]]:
    """Book fills one by one."""
    position = flat()
    trips = [book(position, fill) for fill in fills]
    return position, [trip for trip in trips if trip is not None]


def flat(least: float = 1e-4) -> Position:
    """A position without lots, of a market with this smallest quantity."""
    return Position(UNIT, UNIT.count(least))


def leg(time_ms: int, quantity: float, price: float, fee: float = 0.0, **more: float) -> Execution:
    """One leg, its quantity told in coins."""
    return Execution(time_ms, UNIT.count(quantity), price, fee, **more)


def lot(opened_ms: int, quantity: float, price: float, fee: float) -> Lot:
    """One lot, its quantity told in coins."""
    return Lot(opened_ms, UNIT.count(quantity), price, fee)


def held(position: Position) -> float:
    """What is held, in coins."""
    return UNIT.coins(position.units)


def profit_of(side: float, *prices: tuple[float, float, float]) -> float:
    """The profit of (quantity, bought or sold at, closed at), mirrored around 100 for a short."""
    return sum(quantity * (out - entry) for quantity, entry, out in prices) * side


@both_sides
def test_the_oldest_lot_is_closed_first(side: float) -> None:
    position, trips = book_all(
        [leg(1, 2 * side, 100.0, 2.0), leg(2, side, 110.0, 1.0), leg(3, -2.5 * side, 120.0, 3.0)]
    )
    assert not trips
    assert position.lots == [lot(2, 0.5 * side, 110.0, 0.5)]
    assert position.trip is not None
    assert position.trip.profit == pytest.approx(profit_of(side, (2, 100, 120), (0.5, 110, 120)) - 2.0 - 0.5 - 3.0)
    assert position.unrealised(130.0) == pytest.approx(0.5 * 20.0 * side - 0.5)


@both_sides
def test_a_round_trip_is_from_flat_to_flat(side: float) -> None:
    fills = [
        leg(1, 2 * side, 100.0, 0.2),
        leg(2, -0.5 * side, 104.0, 0.05),
        leg(3, side, 98.0, 0.1),
        leg(4, -2.5 * side, 110.0, 0.25, trigger=int(Trigger.STOP), best_price=115.0, worst_price=90.0),
    ]
    position, (trip,) = book_all(fills)
    assert position == flat()
    assert (trip.opened_ms, trip.closed_ms, trip.direction, trip.fills) == (1, 4, int(side), 4)
    assert trip.quantity == 2.5, "the largest size held"
    assert trip.entry_price == pytest.approx((2 * 100 + 98) / 3)
    assert trip.exit_price == pytest.approx((0.5 * 104 + 2.5 * 110) / 3)
    assert trip.fees == pytest.approx(0.6)
    expected = profit_of(side, (0.5, 100, 104), (1.5, 100, 110), (1, 98, 110)) - 0.6
    assert trip.profit == pytest.approx(expected)
    assert trip.return_fraction == pytest.approx(expected / 298.0)
    assert trip.exit_trigger == Trigger.STOP
    excursions = sorted(side * (price / trip.entry_price - 1.0) for price in (115.0, 90.0))
    assert (trip.worst_fraction, trip.best_fraction) == pytest.approx(tuple(excursions))


@both_sides
def test_a_round_trip_whose_prices_in_between_are_not_known_saw_its_exit_alone(side: float) -> None:
    _, (trip,) = book_all([leg(1, side, 100.0), leg(2, -side, 125.0)])
    assert (trip.best_fraction, trip.worst_fraction) == (0.25 * side, 0.25 * side)


@both_sides
def test_entry_and_exit_are_averages_of_the_legs_and_no_whole_numbers(side: float) -> None:
    fills = [leg(1, side, 100.5), leg(2, 2 * side, 101.0), leg(3, -2 * side, 110.25), leg(4, -side, 111.0)]
    _, (trip,) = book_all(fills)
    assert trip.entry_price == pytest.approx((100.5 + 2 * 101.0) / 3)
    assert trip.exit_price == pytest.approx((2 * 110.25 + 111.0) / 3)


@both_sides
def test_the_exit_counts_among_the_best_and_the_worst(side: float) -> None:
    for out, best, worst in ((125.0, 112.5, 100.0), (75.0, 100.0, 87.5)):
        fills = [leg(1, side, 100.0), leg(2, -side, out, best_price=best, worst_price=worst)]
        _, (trip,) = book_all(fills)
        seen = [side * (price / 100.0 - 1.0) for price in (out, best, worst)]
        assert (trip.best_fraction, trip.worst_fraction) == (max(seen), min(seen))


@both_sides
def test_a_reversal_ends_one_round_trip_and_starts_the_next(side: float) -> None:
    position, (trip,) = book_all([leg(1, side, 100.0), leg(2, -side, 105.0), leg(2, -3 * side, 105.0)])
    assert trip.profit == 5.0 * side
    assert position.lots == [lot(2, -3 * side, 105.0, 0.0)]
    assert position.trip is not None
    assert (position.trip.opened_ms, position.trip.direction) == (2, -side)


@both_sides
def test_dust_ends_the_round_trip_and_stays_a_lot(side: float) -> None:
    dust = 0.00005
    position, (trip,) = book_all([leg(1, side, 100.0), leg(2, -side * (1 - dust), 110.0)])
    assert trip.closed_ms == 2
    assert position.trip is None
    assert held(position) == dust * side
    later = [leg(3, side, 120.0), leg(4, -side, 130.0)]
    _, trips = book_all([leg(1, side, 100.0), leg(2, -side * (1 - dust), 110.0), *later])
    assert [trip.opened_ms for trip in trips] == [1, 3]


def test_what_is_flat_to_the_bot_is_flat_to_the_ledger() -> None:
    """In floats, what was left was more than the smallest quantity by the lots and less by the fills."""
    position = flat(1e-8)
    for at, quantity in enumerate((-3850.59193223, -222.19724571, 342.55879696)):
        assert book_execution(position, leg(at, quantity, 2.5)) is None
    trip = book_execution(position, leg(4, 3730.23038098, 2.5))
    assert trip is not None and position == flat(1e-8)


@both_sides
def test_a_close_of_more_than_is_held_leaves_dust_on_the_other_side(side: float) -> None:
    dust = 0.00005
    position, (trip,) = book_all([leg(1, side, 100.0, 1.0), leg(2, -side * (1 + dust), 110.0, 2.0)])
    assert trip.profit == pytest.approx(10.0 * side - 3.0)
    assert position.lots == [lot(2, -dust * side, 110.0, 0.0)]


@both_sides
def test_a_smallest_quantity_that_grew_above_a_position_loses_none_of_its_money(side: float) -> None:
    position = flat()
    first = [leg(1, 2 * side, 100.0, 0.5), leg(2, -side, 130.0, 0.5)]
    assert [book_execution(position, fill) for fill in first] == [None, None]
    assert position.trip is not None
    so_far = position.trip.profit
    position.min_units = UNIT.count(2.0)
    assert book_execution(position, leg(3, -5 * side, 120.0, 1.0)) is None
    assert (position.trip.direction, position.trip.profit, position.trip.fees) == (-side, so_far, 2.0)
    trip = book_execution(position, leg(4, 4 * side, 120.0))
    assert trip is not None and trip.fills == 4


@both_sides
def test_a_position_that_a_grown_smallest_quantity_made_dust_ends_its_round_trip_when_it_is_closed(side: float) -> None:
    position = flat()
    assert book_execution(position, leg(1, side, 100.0, 0.5)) is None
    position.min_units = UNIT.count(2.0)
    trip = book_execution(position, leg(2, -side, 0.0))
    assert trip is not None and position == flat(2.0)
    assert (trip.opened_ms, trip.direction, trip.quantity, trip.exit_price) == (1, side, 1.0, 0.0)
    assert trip.profit == pytest.approx(-100.0 * side - 0.5)


@both_sides
@pytest.mark.parametrize("price", [0.0, 130.0])
def test_dust_that_is_closed_is_no_round_trip_and_its_money_is_the_next_ones(side: float, price: float) -> None:
    dust = 0.00005
    position, trips = book_all(
        [leg(1, side, 100.0), leg(2, -side * (1 - dust), 110.0), leg(3, -dust * side, price, 0.001)]
    )
    assert len(trips) == 1, "only what was a position"
    assert position.lots == [], "its lot is closed"
    assert position.trip is not None and not position.trip.was_position
    profit = position.trip.profit
    assert profit == pytest.approx(side * dust * (price - 100.0) - 0.001)
    assert book_execution(position, leg(4, -2 * side, 100.0)) is None
    trip = book_execution(position, leg(5, 2 * side, 90.0))
    assert trip is not None and position == flat()
    assert (trip.opened_ms, trip.direction, trip.quantity, trip.entry_price) == (4, -side, 2.0, 100.0)
    assert (trip.profit, trip.fees, trip.fills) == (pytest.approx(20.0 * side + profit), 0.001, 3)


@both_sides
def test_dust_that_is_bought_is_no_round_trip_until_it_is_a_position(side: float) -> None:
    position, trips = book_all([leg(1, 0.00004 * side, 100.0), leg(2, 0.00004 * side, 200.0)])
    assert not trips and held(position) == 0.00008 * side
    assert book_execution(position, leg(3, -0.00009 * side, 100.0)) is None, "beyond what lies there, and still dust"
    assert position.lots == [lot(3, -0.00001 * side, 100.0, 0.0)]
    assert position.trip is not None and position.trip.profit == pytest.approx(-0.004 * side)
    position.min_units = UNIT.count(0.00001)
    trip = book_execution(position, leg(4, 0.00001 * side, 90.0))
    assert trip is not None and (trip.direction, trip.entry_price, trip.exit_price) == (-side, 100.0, 90.0)
    assert (trip.profit, trip.fills) == (pytest.approx(-0.0039 * side), 4)


@both_sides
def test_a_smallest_quantity_that_shrank_makes_a_position_of_dust(side: float) -> None:
    position = flat(1.0)
    assert book_execution(position, leg(1, 5 * side, 100.0, 0.5)) is None
    assert book_execution(position, leg(2, -4.5 * side, 110.0, 0.5)) is not None
    position.min_units = UNIT.count(0.1)
    trip = book_execution(position, leg(3, -0.5 * side, 120.0, 0.1))
    assert trip is not None and position == flat(0.1)
    assert (trip.direction, trip.quantity, trip.entry_price, trip.exit_price) == (side, 0.5, 100.0, 120.0)
    # The fee the lot still carried is realised with it.
    assert trip.profit == pytest.approx(10.0 * side - 0.1 - 0.05)


@both_sides
def test_the_least_position_is_booked_and_closed_to_the_last_unit(side: float) -> None:
    position, one = Position(UNIT, 1), int(side)
    for units, lots, ends in ((one, [one], False), (one, [one, one], False), (-one, [one], False), (-one, [], True)):
        trip = book_execution(position, Execution(1, units, 100.0, 0.0))
        assert ([lot.units for lot in position.lots], trip is not None) == (lots, ends)


@both_sides
def test_the_least_dust_is_booked_and_closed_to_the_last_unit(side: float) -> None:
    position, one = Position(UNIT, 5), int(side)
    for units, lots in ((one, [one]), (one, [one, one]), (-one, [one]), (-one, []), (-one, [-one]), (one, [])):
        assert book_execution(position, Execution(1, units, 100.0, 0.0)) is None
        assert [lot.units for lot in position.lots] == lots


def test_the_desk_keeps_the_bots_apart() -> None:
    desk, booked = LedgerDesk([flat(), flat(10.0), flat()]), Booked()
    for at, (bot, quantity) in enumerate(((0, 1.0), (1, 20.0), (1, -15.0), (0, -1.0))):
        desk.book(bot, leg(at, quantity, 100.0), booked)
    assert booked.bots == {0, 1}
    ended = [(bot, trip.opened_ms, trip.closed_ms) for bot, trip in booked.round_trips]
    assert ended == [(1, 1, 2), (0, 0, 3)], "5 of 20 is dust where the smallest quantity is 10"
    assert [held(position) for position in desk.positions] == [0.0, 5.0, 0.0]


def gaps(asked: list[Wish], book: Book = book_execution) -> dict[str, float]:
    """How far a run of fills is from what must hold of it."""
    fills = executions(asked)
    position, trips = book_all(fills, book)
    price = 123.0
    cash = -math.fsum(UNIT.coins(fill.units) * fill.price + fill.fee for fill in fills)
    worth = held(position) * price
    realised = math.fsum(trip.profit for trip in trips) + (position.trip.profit if position.trip else 0.0)
    fees = math.fsum(trip.fees for trip in trips) + (position.trip.fees if position.trip else 0.0)
    found = {
        "profit": profit_gap(cash + worth, 0.0, realised, position.unrealised(price), 0.0),
        "lots": units_gap(position.units, [fill.units for fill in fills]),
        "fees": fees - math.fsum(fill.fee for fill in fills),
        "fills": sum(trip.fills for trip in trips) + (position.trip.fills if position.trip else 0) - len(fills),
    }
    size = 1.0 + math.fsum(UNIT.coins(abs(fill.units)) * fill.price for fill in fills)
    return {name: gap for name, gap in found.items() if not is_noise(gap, size)}


@settings(max_examples=150, deadline=None)
@given(wishes)
def test_realised_and_unrealised_profit_are_the_cash_that_flowed(asked: list[Wish]) -> None:
    assert not gaps(asked)


@settings(max_examples=100, deadline=None)
@given(wishes)
def test_lots_are_oldest_first_on_one_side_and_no_more_than_was_opened(asked: list[Wish]) -> None:
    position, trips = book_all(executions(asked))
    assert [lot.opened_ms for lot in position.lots] == sorted(lot.opened_ms for lot in position.lots)
    # Dust may lie on the other side of what was opened after it.
    sides = {lot.units > 0 for lot in position.lots if abs(lot.units) >= MIN_UNITS}
    assert len(sides) <= 1
    is_under_way = position.trip is not None and position.trip.was_position
    assert is_under_way == (abs(position.units) >= MIN_UNITS)
    for trip in trips:
        assert trip.opened_ms <= trip.closed_ms
        assert trip.worst_fraction <= trip.best_fraction
        assert trip.quantity > 0.0


@settings(max_examples=100, deadline=None)
@given(wishes)
def test_a_ledger_does_not_depend_on_where_it_was_interrupted(asked: list[Wish]) -> None:
    fills = executions(asked)
    whole, trips = book_all(fills)
    halved = flat()
    first = [book_execution(halved, fill) for fill in fills[: len(fills) // 2]]
    again = replace(
        halved, lots=[replace(lot) for lot in halved.lots], trip=replace(halved.trip) if halved.trip else None
    )
    second = [book_execution(again, fill) for fill in fills[len(fills) // 2 :]]
    assert again == whole
    assert [trip for trip in first + second if trip is not None] == trips


# Ledgers that are wrong, each of which the property must catch.


def loses_a_cent(position: Position, fill: Execution) -> RoundTrip | None:
    trip = book_execution(position, fill)
    return trip and replace(trip, profit=trip.profit - 0.01)


def forgets_fees(position: Position, fill: Execution) -> RoundTrip | None:
    return book_execution(position, replace(fill, fee=0.0))


def drops_dust(position: Position, fill: Execution) -> RoundTrip | None:
    trip = book_execution(position, fill)
    if trip is not None:
        position.lots.clear()
    return trip


def averages_prices(position: Position, fill: Execution) -> RoundTrip | None:
    trip = book_execution(position, fill)
    if len(position.lots) > 1:
        mean = sum(lot.price for lot in position.lots) / len(position.lots)
        for lot in position.lots:
            lot.price = mean
    return trip


SABOTEURS = (loses_a_cent, forgets_fees, drops_dust, averages_prices)
TELLING = [
    Wish("long", 1.0, 100.0, 0.001),
    Wish("long", 3.0, 120.0, 0.001),
    Wish("part", 1.0, 110.0, 0.001),
    Wish("dust", 1.0, 130.0, 0.001),
    Wish("turn", 1.0, 130.0, 0.001),
    Wish("short", 2.0, 90.0, 0.001),
    Wish("all", 1.0, 95.0, 0.001),
]


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=lambda saboteur: saboteur.__name__)
def test_a_ledger_that_is_wrong_is_caught(saboteur: Book) -> None:
    assert not gaps(TELLING)
    assert gaps(TELLING, saboteur)
