"""The last door: an order that was decided does not leave where anything forbids it by now."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.database import transaction
from shared.enums import Level, OrderStatus, Purpose
from tests.orders.harbour import BOUNDS, Harbour, open_harbour
from worker.store import lease

COIN = 100_000_000


def _send(harbour: Harbour, **changes: Any) -> OrderStatus:
    order = harbour.order({0: COIN, 1: COIN}, **changes)
    harbour.desk.put([order])
    harbour.tend()
    return harbour.status(order)


@pytest.mark.parametrize(
    ("level", "entry", "reduction"),
    [
        (Level.RUNNING, "FILLED", "FILLED"),
        (Level.NO_ENTRIES, "CANCELLED", "FILLED"),
        (Level.FLATTEN, "CANCELLED", "FILLED"),
        (Level.HALTED, "CANCELLED", "CANCELLED"),
    ],
)
def test_a_level_that_rose_after_the_decision_holds(harbour: Harbour, level: Level, entry: str, reduction: str) -> None:
    harbour.set_level(level)
    assert _send(harbour).name == entry
    assert _send(harbour, increases=False).name == reduction
    assert _send(harbour, purpose=Purpose.SAFETY, increases=False) is OrderStatus.FILLED


def test_a_kill_file_halts_everything_but_a_safety_stop(harbour: Harbour) -> None:
    (harbour.state / "KILL").touch()
    assert _send(harbour, increases=False) is OrderStatus.CANCELLED
    assert _send(harbour, purpose=Purpose.SAFETY, increases=False) is OrderStatus.FILLED
    (harbour.state / "KILL").unlink()
    assert _send(harbour) is OrderStatus.FILLED


def test_a_worker_whose_lease_was_taken_sends_nothing_more(harbour: Harbour) -> None:
    with transaction(harbour.engine) as connection:
        other = replace(lease.this_process(), pid=1)
        lease.acquire(connection, harbour.portfolio_id, other, harbour.clock.now_ms(), lambda *_: True)
    order = harbour.order({0: COIN}, increases=False)
    harbour.desk.put([order])
    (outcome,) = harbour.desk.tend()
    assert outcome.status is OrderStatus.CANCELLED
    assert harbour.account.sent == []


def test_an_intention_that_waited_too_long_does_not_leave(harbour: Harbour) -> None:
    order = harbour.order({0: COIN})
    harbour.clock.sleep(31)
    harbour.desk.put([order])
    harbour.tend()
    assert (harbour.status(order), harbour.reason(order)) == (OrderStatus.CANCELLED, "EXPIRED_INTENT")
    assert harbour.account.sent == []


RUNAWAYS: dict[str, tuple[dict[str, Any], int]] = {
    "a large order": ({"max_order_notional": 150.0}, 0),
    "many in a minute": ({"max_orders_per_minute": 3}, 3),
    "many in a day": ({"max_orders_per_day": 4}, 4),
    "first orders": ({"first_orders": 2}, 2),
}


@pytest.mark.parametrize("what", RUNAWAYS)
def test_a_runaway_is_stopped_whatever_decided_it_and_exits_go_on(tmp_path: Path, what: str) -> None:
    changes, most = RUNAWAYS[what]
    with open_harbour(tmp_path, replace(BOUNDS, **changes)) as harbour:
        orders = [harbour.order({0: 2 * COIN}) for _ in range(6)]
        harbour.desk.put(orders)
        outcomes = harbour.desk.tend()
        left = [outcome for outcome in outcomes if outcome.status is not OrderStatus.CANCELLED]
        assert len(left) == len(harbour.account.sent) == most
        alarm = "FIRST_ORDERS" if what == "first orders" else "RUNAWAY"
        assert {outcome.alarm for outcome in outcomes if outcome.status is OrderStatus.CANCELLED} == {alarm}
        assert _send(harbour, increases=False) is OrderStatus.FILLED


def test_orders_of_a_minute_ago_do_not_count_and_a_person_ends_the_first_orders(tmp_path: Path) -> None:
    with open_harbour(tmp_path, replace(BOUNDS, max_orders_per_minute=1, first_orders=2)) as harbour:
        assert [_send(harbour), _send(harbour)] == [OrderStatus.FILLED, OrderStatus.CANCELLED]
        harbour.clock.sleep(61)
        assert _send(harbour) is OrderStatus.FILLED
        harbour.clock.sleep(61)
        assert _send(harbour) is OrderStatus.CANCELLED
        harbour.desk.senders["main"].is_confirmed = True
        assert _send(harbour) is OrderStatus.FILLED


@pytest.mark.parametrize(("skew_ms", "status"), [(29_000, "FILLED"), (31_000, "CANCELLED"), (-31_000, "CANCELLED")])
def test_with_a_clock_that_is_far_off_nothing_is_sent(harbour: Harbour, skew_ms: int, status: str) -> None:
    harbour.account.skew = skew_ms
    assert _send(harbour).name == status
