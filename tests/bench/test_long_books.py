"""Long books are those of a fleet that traded: they sum, they end where the fleet stands, and it goes on."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from shared.clock import ManualClock
from shared.database import open_reader, transaction
from shared.settings import FILE_NAME, load_settings
from tests.bench.long_books import LIVE_BARS, POINTS, fleet_size, hold_books, make_long_books, make_year_books
from tests.bench.pages import count_rows
from tests.live.books_check import find_gaps
from worker.build import make_worker
from worker.store.doctor import examine

ROUND_TRIPS, FILLS, SMALL_POINTS = 300, 3_000, 30_000


class LongBooks:
    """The folder, and rows of its database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engine: Engine = open_reader(load_settings(root / FILE_NAME, {}).database.url, root)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql, parameters)]

    def value(self, sql: str, *parameters: Any) -> Any:
        return self.rows(sql, *parameters)[0][0]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> LongBooks:
    root = tmp_path_factory.mktemp("long")
    make_long_books(root, ROUND_TRIPS, FILLS, SMALL_POINTS)
    return LongBooks(root)


def test_they_are_as_long_as_asked(books: LongBooks) -> None:
    points = books.value("SELECT count(*) FROM equity_point") + books.value("SELECT count(*) FROM equity_recent")
    assert books.value("SELECT count(*) FROM round_trip") >= ROUND_TRIPS
    assert books.value("SELECT count(*) FROM fill") >= FILLS
    assert points >= SMALL_POINTS
    for table in ("order", "decision", "transfer", "allocation_point", "candle", "bar_record", "command", "event"):
        assert books.value(f'SELECT count(*) FROM "{table}"') > 0, table


def test_the_full_size_is_a_large_fleet_over_two_years() -> None:
    size = fleet_size(100_000, 1_000_000, POINTS)
    assert (size.symbols, size.days) == (48, 758)


def test_the_doctor_finds_nothing(books: LongBooks) -> None:
    with transaction(books.engine) as connection:
        findings = examine(connection, 1)
    assert len(findings) > 100
    assert [finding for finding in findings if not finding.holds] == []


def test_lots_and_round_trips_are_those_of_the_fills_and_fills_those_of_orders(books: LongBooks) -> None:
    assert find_gaps(books) == []  # type: ignore[arg-type]


def test_curves_end_where_the_fleet_stands(books: LongBooks) -> None:
    bots = books.rows(
        "SELECT bot_state.equity, recent.equity, bot_state.money_in, recent.money_in FROM bot_state "
        "JOIN equity_recent recent ON recent.scope_kind = 'BOT' AND recent.scope_id = bot_id "
        "WHERE resolution = 'HOUR' AND recent.last_ms = (SELECT market_ms FROM heartbeat)"
    )
    assert len(bots) == books.value("SELECT count(*) FROM bot")
    for equity, marked, money_in, put_in in bots:
        assert (equity, money_in) == (marked, put_in)


def test_curves_have_no_hole_where_the_worker_took_over(books: LongBooks) -> None:
    steps = books.rows(
        "SELECT time_ms, equity, cash, money_in, open_profit FROM equity_point "
        "WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP' ORDER BY time_ms"
    )
    assert {later[0] - earlier[0] for earlier, later in pairwise(steps)} == {3_600_000}
    (before, after) = steps[-LIVE_BARS - 1], steps[-LIVE_BARS]
    for name, old, new in zip(("equity", "cash", "money in"), before[1:4], after[1:4], strict=True):
        assert abs(new / old - 1.0) < 0.03, name


def test_profit_of_every_mark_is_realised_and_open(books: LongBooks) -> None:
    """At each midnight, by what the ledger realised until then and the marks say is open."""
    realised = """SELECT coalesce(sum(profit), 0) FROM round_trip WHERE bot_id = ? AND closed_ms <= ?
                  AND NOT (closed_ms = ? AND exit_reason = 'SIGNAL')"""
    held = """SELECT count(*) FROM round_trip WHERE bot_id = ? AND opened_ms < ? AND closed_ms >= ?"""
    days = books.rows(
        "SELECT scope_id, last_ms, equity - money_in, open_profit FROM equity_point "
        "WHERE scope_kind = 'BOT' AND resolution = 'DAY'"
    )
    checked = 0
    for bot_id, time_ms, profit, open_profit in days:
        if open_profit != 0.0 or books.value(held, bot_id, time_ms, time_ms):
            continue
        assert abs(profit - books.value(realised, bot_id, time_ms, time_ms)) < 1e-6
        checked += 1
    assert checked > 100


def test_decisions_follow_each_other(books: LongBooks) -> None:
    """Each stretch begins a step after the one before, and no two that follow each other are the same."""
    rows = books.rows(
        "SELECT bot_id, from_step, to_step, low, high, confirmed, reason FROM decision UNION ALL "
        "SELECT bot_id, from_step, to_step, low, high, confirmed, reason FROM open_decision ORDER BY bot_id, from_step"
    )
    followed = 0
    for before, after in pairwise(rows):
        if before[0] == after[0]:
            assert after[1] == before[2] + 1
            # A person's command may end a stretch without a change that shows.
            followed += before[3:] != after[3:]
    assert followed > 0.99 * (len(rows) - books.value("SELECT count(*) FROM bot"))


def test_a_worker_goes_on(books: LongBooks, tmp_path: Path) -> None:
    source = open_copy(books.root, tmp_path)
    settings = load_settings(tmp_path / FILE_NAME, {})
    clock = ManualClock(source)
    worker = make_worker(settings, tmp_path, lambda: settings, clock)
    worker.recover(False)
    clock.advance_ms(10_000)
    assert worker.step_due(lambda: False) == 2
    worker.close()
    after = LongBooks(tmp_path)
    assert after.value("SELECT count(*) FROM settings_version") == 1
    with transaction(after.engine) as connection:
        assert [finding for finding in examine(connection, 1) if not finding.holds] == []


def open_copy(root: Path, folder: Path) -> int:
    """Copy a project folder; give the wall time its worker was last heard of."""
    (folder / "state").mkdir()
    for name in (FILE_NAME, "state/flotilla.db"):
        (folder / name).write_bytes((root / name).read_bytes())
    return int(LongBooks(folder).value("SELECT wall_ms FROM heartbeat"))


def test_the_books_of_a_year_are_those_of_the_default_fleet(tmp_path: Path) -> None:
    make_year_books(tmp_path, days=40)
    assert count_rows(tmp_path)["bots"] == 27
    examined, failed = hold_books(tmp_path)
    assert examined > 20
    assert failed == 0
