"""Downloads: equal to the database, filtered as asked, in bounded memory, and nobody waits for them."""

import asyncio
import csv
import http.client
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, func, insert, select
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from dashboard.patience import Patience
from dashboard.place import Place
from dashboard.serving.exports import EXPORTS_AT_ONCE, LONGEST_LOG_BYTES, PAUSE_SECONDS, Exports, parse_filters
from dashboard.serving.health import Health, Heard
from shared.clock import ManualClock
from shared.database import open_reader, open_writer, transaction
from shared.enums import Resolution, ScopeKind, Severity
from shared.errors import ConfigurationError
from shared.migrations.upgrade import upgrade
from shared.passwords import VIEWER, Account, save_account
from shared.settings import load_settings
from shared.tables import Event, Fill
from shared.tables.export_filters import Filters
from shared.tables.exports import KINDS, columns, csv_chunks, json_chunks
from shared.units import HOUR_MS
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.gate.serving import BO, HASHES, ask
from tests.store.fleets import START_MS, make_fill, open_books
from worker.store.orders import save_fills

FILLS = 500
MANY = 1_000_000


def seed(folder: Path, fills: int) -> Engine:
    """Make books with so many fills, and one hostile event."""
    url = f"sqlite:///{folder}/state/flotilla.db"
    upgrade(url)
    engine = open_writer(url)
    with transaction(engine) as connection:
        bots = open_books(connection).fleet.bots
        save_fills(connection, 1, [make_fill(bots[at % 9], START_MS + at * HOUR_MS) for at in range(FILLS)])
        event = {"portfolio_id": 1, "time_ms": START_MS, "wall_ms": START_MS, "severity": Severity.INFO.name}
        text = '=1+1,"quoted"\nand <b>broken</b>'
        connection.execute(
            insert(Event),
            {**event, "scope_kind": ScopeKind.PORTFOLIO.name, "scope": "", "kind": "ODD", "message": text},
        )
        own = ", ".join(f'"{column.name}"' for column in Fill.__table__.c if column.name != "id")
        while (count := connection.execute(select(func.count()).select_from(Fill)).scalar_one()) < fills:
            take = min(count, fills - count)
            connection.exec_driver_sql(f"INSERT INTO fill ({own}) SELECT {own} FROM fill LIMIT {take}")
    return engine


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("exports") / "project"
    folder.mkdir()
    seed(folder, FILLS).dispose()
    with running(folder) as dashboard:
        yield dashboard


def expected(dashboard: Dashboard, kind: str, form: str, filters: Filters) -> str:
    engine = open_reader(f"sqlite:///{dashboard.folder}/state/flotilla.db")
    chunks = {"csv": csv_chunks, "json": json_chunks}[form]
    with engine.connect() as connection:
        text = "".join(chunks(connection, kind, 1, filters))
    engine.dispose()
    return text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_download_equals_the_database(dashboard: Dashboard, kind: str, form: str) -> None:
    answer = dashboard.ask(f"/export/{kind}.{form}")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="flotilla-{kind}.{form}"'
    assert answer.headers["content-type"] == {"csv": "text/csv; charset=utf-8", "json": "application/json"}[form]
    assert answer.text == expected(dashboard, kind, form, Filters())
    if form == "csv":
        assert tuple(next(csv.reader(io.StringIO(answer.text)))) == columns(kind)
    if kind == "fills":
        rows = json.loads(answer.text) if form == "json" else list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == FILLS


