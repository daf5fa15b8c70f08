"""What goes on with what an order left: whose part, how much of it, and of which kind."""

from dataclasses import replace
from typing import Any

import pytest

from shared.enums import Level, OrderStatus, Purpose, Side, Trigger
from shared.quantities import Unit
from tests.kernel.tables import a_bot, a_fleet, rules, units
from worker.exchange.protocol import OrderKind
from worker.orders.attempts import Styles, goes_on, next_order
from worker.orders.live_order import LiveOrder, Outcome
from worker.step.records import Fleet

MAKER = Styles(OrderKind.MAKER)
LAPSE = replace(MAKER, takes_entries=False)
LIMIT = Styles(OrderKind.LIMIT)
NOW_MS, LATER_MS = 1_000_000, 1_300_000


def fleet_of(*held: float, **market: float) -> Fleet:
    """Give bots on one market that hold so much, at a price of 100."""
    fleet = a_fleet(rules(), [a_bot(quantity=quantity) for quantity in held], market={"min_notional": 5.0, **market})
    fleet.markets[0].close = 100.0
    return fleet


def left(kind: OrderKind, side: Side, shares: dict[int, float], **changes: Any) -> LiveOrder:
    """Give an order that the exchange has cancelled, of which nothing was filled unless told otherwise."""
    parts = {b: units(quantity) for b, quantity in shares.items()}
    order = LiveOrder(
        client_order_id="first",
        account="main",
        symbol="C0/USDT",
        side=side,
        units=sum(parts.values()),
        unit=Unit(),
        purpose=Purpose.NET,
        trigger=Trigger.SIGNAL,
        kind=kind,
        step=3,
        fencing=1,
        increases=True,
        reduce_only=False,
        shares=parts,
        intended_ms=0,
        status=OrderStatus.CANCELLED,
        rests_until_ms=LATER_MS,
    )
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def after(order: LiveOrder, styles: Styles, fleet: Fleet, now_ms: int = NOW_MS, *busy: int) -> LiveOrder | None:
    return next_order(order, "second", styles, fleet, busy, now_ms)


def test_a_maker_that_is_left_behind_rests_anew_until_the_same_time() -> None:
    order = left(OrderKind.MAKER, Side.BUY, {0: 2.0, 1: 1.0}, filled={0: units(0.5)}, filled_units=units(0.5))
    following = after(order, MAKER, fleet_of(0.5, 0.0))
    assert following is not None
    assert (following.kind, following.attempt, following.rests_until_ms) == (OrderKind.MAKER, 1, LATER_MS)
    assert following.shares == {0: units(1.5), 1: units(1.0)}
    assert (following.units, following.increases, following.filled_units) == (units(2.5), True, 0)


@pytest.mark.parametrize("changes", [{"attempt": 3}, {"rests_until_ms": NOW_MS}], ids=["too often", "too late"])
def test_in_the_end_it_is_taken_at_market_and_where_entries_lapse_what_closes_alone(changes: dict[str, int]) -> None:
    """Bot 0 opens, bot 1 closes, bot 2 turns from long to short."""
    order, fleet = left(OrderKind.MAKER, Side.SELL, {0: 2.0, 1: 1.0, 2: 2.0}, **changes), fleet_of(0.0, 3.0, 1.5)
    taken, closed = after(order, MAKER, fleet), after(order, LAPSE, fleet)
    assert taken is not None and closed is not None
    assert (taken.kind, taken.shares) == (OrderKind.MARKET, order.shares)
    assert (taken.increases, taken.reduce_only) == (True, False)
    assert (closed.kind, closed.shares) == (OrderKind.MARKET, {1: units(1.0), 2: units(1.5)})
    assert (closed.increases, closed.reduce_only, closed.rests_until_ms) == (False, True, 0)


def test_what_a_limited_order_left_is_taken_where_it_closes_and_dropped_where_it_opens() -> None:
    assert after(left(OrderKind.LIMIT, Side.BUY, {0: 1.0}), LIMIT, fleet_of(0.0)) is None
    closing = after(left(OrderKind.LIMIT, Side.BUY, {0: 1.0}), LIMIT, fleet_of(-3.0))
    assert closing is not None and (closing.kind, closing.shares) == (OrderKind.MARKET, {0: units(1.0)})


def test_a_bot_that_may_not_enter_or_has_another_order_gets_no_more() -> None:
    order, fleet = left(OrderKind.MAKER, Side.BUY, {0: 1.0, 1: 1.0, 2: 1.0}), fleet_of(0.0, 0.0, 0.0)
    fleet.bots[0].level = int(Level.NO_ENTRIES)
    following = after(order, MAKER, fleet, NOW_MS, 1)
    assert following is not None and following.shares == {2: units(1.0)}


def test_what_the_exchange_would_not_take_is_left_to_the_next_step() -> None:
    assert after(left(OrderKind.MAKER, Side.BUY, {0: 0.04}), MAKER, fleet_of(0.0)) is None
    order = left(OrderKind.MAKER, Side.BUY, {0: 1.4, 1: 0.4})
    following = after(order, MAKER, fleet_of(0.0, 0.0, quantity_step=0.5))
    assert following is not None
    assert following.units == sum(following.shares.values()) == units(1.5)
    assert all(part <= order.shares[b] for b, part in following.shares.items())


def test_only_what_the_exchange_itself_ended_goes_on() -> None:
    order = left(OrderKind.MAKER, Side.BUY, {0: 1.0})
    assert goes_on(Outcome(order, OrderStatus.CANCELLED, may_go_on=True))
    assert not goes_on(Outcome(order, OrderStatus.CANCELLED))
    for status in (OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.ABSENT, OrderStatus.UNKNOWN):
        assert not goes_on(Outcome(replace(order, status=status), status, may_go_on=True))
    assert not goes_on(Outcome(replace(order, filled_units=order.units), OrderStatus.CANCELLED, may_go_on=True))
