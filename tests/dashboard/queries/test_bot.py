"""One bot: its line of protection, its candles, its decisions."""

from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame
from pandas.testing import assert_frame_equal
from sqlalchemy import Connection

from dashboard.queries.bot import load_bot, load_bot_fills, load_candles, load_protection
from dashboard.queries.bots import load_bots
from dashboard.queries.decisions import load_bar_records, load_decision_at, load_decisions, load_reason_counts
from dashboard.queries.filters import Filters
from dashboard.queries.overview import load_overview
from dashboard.queries.positions import load_positions
from dashboard.queries.protection import protective_path
from shared.units import HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID
from tests.dashboard.queries.conftest import connected

SLIPPAGE = 0.0005


def names(connection: Connection) -> list[str]:
    return list(connection.exec_driver_sql("SELECT name FROM bot ORDER BY id").scalars())


def test_positions_end_at_the_level_the_line_was_at(connection: Connection) -> None:
    checked = 0
    for name in names(connection):
        fills, line = load_bot_fills(connection, ID, name), load_protection(connection, ID, name)
        candles = load_candles(connection, ID, name).set_index("open_ms")
        for fill in fills[fills["trigger"].isin(["STOP", "TRAILING_STOP"])].to_dict("records"):
            # A protective exit has the time of its bar's close.
            bar_ms = fill["time_ms"] - HOUR_MS
            level = line.loc[line["time_ms"] == bar_ms, "exit_level"].iloc[0]
            opened, sold = candles.loc[bar_ms, "open"], fill["quantity"] < 0.0
            reached = min(level, opened) if sold else max(level, opened)
            assert fill["price"] == pytest.approx(reached * (1.0 - SLIPPAGE if sold else 1.0 + SLIPPAGE), rel=1e-9)
            checked += 1
    assert checked > 10


def test_open_positions_are_protected_where_the_worker_says(connection: Connection) -> None:
    kept = dict(connection.exec_driver_sql("SELECT name, exit_level FROM bot_state JOIN bot ON bot.id = bot_id").all())
    held = load_positions(connection, ID)
    assert len(held)
    checked = 0
    for row in held.to_dict("records"):
        line = load_protection(connection, ID, row["bot"])
        if kept[row["bot"]] > 0.0:
            assert line["exit_level"].iloc[-1] == pytest.approx(kept[row["bot"]], rel=1e-9)
            checked += 1
        # The running bar is held against a level no further away than that, and never beyond what was seen.
        sign = 1.0 if row["side"] == "LONG" else -1.0
        assert sign * row["exit_level"] >= sign * kept[row["bot"]] or kept[row["bot"]] == 0.0
        assert row["distance_fraction"] == pytest.approx(sign * (row["close"] - row["exit_level"]) / row["close"])
        assert row["risk"] == pytest.approx(max(row["quantity"] * (row["close"] - row["exit_level"]), 0.0))
    assert checked


NO_EXIT_YET = 0.0


