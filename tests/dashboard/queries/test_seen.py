"""What a strategy saw, told from the books: as recorded, or not at all."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.bot import load_candles
from dashboard.queries.seen import NO_CANDLES, OTHER_BAND, load_lines, load_seen_at
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, ID
from tests.dashboard.queries.conftest import connected
from worker.strategies import registry
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.sentences import SAYS

CHANNEL_BOT = "bo_eth_usdt_1h_p2"  # 60 bars
NOON_MS = BEGIN_MS + 8 * DAY_MS + 12 * HOUR_MS


def saw(books: seeding.Books, time_ms: int = NOON_MS, bot: str = CHANNEL_BOT) -> list[str]:
    return next(load_seen_at(connection, ID, bot, time_ms)["saw"].tolist() for connection in connected(books))


@pytest.mark.slow
def test_what_every_bot_saw_at_every_time_fits_the_band_that_was_recorded(connection: Connection) -> None:
    told = set()
    names = connection.exec_driver_sql("SELECT name FROM bot ORDER BY id").scalars().all()
    for place, name in enumerate(names):
        # From the very first step on: the bars before it are kept, too.
        for time_ms in range(BEGIN_MS + place * HOUR_MS, BEGIN_MS + 12 * DAY_MS, 31 * HOUR_MS):
            for row in load_seen_at(connection, ID, name, time_ms).to_dict("records"):
                assert row["saw"].endswith(f": {SAYS[row['low'], row['high']]}."), (name, time_ms)
                told.add((row["low"], row["high"]))
    assert len(told) == 5


def test_the_numbers_are_those_of_the_candles(connection: Connection) -> None:
    candles = load_candles(connection, ID, CHANNEL_BOT, NOON_MS - 61 * HOUR_MS, NOON_MS)
    before, last = candles.iloc[-61:-1], candles.iloc[-1]
    said = load_seen_at(connection, ID, CHANNEL_BOT, NOON_MS)["saw"].iloc[0]
    assert said.startswith(f"Close {last['close']:,.2f} ")
    assert f"the 60-bar channel {before['low'].min():,.2f} to {before['high'].max():,.2f}" in said


def test_where_a_bar_is_missing_the_last_one_is_told() -> None:
    missing_ms = BEGIN_MS + seeding.MISSING_BAR * HOUR_MS
    bar, next_bar = saw(seeding.seeded(), missing_ms + HOUR_MS)
    assert bar == saw(seeding.seeded(), missing_ms)[0] != next_bar


def test_candles_that_do_not_give_the_recorded_band_tell_nothing(tmp_path: Path) -> None:
    books = seeding.seeded(tmp_path / "other")
    # The bar that had closed at noon.
    books.write("UPDATE candle SET close = 9e5 WHERE symbol = 'ETH/USDT' AND open_ms = ?", NOON_MS - HOUR_MS)
    assert saw(books)[0] == OTHER_BAND
    books = seeding.seeded(tmp_path / "short")
    books.write("DELETE FROM candle WHERE open_ms < ?", NOON_MS - 20 * HOUR_MS)
    assert saw(books) == [OTHER_BAND] * 2
    books.write("DELETE FROM candle")
    assert saw(books) == [NO_CANDLES] * 2


@pytest.mark.slow
def test_a_strategy_of_another_channel_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    own = registry.STRATEGIES["breakout"]

    def upside_down(bars: Bars, window_bars: int) -> Bands:
        said = own.rule(bars, window_bars)
        return replace(said, low=-said.high, high=-said.low)

    times = range(BEGIN_MS + 2 * DAY_MS, BEGIN_MS + 12 * DAY_MS, 7 * HOUR_MS)
    honest = [saw(seeding.seeded(), time_ms)[0] for time_ms in times]
    monkeypatch.setitem(registry.STRATEGIES, "breakout", replace(own, rule=upside_down))
    sabotaged = [saw(seeding.seeded(), time_ms)[0] for time_ms in times]
    for before, after in zip(honest, sabotaged, strict=True):
        assert after == (before if before.endswith(": no opinion, keep what you have.") else OTHER_BAND)
    assert OTHER_BAND in sabotaged


def test_a_strategy_that_fails_or_is_gone_takes_no_page_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(bars: Bars, window_bars: int) -> Bands:
        raise ZeroDivisionError("no bars at all")

    own = registry.STRATEGIES["breakout"]
    monkeypatch.setitem(registry.STRATEGIES, "breakout", replace(own, rule=broken))
    with caplog.at_level(logging.ERROR):
        assert saw(seeding.seeded())[0] == ("What it saw is not known: its strategy breakout fails on these candles.")
        assert next(len(load_lines(connection, ID, CHANNEL_BOT)) for connection in connected(seeding.seeded())) == 0
    assert "no bars at all" in caplog.text
    monkeypatch.delitem(registry.STRATEGIES, "breakout")
    assert saw(seeding.seeded())[0] == "What it saw is not known: its strategy is not among those that can be run."


def test_lines_are_what_the_sentence_names_whatever_is_merged(connection: Connection) -> None:
    start_ms = BEGIN_MS + 3 * DAY_MS
    whole = load_lines(connection, ID, CHANNEL_BOT, start_ms, NOON_MS)
    assert list(whole["line"].unique()) == ["channel_high", "channel_low", "exit_high", "exit_low"]
    assert not whole["price"].isna().any()
    assert len(whole) == 4 * len(load_candles(connection, ID, CHANNEL_BOT, start_ms, NOON_MS))
    last = whole[whole["time_ms"] == NOON_MS - HOUR_MS].set_index("line")["price"]
    said = load_seen_at(connection, ID, CHANNEL_BOT, NOON_MS)["saw"].iloc[0]
    assert f"{last['channel_low']:,.2f} to {last['channel_high']:,.2f}" in said
    few = load_lines(connection, ID, CHANNEL_BOT, start_ms, NOON_MS, 20)
    candles = load_candles(connection, ID, CHANNEL_BOT, start_ms, NOON_MS, 20)
    ends = (candles["open_ms"] + candles["timeframe_ms"] - HOUR_MS).to_numpy()
    high = whole[whole["line"] == "channel_high"].set_index("time_ms")["price"]
    merged = few[few["line"] == "channel_high"]
    assert np.array_equal(merged["time_ms"], candles["open_ms"])
    assert merged["price"].tolist() == [high[min(end, NOON_MS - HOUR_MS)] for end in ends]
