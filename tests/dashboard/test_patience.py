"""A database that hangs is told from one that is slow, and holds nobody."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.patience import Patience
from shared.errors import DatabaseError

HANGS = "the database must answer within 0.2 s, did not: it hangs"


class Slow:
    """Something that is asked and answers when it is let go; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.asked += 1
        self.began.set()
        assert self.go.wait(30)
        return self.asked


def at_once() -> str:
    return "well"


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go.set()


@pytest.fixture
def patience() -> Patience:
    return Patience(seconds=0.2)


def test_what_hangs_is_told_and_nobody_waits_for_it_again(patience: Patience, slow: Slow) -> None:
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", slow)
    never = Slow()
    for ask in (patience.small, lambda *call: patience.large(*call, ("newest", slow))):
        with pytest.raises(DatabaseError, match=HANGS):
            ask("figures", never)
    assert (slow.asked, never.asked) == (1, 0), "a database that hangs is not asked for more"


def test_it_goes_on_as_soon_as_the_database_does(patience: Patience, slow: Slow) -> None:
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", slow)
    slow.go.set()
    patience._calls["newest"].future.result(10)
    assert patience.small("newest", slow) == 2, "what came too late is of another moment"
    assert patience.large("figures", at_once, ("newest", slow)) == "well"


def test_what_is_large_takes_its_time_while_small_questions_are_answered(patience: Patience, slow: Slow) -> None:
    probed = []

    def probe() -> None:
        probed.append(len(probed))
        if len(probed) > 3:
            slow.go.set()

    assert patience.large("figures", slow, ("newest", probe)) == 1
    assert len(probed) > 3, "it was asked again and again whether the database answers"


def test_what_is_large_is_given_up_where_small_questions_hang(patience: Patience, slow: Slow) -> None:
    other = Slow()
    with pytest.raises(DatabaseError, match=HANGS):
        patience.large("figures", slow, ("newest", other))
    assert (slow.asked, other.asked) == (1, 1)
    other.go.set()
    slow.go.set()
    patience._calls["figures"].future.result(10)
    patience._calls["newest"].future.result(10)
    assert patience.large("figures", at_once, ("newest", at_once)) == 1, "what was slow is there for who asks again"
    assert patience.large("figures", at_once, ("newest", at_once)) == "well"


def test_who_asks_the_same_meanwhile_is_given_the_same_answer(slow: Slow) -> None:
    patience, joined = Patience(seconds=30.0), threading.Event()
    with ThreadPoolExecutor(2) as people:
        first = people.submit(patience.small, "newest", slow)
        assert slow.began.wait(10)
        # Called once it waits: it has joined by then.
        second = people.submit(patience.small, "newest", slow, joined.set)
        assert joined.wait(10)
        slow.go.set()
        assert (first.result(10), second.result(10), slow.asked) == (1, 1, 1)


def test_whoever_waits_can_be_called_away(patience: Patience, slow: Slow) -> None:
    class CalledAway(Exception):
        pass

    def call_away() -> None:
        raise CalledAway

    for ask in (patience.small, lambda *call: patience.large(*call[:2], ("newest", at_once), *call[2:])):
        with pytest.raises(CalledAway):
            ask("figures", slow, call_away)
    assert slow.asked == 1


def test_an_error_is_that_of_the_query(patience: Patience) -> None:
    def fail() -> Any:
        raise DatabaseError("no such table")

    for _ in range(2):
        with pytest.raises(DatabaseError, match="no such table"):
            patience.small("newest", fail)
        with pytest.raises(DatabaseError, match="no such table"):
            patience.once(fail, 5.0, DatabaseError("late"))


def test_what_is_not_done_in_time_keeps_nobody_from_reading(patience: Patience, slow: Slow) -> None:
    with pytest.raises(DatabaseError, match="late"):
        patience.once(slow, 0.1, DatabaseError("late"))
    assert patience.small("newest", at_once) == "well"
    assert patience.once(at_once, 5.0, DatabaseError("late")) == "well"