@pytest.mark.parametrize(
    ("stop_fraction", "best_price", "exit_level", "is_trailed", "expected"),
    [
        (0.08, 100.0, 95.0, 0, False),  # the stop of an entry price that has moved since
        (0.08, 100.0, 95.0, 1, True),
        (0.08, 100.0, 90.0, 1, False),  # the stop of now is nearer
        (0.08, 100.0, NO_EXIT_YET, 1, False),  # what an earlier position left
        (0.08, 200.0, 95.0, 0, True),  # the trailing stop of now is nearer
        (0.0, 200.0, NO_EXIT_YET, 0, True),
        (0.0, 100.0, 95.0, 0, False),
        (0.0, 100.0, NO_EXIT_YET, 0, False),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_the_stop_that_rules_is_the_one_the_worker_kept_but_for_a_nearer_one(
    folder: Path,
    stop_fraction: float,
    best_price: float,
    exit_level: float,
    is_trailed: int,
    expected: bool,
    direction: int,
) -> None:
    def mirrored(price: float) -> float:
        # By the distance from 100; a short has no price 200 below it, but one that is as good.
        return max(100.0 + direction * (price - 100.0), 1.0) if price else price

    books = seeding.seeded(folder)
    ((bot_id,),) = [row for connection in connected(books) for row in connection.exec_driver_sql(
        "SELECT bot_id FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?", (BOT,))]  # fmt: skip
    books.write(
        "UPDATE bot_state SET units = ?, quantity = ?, entry_price = 100.0, stop_fraction = ?, best_price = ?, "
        "exit_level = ?, is_trailed = ? WHERE bot_id = ?",
        *(direction * 10**9, direction * 10.0, stop_fraction, mirrored(best_price)),
        *(mirrored(exit_level), is_trailed, bot_id),
    )
    for connection in connected(books):
        held = load_positions(connection, ID, Filters(bots=(BOT,)))
        assert held["is_trailing"].tolist() == [expected]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "min_units"),
    [
        ("quantity = quantity * 1.001", 1),  # floats decide nothing
        ("units = units - (CASE WHEN units > 0 THEN 1 ELSE -1 END)", 1000),  # what is left is dust
    ],
)
def test_positions_of_the_past_end_where_less_units_are_held_than_can_be_traded(
    connection: Connection, folder: Path, changes: str, min_units: int
) -> None:
    books = seeding.seeded(folder)
    books.write(f"UPDATE fill SET {changes} WHERE leg = 'CLOSE'")
    books.write("UPDATE market_state SET min_units = ?", min_units)
    for changed in connected(books):
        found = 0
        for name in names(connection):
            before = load_protection(connection, ID, name)
            assert_frame_equal(load_protection(changed, ID, name), before)
            found += before["position"].nunique()
        assert found > 10


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_the_line_never_moves_away(direction: float) -> None:
    # Entered at 100, runs 10 % in favour, comes back.
    favour = np.array([101.0, 105.0, 110.0, 104.0, 102.0])
    high = favour if direction > 0.0 else 200.0 - favour + 1.0
    low = favour - 1.0 if direction > 0.0 else 200.0 - favour
    bars = DataFrame({"open_ms": np.arange(5) * HOUR_MS, "high": high, "low": low})
    entries = DataFrame({"time_ms": [0], "quantity": [direction], "price": [100.0]})
    path = protective_path(bars, entries, direction, 0.08, {"trail_activate": 0.03, "trail_giveback": 0.4})
    level = direction * (path["exit_level"].to_numpy() - 100.0)
    # Known before each bar: nothing, +1, +5 (armed), +10, +10.
    assert level == pytest.approx([-8.0, -8.0, 3.0, 6.0, 6.0])
    assert np.isnan(path["trailing_price"].to_numpy()[:2]).all()
    assert path["stop_price"].tolist() == pytest.approx([100.0 - direction * 8.0] * 5)


def test_no_stop_and_no_trailing_is_no_line() -> None:
    bars = DataFrame({"open_ms": [0, HOUR_MS], "high": [101.0, 150.0], "low": [99.0, 100.0]})
    entries = DataFrame({"time_ms": [0], "quantity": [1.0], "price": [100.0]})
    assert protective_path(bars, entries, 1.0, 0.0, {})["exit_level"].isna().all()


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_the_target_is_the_next_rung_that_was_not_reached(direction: float) -> None:
    best = np.array([100.0, 103.0, 104.0, 112.0, 100.0])
    ahead, behind = ("high", "low") if direction > 0.0 else ("low", "high")
    reached = 100.0 + direction * (best - 100.0)
    bars = DataFrame({"open_ms": np.arange(5) * HOUR_MS, ahead: reached, behind: [100.0] * 5})
    entries = DataFrame({"time_ms": [0], "quantity": [direction], "price": [100.0]})
    path = protective_path(bars, entries, direction, 0.08, {"ladder": [[0.1, 0.5], [0.04, 0.5]]})
    rungs = direction * (path["target_price"].to_numpy() - 100.0)
    assert rungs == pytest.approx([4.0, 4.0, 4.0, 10.0, np.nan], nan_ok=True)


