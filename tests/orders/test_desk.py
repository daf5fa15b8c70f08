"""Orders on their way: each ends as exactly one order on the exchange, or provably none, and is booked from trades."""

from decimal import Decimal

import pytest

from shared.enums import OrderStatus, Side
from tests.orders.harbour import Harbour
from worker.exchange.protocol import Finality, OrderKind
from worker.orders.live_order import LiveOrder

COIN = 100_000_000


def _sent(harbour: Harbour) -> list[str]:
    return [request.client_order_id for request in harbour.account.sent]


def _send(harbour: Harbour, *script: str, **changes: object) -> LiveOrder:
    harbour.account.script = list(script)
    order = harbour.order({0: 3 * COIN, 1: 1 * COIN}, **changes)
    harbour.desk.put([order])
    harbour.tend()
    return order


def test_an_order_that_fills_at_once_is_booked_from_its_trades(harbour: Harbour) -> None:
    order = _send(harbour, "fill")
    assert harbour.status(order) is OrderStatus.FILLED
    assert harbour.trades() == [("t1", 4 * COIN)]
    assert harbour.filled_shares(order) == {0: 3 * COIN, 1: COIN}
    (booked,) = harbour.booked
    assert [(share.bot, share.units, share.price) for share in booked.shares] == [
        (0, 3 * COIN, 100.0),
        (1, COIN, 100.0),
    ]
    assert [share.fee for share in booked.shares] == [Decimal("0.3"), Decimal("0.1")]
    assert harbour.desk.under_way == {}


def test_all_orders_leave_before_what_they_came_to_is_asked(harbour: Harbour) -> None:
    account, asked = harbour.account, []
    send, trades_of = account.send, account.trades_of
    account.send = lambda *given: asked.append("order") or send(*given)  # type: ignore[method-assign]
    account.trades_of = lambda *given: asked.append("trades") or trades_of(*given)  # type: ignore[method-assign]
    harbour.desk.put([harbour.order({0: COIN}), harbour.order({1: COIN}), harbour.order({2: COIN})])
    assert len(harbour.tend()) == 3
    assert asked == ["order"] * 3 + ["trades"] * 3


def test_many_trades_of_an_order_sum_to_it_and_to_each_bots_part(harbour: Harbour) -> None:
    harbour.account.parts = (Decimal("0.3"), Decimal("0.125"), Decimal("0.075"), Decimal("0.5"))
    order = _send(harbour, "fill")
    assert harbour.status(order) is OrderStatus.FILLED
    assert sum(units for _, units in harbour.trades()) == 4 * COIN
    assert harbour.filled_shares(order) == {0: 3 * COIN, 1: COIN}
    fees = [share.fee for share in harbour.booked[0].shares]
    assert sum(fees) == Decimal("0.4")


def test_what_a_market_order_could_not_fill_is_not_chased(harbour: Harbour) -> None:
    harbour.account.parts = (Decimal("0.25"),)
    order = _send(harbour, "part")
    harbour.run(30)
    assert harbour.status(order) is OrderStatus.CANCELLED
    assert harbour.filled_shares(order) == {0: 75_000_000, 1: 25_000_000}
    assert len(_sent(harbour)) == 1


