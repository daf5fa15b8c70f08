"""The states of an order: the drawing of the contract, read edge by edge, and nothing beside it."""

from itertools import product

import pytest

from shared.enums import OrderStatus
from worker.orders.states import FINAL, is_final, is_legal

DRAWN = {
    ("INTENT", "SUBMITTED"),
    ("INTENT", "CANCELLED"),
    ("INTENT", "FILLED"),
    *(("SUBMITTED", after) for after in ("OPEN", "PARTLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "UNKNOWN")),
    *(("UNKNOWN", after) for after in ("OPEN", "PARTLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "ABSENT")),
    *(("OPEN", after) for after in ("PARTLY_FILLED", "FILLED", "CANCELLED")),
    *(("PARTLY_FILLED", after) for after in ("FILLED", "CANCELLED")),
}


@pytest.mark.parametrize(("before", "after"), list(product(OrderStatus, OrderStatus)))
def test_only_what_is_drawn_is_legal(before: OrderStatus, after: OrderStatus) -> None:
    assert is_legal(before, after) == (before is after or (before.name, after.name) in DRAWN)


def test_absent_follows_from_unknown_alone_and_nothing_follows_from_what_is_final() -> None:
    befores = [before.name for before in OrderStatus if is_legal(before, OrderStatus.ABSENT)]
    assert befores == ["UNKNOWN", "ABSENT"]
    assert {status.name for status in FINAL} == {"FILLED", "REJECTED", "CANCELLED", "ABSENT"}
    assert not is_final(OrderStatus.UNKNOWN)
