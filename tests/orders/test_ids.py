"""Client order ids: pure, distinct, ours, and in a form every exchange takes."""

import re
from itertools import product
from typing import Any

import pytest

from shared.enums import Purpose
from shared.installation import new_installation
from worker.orders.ids import client_order_id, is_ours, next_order_id

OURS = "abcd234567abcdef"
PARTS: dict[str, Any] = {
    "installation": OURS,
    "portfolio": "flotilla",
    "account": "main",
    "symbol": "BTC/USDT",
    "step": 7,
    "bar_ms": 1_700_000_000_000,
    "purpose": Purpose.NET,
    "bot": "",
    "leg": 0,
    "attempt": 0,
}
OTHERS: dict[str, Any] = {
    "installation": "bbcd234567abcdef",
    "portfolio": "other",
    "account": "second",
    "symbol": "ETH/USDT",
    "step": 8,
    "bar_ms": 1_700_000_000_001,
    "purpose": Purpose.EXIT,
    "bot": "mr_btc_usdt_1h_p1",
    "leg": 1,
    "attempt": 1,
}


def test_the_same_order_has_the_same_name_and_its_form_suits_every_exchange() -> None:
    name = client_order_id(**PARTS)
    assert name == client_order_id(**PARTS)
    assert re.fullmatch("wabcd[a-z2-7]{13}", name)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_tells_orders_apart(part: str) -> None:
    assert client_order_id(**{**PARTS, part: OTHERS[part]}) != client_order_id(**PARTS)


def test_no_two_of_many_orders_share_a_name() -> None:
    many = product(range(60), Purpose, ("", "a", "b"), range(3), range(3))
    names = [
        client_order_id(OURS, "flotilla", "main", "BTC/USDT", 1, bar, purpose, bot, leg, attempt)
        for bar, purpose, bot, leg, attempt in many
    ]
    assert len(set(names)) == len(names) > 6_000


def test_only_ids_of_this_installation_are_ours() -> None:
    assert is_ours(client_order_id(**PARTS), OURS)
    assert not is_ours(client_order_id(**{**PARTS, "installation": OTHERS["installation"]}), OURS)
    assert not is_ours("wabcd", OURS)
    assert not is_ours("x-wabcd2345672345672", OURS)


def test_installations_are_drawn_and_in_the_same_form() -> None:
    drawn = {new_installation() for _ in range(100)}
    assert len(drawn) == 100
    assert all(re.fullmatch("[a-z2-7]{16}", name) for name in drawn)


def test_what_goes_on_with_an_order_is_named_by_it_and_how_manieth_it_is() -> None:
    first = client_order_id(**PARTS)
    names = [first, *(next_order_id(OURS, first, attempt) for attempt in range(1, 5))]
    assert len(set(names)) == 5
    assert all(is_ours(name, OURS) for name in names)
    assert next_order_id(OURS, first, 1) == names[1] != next_order_id("bbcd234567abcdef", first, 1)