def test_merged_candles_keep_the_extremes(connection: Connection) -> None:
    bars = load_candles(connection, ID, BOT, BEGIN_MS, max_bars=10_000)
    few = load_candles(connection, ID, BOT, BEGIN_MS, None, 50)
    assert len(bars) > 200 and 10 < len(few) <= 50
    assert few["high"].max() == bars["high"].max() and few["low"].min() == bars["low"].min()
    assert few["open"].iloc[0] == bars["open"].iloc[0] and few["close"].iloc[-1] == bars["close"].iloc[-1]
    assert few["volume"].sum() == pytest.approx(bars["volume"].sum())
    assert (few["timeframe_ms"] % HOUR_MS == 0).all() and (few["timeframe_ms"] > HOUR_MS).all()
    assert (bars["timeframe_ms"] == HOUR_MS).all()
    for most in (2, 3, 7, 40, len(bars) - 1):
        for later in (0, HOUR_MS, 7 * HOUR_MS):
            some = load_candles(connection, ID, BOT, BEGIN_MS + later, BEGIN_MS + 200 * HOUR_MS, most)
            assert most / 2 - 1 <= len(some) <= most and some["open_ms"].is_monotonic_increasing
            kept = bars[(bars["open_ms"] >= BEGIN_MS + later) & (bars["open_ms"] < BEGIN_MS + 200 * HOUR_MS)]
            slots = kept.groupby(kept["open_ms"] // some["timeframe_ms"].iloc[0])
            for name, how in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
                assert some[name].tolist() == slots[name].agg(how).tolist()


def test_a_bot_is_the_row_of_the_table_and_more(connection: Connection) -> None:
    row, table = load_bot(connection, ID, BOT), load_bots(connection, ID).set_index("bot")
    assert row is not None
    assert row["profit"] == table.loc[BOT, "profit"]
    assert row["parameters"] == [20.0, 2.0] and row["stop_fraction"] >= 0.0
    assert load_bot(connection, ID, "nobody") is None


def test_stretches_join_from_the_first_step_to_the_last(connection: Connection) -> None:
    overview = load_overview(connection, ID)
    assert overview is not None
    for name in names(connection)[:5]:
        stretches = load_decisions(connection, ID, name)
        assert stretches["from_step"].iloc[0] == 1 and stretches["to_step"].iloc[-1] == overview.step
        assert (stretches["from_step"].iloc[1:].to_numpy() == stretches["to_step"].iloc[:-1].to_numpy() + 1).all()
        assert stretches["is_open"].tolist() == [0] * (len(stretches) - 1) + [1]
        assert (stretches["until_ms"] == stretches["to_ms"] + HOUR_MS).all()


def test_a_time_finds_what_was_decided_then(connection: Connection) -> None:
    time_ms = BEGIN_MS + 100 * HOUR_MS
    for name in names(connection):
        closed, running = load_decision_at(connection, ID, name, time_ms + 1_800_000).to_dict("records")
        assert (closed["asked"], running["asked"]) == ("CLOSED_BAR", "OPEN_BAR")
        assert (closed["bar_open_ms"], running["bar_open_ms"]) == (time_ms - HOUR_MS, time_ms)
        for row in (closed, running):
            assert row["from_ms"] <= row["bar_open_ms"] <= row["to_ms"]
        if "_eth_" in name:
            assert running["reason"] == "STALE", "the bar that never came"
    assert load_decision_at(connection, ID, BOT, BEGIN_MS - 10 * HOUR_MS).empty


def counted(connection: Connection, start_ms: int = 0, end_ms: int = 2**62) -> dict[str, int]:
    """Count the reasons of a bot's steps bar by bar, from the stretches of all time."""
    counts: dict[str, int] = {}
    for row in load_decisions(connection, ID, BOT).to_dict("records"):
        for open_ms in range(row["from_ms"], row["to_ms"] + 1, HOUR_MS):
            if start_ms <= open_ms < end_ms:
                counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    return counts


def test_reasons_of_a_period_are_those_of_its_steps(connection: Connection) -> None:
    start_ms, end_ms = BEGIN_MS + 31 * HOUR_MS, BEGIN_MS + 172 * HOUR_MS + 1
    counts = load_reason_counts(connection, ID, Filters(start_ms, end_ms, bots=(BOT,))).set_index("reason")["steps"]
    wanted = counted(connection, start_ms, end_ms)
    assert counts.to_dict() == wanted
    assert sum(wanted.values()) == 142
    within = load_decisions(connection, ID, BOT, start_ms, end_ms)
    assert within["from_ms"].iloc[0] <= start_ms <= within["to_ms"].iloc[0]
    assert set(within["reason"]) == set(wanted)


def test_reasons_of_all_time_are_those_of_every_step(connection: Connection) -> None:
    counts = load_reason_counts(connection, ID, Filters(bots=(BOT,))).set_index("reason")
    assert counts["steps"].to_dict() == counted(connection)
    since = load_reason_counts(connection, ID, Filters(start_ms=0, bots=(BOT,))).set_index("reason")
    assert counts["ordered"].to_dict() == since["ordered"].to_dict()
    assert counts["ordered"].sum() > 0


def test_the_bar_that_never_came_is_shown(connection: Connection) -> None:
    (row,) = load_bar_records(connection, ID).to_dict("records")
    assert (row["symbol"], row["status"]) == (seeding.MISSING_SYMBOL, "MISSING")
    assert row["open_ms"] == BEGIN_MS + seeding.MISSING_BAR * HOUR_MS