def test_a_download_takes_the_filters_of_the_page(dashboard: Dashboard) -> None:
    everything = json.loads(dashboard.ask("/export/fills.json").text)
    bots = sorted({row["bot"] for row in everything})[:2]
    start_ms, end_ms = START_MS + 100 * HOUR_MS, START_MS + 300 * HOUR_MS
    query = urlencode([("bot", bots[0]), ("bot", bots[1]), ("from", start_ms), ("to", end_ms), ("symbol", "")])
    answer = dashboard.ask(f"/export/fills.json?{query}")
    wanted = [row for row in everything if row["bot"] in bots and start_ms <= row["time_ms"] < end_ms]
    assert json.loads(answer.text) == wanted
    assert 0 < len(wanted) < len(everything)
    assert answer.headers["content-disposition"] == 'attachment; filename="flotilla-fills-20260105-20260113.json"'


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/export/passwords.csv", 404, "A download is one of fills.csv, orders.csv"),
        ("/export/fills.xlsx", 404, "or the same as .json"),
        ("/export/fills.csv?robots=a", 400, "A filter must be one of from, to, sleeve, bot"),
        ("/export/fills.csv?from=yesterday", 400, "Time must be ISO like 2025-01-31"),
        (
            "/export/fills.csv?from=2026-02-01&to=2026-01-01",
            400,
            "From must be before to 2026-01-01 00:00 UTC, was 2026",
        ),
        ("/export/fills.csv?bot=nobody", 400, "Bot must be one of the 27 of these books, like bo_c0_usdt_1h_p1"),
        ("/export/fills.csv?bot=mr_c0_usdt_1h_p1&bot=nobody", 400, "was 'nobody'"),
        ("/export/events.json?sleeve=nothing", 400, "Sleeve must be one of breakout, mean_reversion, trend_following"),
        ("/export/candles.csv?symbol=C9/USDT", 400, "Symbol must be one of C0/USDT, C1/USDT, C2/USDT, was 'C9/USDT'"),
        ("/export/fills.csv?side=up", 400, "Side must be one of BUY, SELL, was 'UP'"),
        ("/export/round_trips.csv?exit_reason=luck", 400, "Exit reason must be one of SIGNAL, STOP, TRAILING_STOP"),
        ("/export/equity.csv?scope_kind=fleet", 400, "Scope kind must be one of PORTFOLIO, SLEEVE, BOT, was 'FLEET'"),
        ("/export/fills.csv?from=999999999999999", 400, "Time must be at most 221845392000000 ms, was 999999999999999"),
        ("/export/fills.csv?to=-999999999999999", 400, "Time must be ISO"),
        ("/export/fills.csv?to=99999999999999999999", 400, "Time must be ISO"),
        ("/export/fills.csv?to=--123456789012", 400, "Time must be ISO"),
        ("/export/fills.csv?to=%C2%B2%C2%B2%C2%B2%C2%B2%C2%B2%C2%B2%C2%B2%C2%B2%C2%B2", 400, "Time must be ISO"),
        ("/export/equity.csv?resolution=week", 400, "Resolution must be one of step, hour, day, was 'week'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(dashboard: Dashboard, path: str, status: int, sentence: str) -> None:
    answer = dashboard.ask(path)
    assert answer.status == status
    assert sentence in answer.text


def test_filters_are_read_as_they_are_written() -> None:
    query = QueryParams("from=2026-01-01&to=1767312000000&side=buy&sleeve=a&sleeve=b&resolution=day")
    day_ms = 86_400_000
    assert parse_filters(query) == Filters(
        START_MS, START_MS + day_ms, sleeve=("a", "b"), side=("BUY",), resolution=Resolution.DAY
    )
    with pytest.raises(ConfigurationError, match="a filter must be one of"):
        parse_filters(QueryParams("portfolio=other"))


def test_a_name_of_a_filter_is_a_value_and_no_sql(dashboard: Dashboard) -> None:
    query = urlencode({"bot": "x' OR '1'='1"})
    answer = dashboard.ask(f"/export/fills.json?{query}")
    assert (answer.status, "must be one of" in answer.text) == (400, True)


def test_a_refused_name_gives_its_place_back(dashboard: Dashboard) -> None:
    for _ in range(2 * EXPORTS_AT_ONCE):
        assert dashboard.ask("/export/fills.csv?bot=nobody").status == 400
    assert dashboard.ask("/export/fills.csv").status == 200


def test_a_browser_that_leaves_gives_its_place_back(dashboard: Dashboard) -> None:
    for _ in range(3 * EXPORTS_AT_ONCE):
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)
        connection.request("GET", "/export/fills.csv", headers={"Cookie": dashboard.cookie})
        connection.close()
        assert dashboard.ask("/export/fills.csv", "HEAD").status in (200, 503)
    give_up = time.monotonic() + 10
    while dashboard.ask("/export/fills.csv").status != 200:
        assert time.monotonic() < give_up, "the places of browsers that left must be free again"


def head(exports: Exports) -> Response:
    scope = {"type": "http", "method": "HEAD", "query_string": b"", "headers": []}
    return asyncio.run(exports._export(Request({**scope, "path_params": {"kind": "events", "form": "csv"}})))


@pytest.fixture
def long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Exports, Path, list[float]]]:
    """Give the downloads of a project, the log of its database, and the time they go by."""
    seed(tmp_path, FILLS).dispose()
    exports, now = Exports(Place(tmp_path, load_settings(None, {}))), [1_000.0]
    monkeypatch.setattr("dashboard.serving.exports.monotonic", lambda: now[0])
    log = tmp_path / "state" / "flotilla.db-wal"
    # Sparse, and without a header SQLite takes it for empty.
    log.touch()
    yield exports, log, now
    exports.close()


