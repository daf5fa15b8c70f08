"""The bench of live orders counts from decisions to first bytes, and refuses a step that did not send its orders."""

import re
from pathlib import Path

import pytest

from tests.bench import orders
from tests.bench.order_place import Asked
from tests.orders.harbour import open_harbour


def test_an_order_waits_since_the_decision_or_the_answer_before() -> None:
    asked = [
        Asked(1.001, 1.051, "GET", "prices"),
        Asked(1.004, 1.104, "POST", "order"),
        Asked(1.107, 1.150, "POST", "order"),
        Asked(1.160, 1.170, "GET", "trades"),
    ]
    assert orders.waits_ms(1.0, asked) == pytest.approx([4.0, 3.0])


def test_what_is_beyond_its_limit_stands_in_bold() -> None:
    assert orders._row("first", [1.0, 9.0, 30.0]) == ["first", "**9.0**", "5", "**29.6**", "20"]
    assert orders._row("first", [1.0, 4.0, 5.0]) == ["first", "4.0", "5", "5.0", "20"]


@pytest.mark.slow
def test_an_exit_is_the_next_to_leave(tmp_path: Path) -> None:
    with open_harbour(tmp_path) as harbour:
        place, milliseconds = orders.overtake(harbour)
    assert place == 1
    assert milliseconds > 0.0


@pytest.mark.slow
def test_everything_about_live_orders_is_measured() -> None:
    found = orders.measure(steps=2, rounds=1, passes=1, paper_steps=2)
    assert found.count("decision to first request") == 2
    assert "as number 1 of what waited at worst" in found
    assert len(re.findall(r"\| 2 \| 5\d \|", found)) == 2
    assert "A paper step of 27 bots takes " in found