def test_what_the_exchange_would_refuse_for_its_worth_does_not_leave(harbour: Harbour) -> None:
    order = harbour.order({0: COIN // 100_000}, side=Side.SELL, increases=False, reduce_only=True)
    harbour.desk.put([order])
    harbour.run(1)
    assert harbour.status(order) is OrderStatus.CANCELLED
    assert "MIN_NOTIONAL: worth must be at least 5, was" in (harbour.reason(order) or "")
    assert not _sent(harbour)


@pytest.mark.parametrize("script", ["lost answer", "late", "duplicate"])
def test_an_order_whose_answer_is_lost_is_found_and_never_sent_again(harbour: Harbour, script: str) -> None:
    order = _send(harbour, script)
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.run(20)
    assert harbour.status(order) is OrderStatus.FILLED
    assert len(_sent(harbour)) == 1
    assert harbour.filled_shares(order) == {0: 3 * COIN, 1: COIN}


def test_an_order_that_never_was_is_absent_only_after_the_window_in_which_it_may_arrive(harbour: Harbour) -> None:
    order = _send(harbour, "silence")
    harbour.run(9.5)
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.run(20)
    assert harbour.status(order) is OrderStatus.ABSENT
    assert len(_sent(harbour)) == 1


@pytest.mark.parametrize("set_by_ms", [60_000, -60_000])
def test_a_wall_clock_that_is_set_meanwhile_proves_nothing(harbour: Harbour, set_by_ms: int) -> None:
    order = _send(harbour, "silence")
    harbour.clock.set_wall_ms(harbour.clock.now_ms() + set_by_ms)
    harbour.run(9.5)
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.run(20)
    assert harbour.status(order) is OrderStatus.ABSENT


def test_where_nothing_can_be_asked_an_order_stays_unknown_and_becomes_an_alarm_once(harbour: Harbour) -> None:
    harbour.account.is_deaf = True
    order = _send(harbour, "silence")
    harbour.run(59)
    assert harbour.desk.overdue() == []
    harbour.run(2)
    assert harbour.desk.overdue() == [order]
    assert harbour.desk.overdue() == []
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.account.is_deaf = False
    harbour.run(61)
    assert harbour.status(order) is OrderStatus.ABSENT


def test_without_a_window_it_takes_two_looks_half_a_minute_apart_and_balances_that_agree(harbour: Harbour) -> None:
    harbour.account.finality = Finality(window_ms=None, bound_ms=60_000)
    harbour.agrees[0] = False
    order = _send(harbour, "silence")
    harbour.run(120)
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.agrees[0] = True
    harbour.run(61)
    assert harbour.status(order) is OrderStatus.ABSENT


def test_where_ids_are_forgotten_an_order_that_is_not_found_later_wants_balances_that_agree(harbour: Harbour) -> None:
    harbour.account.finality = Finality(window_ms=5_000, bound_ms=0, named_ms=30_000)
    harbour.account.is_deaf, harbour.agrees[0] = True, False
    order = _send(harbour, "silence")
    harbour.run(31)
    harbour.account.is_deaf = False
    harbour.run(120)
    assert harbour.status(order) is OrderStatus.UNKNOWN
    harbour.agrees[0] = True
    harbour.run(61)
    assert harbour.status(order) is OrderStatus.ABSENT


def test_an_order_that_provably_did_not_arrive_leaves_again_under_its_name(harbour: Harbour) -> None:
    order = _send(harbour, "busy", "busy", "fill")
    harbour.run(1.5)
    assert len(_sent(harbour)) == 1
    harbour.run(5)
    assert harbour.status(order) is OrderStatus.FILLED
    assert set(_sent(harbour)) == {order.client_order_id}
    assert len(_sent(harbour)) == 3
    assert len(harbour.account.orders) == 1


def test_it_does_not_leave_again_once_it_is_old(harbour: Harbour) -> None:
    order = _send(harbour, *["busy"] * 40)
    harbour.run(60)
    assert harbour.status(order) is OrderStatus.CANCELLED
    assert (harbour.reason(order) or "").startswith("EXPIRED_INTENT")
    # at 0, 2, 4 … 30 s
    assert len(_sent(harbour)) == 16


@pytest.mark.parametrize(("script", "alarm"), [("reject", ""), ("key", "KEY")])
def test_a_no_of_the_exchange_is_final(harbour: Harbour, script: str, alarm: str) -> None:
    harbour.account.script = [script]
    order = harbour.order({0: COIN})
    harbour.desk.put([order])
    (outcome,) = harbour.desk.tend()
    assert outcome.alarm == alarm
    assert outcome.status is OrderStatus.REJECTED


def test_a_trade_that_is_told_twice_is_booked_once(harbour: Harbour) -> None:
    harbour.account.parts = (Decimal("0.5"),)
    order = _send(harbour, "fill")
    assert harbour.status(order) is OrderStatus.PARTLY_FILLED
    harbour.run(3)
    harbour.account.fill(order.client_order_id, Decimal("0.5"))
    harbour.run(61)
    assert harbour.trades() == [("t1", 2 * COIN), ("t2", 2 * COIN)]
    assert harbour.status(order) is OrderStatus.FILLED
    assert harbour.filled_shares(order) == {0: 3 * COIN, 1: COIN}


def test_a_limit_order_is_cancelled_when_its_time_to_rest_is_over(harbour: Harbour) -> None:
    until_ms = harbour.clock.monotonic_ms() + 20_000
    order = _send(harbour, "rest", kind=OrderKind.LIMIT, limit_price=Decimal(99), rests_until_ms=until_ms)
    harbour.account.fill(order.client_order_id, Decimal("0.25"))
    harbour.run(15)
    assert harbour.status(order) is OrderStatus.PARTLY_FILLED
    harbour.run(15)
    assert harbour.status(order) is OrderStatus.CANCELLED
    assert harbour.filled_shares(order) == {0: 75_000_000, 1: 25_000_000}


def test_a_fee_in_the_coin_itself_and_in_another_is_valued_at_its_price(harbour: Harbour) -> None:
    harbour.account.fee_coin = "C0"
    _send(harbour, "fill")
    harbour.account.fee_coin = "BNB"
    _send(harbour, "fill")
    own, other = harbour.booked
    assert [(share.fee, share.fee_coin, share.fee_quote) for share in own.shares] == [
        (Decimal("0.003"), "C0", Decimal("0.3")),
        (Decimal("0.001"), "C0", Decimal("0.1")),
    ]
    assert [(share.fee_coin, share.fee_quote) for share in other.shares] == [
        ("BNB", Decimal("0.3")),
        ("BNB", Decimal("0.1")),
    ]


def test_exits_leave_before_entries(harbour: Harbour) -> None:
    entries = [harbour.order({0: COIN}) for _ in range(3)]
    exit_ = harbour.order({1: COIN}, increases=False)
    harbour.desk.put([*entries, exit_])
    harbour.tend()
    assert _sent(harbour) == [exit_.client_order_id, *(entry.client_order_id for entry in entries)]


def test_more_than_was_ordered_is_kept_and_told(harbour: Harbour) -> None:
    harbour.account.parts = (Decimal("0.5"), Decimal("0.75"))
    order = _send(harbour, "fill")
    harbour.run(1)
    assert "must be within" in harbour.booked[0].faults[0]
    assert harbour.filled_shares(order) == {0: 4 * COIN, 1: COIN}
