"""What repeats is told first and last, and costs the same however often it comes."""

from dashboard.gate.counting import MOST_SOURCES, WINDOW_MS, Counting, Tally
from shared.clock import ManualClock

NOW_MS = 1_000_000


def test_the_first_is_told_and_the_others_are_counted_until_the_window_ends() -> None:
    clock = ManualClock(NOW_MS)
    counting = Counting[str](clock, 10)
    assert [counting.is_first("a") for _ in range(3)] == [True, False, False]
    clock.advance_ms(1_000)
    assert counting.is_first("b") and not counting.is_first("a")
    clock.advance_ms(WINDOW_MS - 1_001)
    assert counting.ended() is None
    clock.advance_ms(1)
    ended = counting.ended()
    assert ended is not None and ended.again == {"a": Tally(3, NOW_MS, NOW_MS + 1_000)}, "b was told already"
    assert counting.ended(at_once=True) is None, "what was told is over"
    assert counting.is_first("a"), "a new window begins"


def test_keys_beyond_the_most_are_counted_together_with_where_they_came_from() -> None:
    counting = Counting[str](ManualClock(NOW_MS), 2)
    assert sum(counting.is_first(f"key{at}", f"place{at % 7}") for at in range(100)) == 2
    ended = counting.ended(at_once=True)
    assert ended is not None and not ended.again
    assert (ended.rest.count, ended.sources) == (98, 7)


def test_the_memory_does_not_grow_with_what_comes() -> None:
    counting = Counting[str](ManualClock(NOW_MS), 2)
    for at in range(3 * MOST_SOURCES):
        counting.is_first(f"key{at}", f"place{at}")
    assert len(counting._sources) == MOST_SOURCES and len(counting._counted.again) == 2
    ended = counting.ended(at_once=True)
    assert ended is not None and ended.sources == MOST_SOURCES, "at least so many"


def test_a_clock_that_is_set_ends_no_window_and_keeps_none_open() -> None:
    clock = ManualClock(NOW_MS)
    counting = Counting[str](clock, 2)
    counting.is_first("a")
    clock.set_wall_ms(NOW_MS + 10 * WINDOW_MS)
    assert counting.ended() is None
    clock.set_wall_ms(0)
    clock.advance_ms(WINDOW_MS)
    assert counting.ended() is not None
