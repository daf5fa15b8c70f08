"""Lanes: exits leave first, one at a time per account, accounts side by side, and no failure is lost."""

import threading
import time
from collections.abc import Callable, Generator
from functools import partial

import pytest

from worker.orders.lanes import InlineLanes, Lanes, Later, ThreadLanes, Urgency, in_parts

MAKERS: list[Callable[[list[str]], Lanes]] = [InlineLanes, ThreadLanes]


def _collected(lanes: Lanes, count: int) -> list[object]:
    found: list[object] = []
    until = time.monotonic() + 10.0
    while len(found) < count and time.monotonic() < until:
        found += lanes.collect(0.5)
    return found


@pytest.mark.parametrize("make", MAKERS)
def test_an_exit_that_comes_while_entries_wait_leaves_first(make: Callable[[list[str]], Lanes]) -> None:
    lanes, may_go = make(["main"]), threading.Event()
    if isinstance(lanes, InlineLanes):
        may_go.set()
    lanes.put("main", Urgency.READ, lambda: may_go.wait(10.0) and "first")
    time.sleep(0.05)
    for number in range(20):
        lanes.put("main", Urgency.ENTRY, partial(int, number))
    lanes.put("main", Urgency.LOOK_UP, lambda: "look")
    lanes.put("main", Urgency.EXIT, lambda: "exit")
    may_go.set()
    found = [item for item in _collected(lanes, 23) if item != "first"]
    assert found == ["exit", "look", *range(20)]
    lanes.close()


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_left_of_a_work_waits_its_turn_again(make: Callable[[list[str]], Lanes]) -> None:
    lanes, may_go = make(["main"]), threading.Event()
    lanes.put("main", Urgency.EXIT, lambda: None if isinstance(lanes, InlineLanes) else may_go.wait(10.0) and None)
    for number in range(3):
        lanes.put("main", Urgency.ENTRY, partial(Later, Urgency.TRADES, partial(str, f"trades {number}")))
    lanes.put("main", Urgency.READ, lambda: "pass")
    lanes.put("main", Urgency.LOOK_UP, lambda: "look")
    may_go.set()
    assert _collected(lanes, 5) == ["look", "trades 0", "trades 1", "trades 2", "pass"]
    lanes.close()


@pytest.mark.parametrize("make", MAKERS)
def test_between_the_parts_of_a_work_goes_what_is_more_urgent(make: Callable[[list[str]], Lanes]) -> None:
    lanes = make(["main"])

    def parts() -> Generator[None, None, str]:
        lanes.put("main", Urgency.ENTRY, lambda: "entry")
        yield
        lanes.put("main", Urgency.EXIT, lambda: "exit")
        lanes.put("main", Urgency.READ, lambda: "another pass")
        yield
        return "pass"

    lanes.put("main", Urgency.READ, in_parts(Urgency.READ, parts()))
    assert _collected(lanes, 4) == ["entry", "exit", "another pass", "pass"]
    lanes.close()


def test_accounts_go_side_by_side_and_within_one_nothing_overlaps() -> None:
    lanes, together = ThreadLanes(["one", "two"]), threading.Barrier(2, timeout=10.0)
    under_way, most = [0], [0]

    def counted() -> str:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        under_way[0] -= 1
        return "counted"

    for account in ("one", "two"):
        lanes.put(account, Urgency.ENTRY, lambda: together.wait() >= 0)
    assert _collected(lanes, 2) == [True, True]
    for _ in range(10):
        lanes.put("one", Urgency.ENTRY, counted)
    assert _collected(lanes, 10) == ["counted"] * 10
    assert most == [1]
    lanes.close()


@pytest.mark.parametrize("make", MAKERS)
def test_what_a_work_raises_is_raised_where_it_is_collected(make: Callable[[list[str]], Lanes]) -> None:
    lanes = make(["main"])
    lanes.put("main", Urgency.ENTRY, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        _collected(lanes, 1)
    with pytest.raises(ZeroDivisionError):
        lanes.ask("main", lambda: 1 // 0)
    assert lanes.ask("main", lambda: 7) == 7
    lanes.close()


def test_a_lane_that_is_closed_ends_its_thread() -> None:
    names = {"orders of first", "orders of second"}

    def running() -> set[str]:
        return names & {thread.name for thread in threading.enumerate()}

    lanes = ThreadLanes(["first", "second"])
    assert running() == names
    lanes.close()
    until = time.monotonic() + 10.0
    while running() and time.monotonic() < until:
        time.sleep(0.01)
    assert running() == set()
