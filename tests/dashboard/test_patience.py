"""A database that hangs is told from one that is slow, and holds nobody."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.patience import THREADS, IsWanted, Patience, Size
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
    """One that soon thinks that what does not answer hangs."""
    return Patience(seconds=0.2)


@pytest.fixture
def calm() -> Patience:
    """One that waits for as long as a busy machine may take."""
    return Patience(seconds=30.0)


def test_what_hangs_is_told_and_nobody_waits_for_it_again(patience: Patience, slow: Slow) -> None:
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", slow)
    never = Slow()
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("figures", never)
    for size in (Size.LIVE, Size.LARGE):
        with pytest.raises(DatabaseError, match=HANGS):
            patience.ask(size, "figures", never, ("newest", slow))
    assert (slow.asked, never.asked) == (1, 0), "a database that hangs is not asked for more"


def test_it_goes_on_as_soon_as_the_database_does(patience: Patience, slow: Slow) -> None:
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", slow)
    hanging = patience._calls["newest"]
    slow.go.set()
    hanging.future.result(10)
    patience._seconds = 30.0
    assert patience.small("newest", slow) == 2, "what came too late is of another moment"
    assert patience.ask(Size.LIVE, "figures", at_once, ("newest", slow)) == "well"


def test_one_call_that_never_ends_is_not_the_database(
    patience: Patience, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", slow)
    with pytest.raises(DatabaseError, match=HANGS):
        patience.small("newest", at_once)
    monkeypatch.setattr("dashboard.patience.RETRY_SECONDS", 0.0)
    patience._seconds = 0.3
    while patience._calls["newest"].age() < 0.4:
        pass
    assert patience.small("newest", at_once) == "well", "another is tried from time to time"
    patience._seconds = 30.0
    assert patience.ask(Size.LARGE, "figures", at_once, ("newest", at_once)) == "well"
    assert not slow.go.is_set()


def test_tries_end_where_none_is_answered(patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.patience.RETRY_SECONDS", 0.0)
    tried = [Slow() for _ in range(2 * THREADS[Size.SMALL])]
    for one in tried:
        with pytest.raises(DatabaseError, match=HANGS):
            patience.small("newest", one)
    for one in tried:
        one.go.set()
    assert [one.asked for one in tried] == [1] * (THREADS[Size.SMALL] - 1) + [0] * (THREADS[Size.SMALL] + 1)


def test_what_is_large_takes_its_time_while_small_questions_are_answered(
    calm: Patience, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed = []

    def probe() -> None:
        probed.append(len(probed))
        if len(probed) > 2:
            slow.go.set()

    monkeypatch.setattr("dashboard.patience.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("dashboard.patience.PROBE_SECONDS", 0.01)
    monkeypatch.setattr(calm, "_seconds", 0.0)
    monkeypatch.setattr(calm, "small", lambda key, ask: ask())
    assert calm.ask(Size.LARGE, "figures", slow, ("newest", probe)) == 1
    assert len(probed) > 2, "it was asked again and again whether the database answers"


def test_what_is_large_is_given_up_where_small_questions_hang(patience: Patience, slow: Slow) -> None:
    other = Slow()
    with pytest.raises(DatabaseError, match=HANGS):
        patience.ask(Size.LARGE, "figures", slow, ("newest", other))
    other.go.set()
    assert (slow.asked, other.asked) == (1, 1)


def test_what_live_parts_show_does_not_queue_behind_long_histories(calm: Patience, slow: Slow) -> None:
    count = THREADS[Size.LARGE] + 1
    probe = "newest", at_once
    with ThreadPoolExecutor(count) as people:
        long = [people.submit(calm.ask, Size.LARGE, number, slow, probe) for number in range(count)]
        assert slow.began.wait(10)
        assert calm.ask(Size.LIVE, "positions", at_once, probe) == "well"
        assert calm.small("newest", at_once) == "well"
        slow.go.set()
        assert len([one.result(10) for one in long]) == count


def test_who_asks_the_same_meanwhile_is_given_the_same_answer(calm: Patience, slow: Slow) -> None:
    joined = threading.Event()
    with ThreadPoolExecutor(2) as people:
        first = people.submit(calm.small, "newest", slow)
        assert slow.began.wait(10)
        # Called once it waits: it has joined by then.
        second = people.submit(calm.small, "newest", slow, joined.set)
        assert joined.wait(10)
        slow.go.set()
        assert (first.result(10), second.result(10), slow.asked) == (1, 1, 1)


def test_whoever_waits_for_what_is_small_can_be_called_away(calm: Patience, slow: Slow) -> None:
    class CalledAway(Exception):
        pass

    def call_away() -> None:
        raise CalledAway

    with pytest.raises(CalledAway):
        calm.small("figures", slow, call_away)
    assert slow.asked == 1


def test_an_error_is_that_of_the_query_and_of_those_who_waited(calm: Patience) -> None:
    def fail(_: Any = None) -> Any:
        raise DatabaseError("no such table")

    for _ in range(2):
        with pytest.raises(DatabaseError, match="no such table"):
            calm.small("newest", fail)
        with pytest.raises(DatabaseError, match="no such table"):
            calm.ask(Size.LIVE, "figures", fail, ("newest", at_once))
        with pytest.raises(DatabaseError, match="no such table"):
            calm.write(fail, 30.0)
    assert calm.ask(Size.LIVE, "figures", at_once, ("newest", at_once)) == "well"


def test_what_is_not_written_in_time_is_not_written_later(patience: Patience, slow: Slow) -> None:
    committed = []

    def write(is_wanted: IsWanted) -> None:
        slow()
        if is_wanted():
            committed.append("first")

    with pytest.raises(DatabaseError, match="within 0.1 s, has not: it hangs, and this is given up unless"):
        patience.write(write, 0.1)
    with pytest.raises(DatabaseError, match="and this was not written"):
        patience.write(lambda _: committed.append("second"), 0.1)
    slow.go.set()
    assert patience.write(lambda is_wanted: is_wanted(), 30.0)
    assert committed == []
