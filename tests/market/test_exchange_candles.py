"""Candles a real exchange gets wrong: never taken, asked for again, left out where they stay away."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.exchange.engine import Row
from tests.exchange.server import Server
from tests.market.exchanges import NOW_MS, PatientClock, expected, market
from tests.market.fakes import HOUR_MS, START_MS, MemoryStore, same_bars, wavy_bars
from worker.exchange.listing import InvalidAnswer
from worker.market.exchange_rows import candle_rows
from worker.market.gaps import joined_ranges, merged, missing_ranges


def hooked_once(change: Callable[[list[Row]], list[Row]], times: int = 1) -> Callable[[list[Row]], list[Row]]:
    left = [times]

    def hook(rows: list[Row]) -> list[Row]:
        left[0] -= 1
        return change(rows) if left[0] >= 0 else rows

    return hook


def with_cell(rows: list[Row], row: int, column: int, value: object) -> list[Row]:
    changed = [list(cells) for cells in rows]
    changed[row][column] = value
    return changed


CANDLE_FAULTS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "missing rows": lambda rows: rows[:3] + rows[5:],
    "stale feed": lambda rows: rows[:-5],
    "no rows": lambda rows: [],
    "duplicated rows": lambda rows: [row for row in rows for _ in (1, 2)],
    "reversed rows": lambda rows: rows[::-1],
    "two different candles at one time": lambda rows: [*rows[:4], with_cell(rows, 3, 5, "999")[3], *rows[4:]],
    "off the grid": lambda rows: [[int(str(row[0])) + 1, *row[1:]] for row in rows],
    "negative price": lambda rows: with_cell(rows, 2, 3, "-1"),
    "low above high": lambda rows: with_cell(rows, 2, 3, "99999999"),
    "not a number": lambda rows: with_cell(rows, 2, 4, "NaN"),
    "no volume": lambda rows: with_cell(rows, 2, 5, "junk"),
}


@pytest.mark.parametrize("kind", CANDLE_FAULTS)
def test_wrong_candles_are_never_taken_and_right_ones_asked_for_again(
    server: Server, clock: PatientClock, kind: str
) -> None:
    store = MemoryStore()
    repaired = market(server, clock, store)
    server.exchange.candle_hook = hooked_once(CANDLE_FAULTS[kind])
    truth = expected(server, "BTCUSDT", START_MS + 90 * HOUR_MS, 10)
    first = repaired.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert same_bars(first, truth[np.isin(truth.open_ms, first.open_ms)])
    bars = repaired.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert same_bars(bars, truth) and same_bars(store.kept["BTC/USDT", HOUR_MS], truth)


def test_a_candle_that_stays_impossible_is_missing_and_does_not_hide_the_others(
    server: Server, clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(rows: list[Row]) -> list[Row]:
        return [[*row[:3], "-1", *row[4:]] if row[0] == START_MS + 93 * HOUR_MS else row for row in rows]

    spoilt = market(server, clock)
    server.exchange.candle_hook = spoil
    with caplog.at_level(logging.WARNING):
        bars = spoilt.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert ((bars.open_ms - START_MS) // HOUR_MS).tolist() == [90, 91, 92, 94, 95, 96, 97, 98, 99]
    assert "low must be a positive number, was -1.0" in caplog.text


def test_a_gap_is_asked_for_three_times_then_left_out_and_not_asked_for_at_every_bar(
    server: Server, clock: PatientClock
) -> None:
    store = MemoryStore()
    gapped = market(server, clock, store)
    server.exchange.candle_hook = lambda rows: [row for row in rows if row[0] != START_MS + 95 * HOUR_MS]
    for asks in range(1, 4):
        assert len(gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)) == 9
        assert len(server.asked("/klines")) == asks and clock.slept == []
    asked = len(server.asked("/klines"))
    assert len(gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)) == 9
    assert len(server.asked("/klines")) == asked
    server.exchange.candle_hook = None
    clock.advance_ms(HOUR_MS + 5_000)
    bars = gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, START_MS + 100 * HOUR_MS)
    assert len(bars) == 10, "history repaired later is taken"


def test_a_newest_bar_that_is_late_is_asked_for_at_every_wake(server: Server, clock: PatientClock) -> None:
    stale = market(server, clock)
    server.exchange.candle_hook = lambda rows: [row for row in rows if int(str(row[0])) < START_MS + 99 * HOUR_MS]
    for _ in range(2):
        asked = len(server.asked("/klines"))
        assert len(stale.fetch_bars("BTC/USDT", START_MS + 98 * HOUR_MS, NOW_MS)) == 1
        assert len(server.asked("/klines")) > asked
    server.exchange.candle_hook = None
    assert len(stale.fetch_bars("BTC/USDT", START_MS + 98 * HOUR_MS, NOW_MS)) == 2


@pytest.mark.parametrize(
    "rows", [None, {}, [None], [[1, 2]], [[9, None, None, None, None, None]], "text", [[START_MS, "a"] * 3]]
)
def test_answers_of_the_wrong_shape_are_invalid(rows: Any) -> None:
    with pytest.raises(InvalidAnswer):
        candle_rows(rows, HOUR_MS)


def test_ranges_without_bars_are_found_and_joined_for_fewer_requests() -> None:
    bars = wavy_bars(10, HOUR_MS)[np.array([1, 2, 5, 9])]
    ranges = missing_ranges(bars, START_MS - 1, START_MS + 10 * HOUR_MS, HOUR_MS)
    hours = [((first - START_MS) // HOUR_MS, (end - START_MS) // HOUR_MS) for first, end in ranges]
    assert hours == [(0, 1), (3, 5), (6, 9)]
    assert joined_ranges(ranges, 4 * HOUR_MS) == [ranges[0], ranges[1], ranges[2]]
    assert joined_ranges(ranges, 6 * HOUR_MS) == [(ranges[0][0], ranges[1][1]), ranges[2]]
    assert joined_ranges(ranges, 9 * HOUR_MS) == [(ranges[0][0], ranges[2][1])]
    assert same_bars(merged(bars[:2], bars[1:]), bars)