@pytest.mark.parametrize(("log_bytes", "places"), [(LONGEST_LOG_BYTES, EXPORTS_AT_ONCE), (LONGEST_LOG_BYTES + 1, 1)])
def test_where_the_log_is_long_one_download_runs_at_a_time(long_log, log_bytes: int, places: int) -> None:
    exports, log, now = long_log
    os.truncate(log, log_bytes)
    assert [exports._admitted() for _ in range(EXPORTS_AT_ONCE + 1)].count(True) == places
    refused = head(exports)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    for _ in range(places):
        exports._leave(has_streamed=True)
    os.truncate(log, log_bytes)
    assert head(exports).status_code == (503 if places == 1 else 200), "between two the worker has a moment"
    now[0] += PAUSE_SECONDS
    os.truncate(log, log_bytes)
    assert head(exports).status_code == 200, "one that has ended gives its place back"


def test_only_what_was_streamed_is_followed_by_a_pause(long_log) -> None:
    exports, log, now = long_log
    for _ in range(2):
        os.truncate(log, LONGEST_LOG_BYTES + 1)
        assert head(exports).status_code == 200, "a head alone takes no time"
    os.truncate(log, LONGEST_LOG_BYTES + 1)
    assert exports._admitted()
    assert list(exports._chunks("events", "csv", Filters()))
    os.truncate(log, LONGEST_LOG_BYTES + 1)
    assert head(exports).status_code == 503
    now[0] += PAUSE_SECONDS
    os.truncate(log, LONGEST_LOG_BYTES + 1)
    assert head(exports).status_code == 200


def test_health_knows_the_books(dashboard: Dashboard) -> None:
    said = json.loads(dashboard.ask("/healthz").text)
    assert said["ok"] is True
    assert set(said) == {"ok", "database_age_seconds", "clock"}


def test_health_says_within_its_patience_that_the_books_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    health, go = Health(Place(tmp_path, load_settings(None, {})), ManualClock(START_MS)), threading.Event()
    monkeypatch.setattr(health, "_patience", Patience(seconds=0.1))
    monkeypatch.setattr(health, "_last_heard", lambda: go.wait(60))
    try:
        answer = asyncio.run(health._answer(Request({"type": "http"})))
    finally:
        go.set()
    assert (answer.status_code, json.loads(bytes(answer.body))["ok"]) == (503, False)


def test_health_says_that_the_clock_was_set_back_and_gives_no_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(START_MS)
    health = Health(Place(tmp_path, load_settings(None, {})), clock)
    heard = Heard(wall_ms=START_MS - 9_000, lease_renewed_ms=START_MS - 4_000, ahead_ms=0)
    monkeypatch.setattr(health, "_last_heard", lambda: heard)

    def said() -> dict:
        return json.loads(bytes(asyncio.run(health._answer(Request({"type": "http"}))).body))

    assert said() == {"ok": True, "database_age_seconds": 4.0, "clock": None}
    clock.set_wall_ms(START_MS - 3_600_000)
    assert said()["database_age_seconds"] is None
    assert said()["clock"] == "this machine's clock was set back by at least 60 min"


@pytest.mark.slow
def test_a_million_rows_stream_in_bounded_memory_and_nobody_waits(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    save_account(tmp_path / "project-outside" / "passwords.json", Account("bo", VIEWER, HASHES[BO]))
    seed(folder, MANY).dispose()
    with running(folder) as dashboard:
        cookie = ask(dashboard.port, "/login", "POST", {"name": "bo", "password": BO}).cookie
        ask(dashboard.port, "/export/events.csv", cookie=cookie)
        before = dashboard.resident_bytes()
        waits: list[float] = []
        done = threading.Event()

        def look() -> None:
            while not done.wait(0.05):
                began = time.monotonic()
                ask(dashboard.port, "/login", cookie=cookie)
                waits.append(time.monotonic() - began)

        looking = threading.Thread(target=look)
        looking.start()
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=120)
        connection.request("GET", "/export/fills.csv", headers={"Cookie": cookie})
        answer = connection.getresponse()
        rows = 0
        while chunk := answer.read(1 << 20):
            rows += chunk.count(b"\n")
        connection.close()
        done.set()
        looking.join()
        assert rows == MANY + 1
        grown = dashboard.resident_bytes(most=True) - before
        assert grown < 200e6, f"a million rows took {grown / 1e6:.0f} MB"
        assert len(waits) > 20
        # Nobody waits for the export to end, which takes many times as long on any machine.
        assert sorted(waits)[int(len(waits) * 0.95)] < 5.0, max(waits)
