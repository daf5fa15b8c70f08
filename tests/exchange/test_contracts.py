"""Perpetuals against the engine alone: positions, margins, reduce-only, hedge mode, funding, delisting."""

from decimal import Decimal

import pytest

from tests.exchange import record
from tests.exchange.floor import Floor, refused
from tests.exchange.flows import FlowKind
from tests.exchange.funding import FUNDING_EVERY_MS, FUNDING_LATE_MS, funding_rate
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Status, Ticket, Why
from tests.exchange.positions import Position


def trade(floor: Floor, quantity: str, is_buy: bool = True, **changes: object) -> Order:
    return floor.place(quantity, is_buy=is_buy, product=Product.SWAP, **changes)


@pytest.mark.parametrize("side", [1, -1])
def test_a_position_averages_what_is_added_and_realises_what_is_closed(side: int) -> None:
    position = Position("BTCUSDT")
    assert position.apply(Decimal(2) * side, Decimal(100)) == 0 and position.apply(Decimal(1) * side, Decimal(130)) == 0
    assert position.entry == 110 and position.profit(Decimal(120)) == 30 * side
    assert position.apply(Decimal(-1) * side, Decimal(120)) == 10 * side and position.entry == 110
    # through zero: two are closed, one is opened the other way
    assert position.apply(Decimal(-3) * side, Decimal(100)) == -20 * side
    assert (position.quantity, position.entry) == (-side, 100)


def test_opening_sets_margin_aside_and_closing_gives_it_back_with_the_profit(floor: Floor) -> None:
    floor.account.leverage["BTCUSDT"] = 5
    trade(floor, "10")
    margin, fee = Decimal("1000.1") / 5, Decimal("1000.1") * Decimal("0.0005")
    assert floor.money("USDT", Product.SWAP) == (5000 - margin - fee, margin)
    floor.move(110.0)
    closed = trade(floor, "10", is_buy=False)
    profit = 10 * (Decimal("109.99") - Decimal("100.01"))
    assert closed.trades[0].realised == profit
    assert floor.money("USDT", Product.SWAP) == (5000 - fee + profit - Decimal("1099.9") * Decimal("0.0005"), 0)


def test_a_loss_not_yet_taken_cannot_be_used_and_more_than_the_margin_allows_is_refused(floor: Floor) -> None:
    floor.account.leverage["BTCUSDT"] = 2
    trade(floor, "90")
    refused(Why.FUNDS, lambda: trade(floor, "20"))
    floor.move(95.0)
    refused(Why.FUNDS, lambda: trade(floor, "3"))
    assert trade(floor, "3", is_buy=False).status is Status.FILLED


def test_a_resting_order_takes_margin_too(floor: Floor) -> None:
    floor.account.leverage["BTCUSDT"] = 4
    order = trade(floor, "10", price="80")
    assert floor.money("USDT", Product.SWAP) == (Decimal(4800), Decimal(200))
    floor.exchange.cancel(order)
    assert floor.money("USDT", Product.SWAP) == (Decimal(5000), 0)


def test_reduce_only_closes_no_more_than_there_is(floor: Floor) -> None:
    refused(Why.REDUCE_ONLY, lambda: trade(floor, "1", is_buy=False, reduce_only=True))
    trade(floor, "2")
    refused(Why.REDUCE_ONLY, lambda: trade(floor, "1", reduce_only=True))
    order = trade(floor, "3", is_buy=False, reduce_only=True)
    assert (order.status, order.filled) == (Status.EXPIRED, 2) and not record.positions(floor.exchange, floor.account)


def test_a_resting_reduce_only_ends_when_the_position_is_gone(floor: Floor) -> None:
    trade(floor, "2")
    resting = trade(floor, "2", price="105", is_buy=False, reduce_only=True)
    trade(floor, "2", is_buy=False)
    floor.move(106.0)
    assert (resting.status, resting.filled) == (Status.EXPIRED, 0)


def test_a_stop_for_the_whole_position_closes_what_is_there_when_it_fires(floor: Floor) -> None:
    trade(floor, "2")
    ticket = Ticket(Product.SWAP, "BTCUSDT", False, reduce_only=True, trigger=Decimal(95))
    stop = floor.exchange.place(floor.account, ticket)
    trade(floor, "1")
    floor.move(90.0)
    assert (stop.status, stop.filled) == (Status.FILLED, 3) and not record.positions(floor.exchange, floor.account)


def test_in_hedge_mode_both_sides_stand_beside_each_other(floor: Floor) -> None:
    refused(Why.POSITION_SIDE, lambda: trade(floor, "1", position_side="LONG"))
    floor.account.hedge = True
    refused(Why.POSITION_SIDE, lambda: trade(floor, "1"))
    trade(floor, "2", position_side="LONG")
    trade(floor, "1", is_buy=False, position_side="SHORT")
    assert record.positions(floor.exchange, floor.account) == {("BTCUSDT", "LONG"): 2, ("BTCUSDT", "SHORT"): -1}
    trade(floor, "2", is_buy=False, position_side="LONG")
    refused(Why.REDUCE_ONLY, lambda: trade(floor, "1", is_buy=False, position_side="LONG"))
    assert record.positions(floor.exchange, floor.account) == {("BTCUSDT", "SHORT"): -1}


@pytest.mark.parametrize("side", [1, -1])
def test_funding_is_settled_once_every_eight_hours_by_who_holds_then(floor: Floor, side: int) -> None:
    trade(floor, "10", is_buy=side > 0)
    floor.move(100.0, 24 * 3600.0)
    paid = [row for row in record.flows(floor.exchange, floor.account) if row.kind == FlowKind.FUNDING]
    times = [row.time_ms for row in paid]
    assert len(times) == 3 and all(time_ms % FUNDING_EVERY_MS == FUNDING_LATE_MS for time_ms in times)
    announced = dict(floor.exchange.funding("BTCUSDT", times[0], None, 10))
    assert [row.amount for row in paid] == [-side * 1000 * announced[time_ms] for time_ms in times]
    assert announced[times[0]] == funding_rate(times[0] - FUNDING_LATE_MS)


def test_a_delisting_cancels_orders_and_closes_positions_at_the_price(floor: Floor) -> None:
    trade(floor, "10")
    resting = trade(floor, "1", price="80")
    floor.move(90.0)
    floor.exchange.delist("BTCUSDT")
    settled = [row.amount for row in record.flows(floor.exchange, floor.account) if row.kind == FlowKind.SETTLEMENT]
    assert settled == [10 * (90 - Decimal("100.01"))] and resting.status is Status.EXPIRED
    assert not record.positions(floor.exchange, floor.account)
    refused(Why.SYMBOL, lambda: trade(floor, "1"))


def test_what_an_account_cannot_pay_is_borne_by_the_market_and_noted(floor: Floor) -> None:
    floor.account.leverage["BTCUSDT"] = 100
    trade(floor, "600")
    floor.move(80.0)
    trade(floor, "600", is_buy=False)
    assert floor.money("USDT", Product.SWAP) == (0, 0)
    assert [(owner, coin) for owner, coin, amount in floor.exchange.settlement.shortfalls if amount] == [
        ("a", "USDT")
    ] * 2
