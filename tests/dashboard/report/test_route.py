"""GET /report.html: the file, its headers, sentences for what makes no sense, and nobody waits for it."""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from dashboard.report.route import REPORTS_AT_ONCE
from shared.passwords import VIEWER, Account, save_account
from tests.dashboard import seeding
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.gate.serving import BO, HASHES, ask
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, SLEEVE
from tests.dashboard.report.reading import Read
from tests.dashboard.views.books import SETTINGS_FILE

PATH = "/report.html"


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("report") / "project"
    seeding.seeded(folder)
    (folder / "flotilla.toml").write_text(SETTINGS_FILE)
    with running(folder) as dashboard:
        yield dashboard


def without_library(text: str) -> str:
    """Leave out plotly's script, the longest there is."""
    before, _, rest = text.partition("<script>/**")
    return f"{before}<script>{rest[rest.index('</script>') :]}"


def test_it_is_a_file_of_the_selection_asked_for(dashboard: Dashboard) -> None:
    query = urlencode([("from", "2026-01-03T05:00"), ("to", "2026-01-09"), ("sleeve", SLEEVE), ("side", "buy")])
    answer = dashboard.ask(f"{PATH}?{query}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="flotilla-report-20260103-20260109.html"'
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.text.encode()) > 4_000_000
    report = Read(without_library(answer.text))
    assert f"Sleeve {SLEEVE}" in report.words
    assert "2026-01-03 00:00 UTC to 2026-01-09 00:00 UTC · 6 days" in report.words
    assert "Round trips are those that were long." in report.words


def test_a_head_makes_no_report(dashboard: Dashboard) -> None:
    answer = dashboard.ask(PATH, "HEAD")
    assert answer.status == 200 and answer.text == ""
    assert answer.headers["content-disposition"] == 'attachment; filename="flotilla-report.html"'
    assert dashboard.ask(f"{PATH}?bot=nobody", "HEAD").status == 400


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("robots=a", "A filter must be one of from, to, sleeve, bot"),
        ("from=yesterday", "Time must be ISO like 2025-01-31"),
        ("from=2026-01-05&to=2026-01-03", "rom must be before to 2026-01-03"),
        ("from=99999999999999999", "Time must be ISO like"),
        ("from=-86400000", "must be"),
        ("bot=nobody", "Bot must be one of"),
        ("sleeve=none", "Sleeve must be one of breakout, mean_reversion, trend_following, was 'none'"),
        ("side=up", "Side must be one of BUY, SELL"),
        ("scope_kind=bot", "Scope_kind is for downloads"),
        (f"bot={BOT}&symbol=BTC/USDT", "must name some bot together"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(dashboard: Dashboard, query: str, sentence: str) -> None:
    answer = dashboard.ask(f"{PATH}?{query}")
    assert answer.status == 400
    assert sentence in answer.text and "\n" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_other_methods_are_refused(dashboard: Dashboard) -> None:
    assert dashboard.ask(PATH, "POST").status in (403, 405)


def test_a_name_is_a_value_and_no_sql(dashboard: Dashboard) -> None:
    answer = dashboard.ask(f"{PATH}?{urlencode({'bot': seeding.HOSTILE})}")
    assert answer.status == 400 and answer.headers["x-content-type-options"] == "nosniff"


def test_places_are_few_and_those_of_browsers_that_left_are_free_again(dashboard: Dashboard) -> None:
    left = []
    for _ in range(4 * REPORTS_AT_ONCE):
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)
        connection.request("GET", PATH, headers={"Cookie": dashboard.cookie})
        left.append(connection)
    statuses = [connection.getresponse().status for connection in left]
    assert set(statuses) <= {200, 503} and 503 in statuses and 200 in statuses
    for connection in left:
        connection.close()
    give_up = time.monotonic() + 20
    while dashboard.ask(PATH, "HEAD").status != 200 or dashboard.ask(PATH).status != 200:
        assert time.monotonic() < give_up, "the places of browsers that left must be free again"
        time.sleep(0.1)


def test_without_books_it_is_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path / "project") as dashboard:
        answer = dashboard.ask(PATH)
        assert answer.status == 503 and answer.text.count("\n") == 0 and "database" in answer.text.lower()


@pytest.mark.slow
def test_the_gate_stands_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    seeding.seeded(folder)
    (folder / "flotilla.toml").write_text(SETTINGS_FILE)
    save_account(tmp_path / "project-outside" / "passwords.json", Account("bo", VIEWER, HASHES[BO]))
    with running(folder) as dashboard:
        assert ask(dashboard.port, PATH).status == 401
        assert ask(dashboard.port, PATH, accept="text/html").status == 303
        cookie = ask(dashboard.port, "/login", "POST", {"name": "bo", "password": BO}).cookie
        assert ask(dashboard.port, PATH, cookie=cookie).status == 200


@pytest.mark.slow
def test_nobody_waits_for_a_report(dashboard: Dashboard) -> None:
    waits: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            began = time.monotonic()
            ask(dashboard.port, "/healthz")
            waits.append(time.monotonic() - began)

    looking = threading.Thread(target=look)
    looking.start()
    began = time.monotonic()
    for _ in range(5):
        assert dashboard.ask(f"{PATH}?from={BEGIN_MS}").status == 200
    took = time.monotonic() - began
    done.set()
    looking.join()
    assert len(waits) > 20
    # Requests are answered while reports are made, not after them.
    assert sorted(waits)[int(len(waits) * 0.95)] < took / 5, max(waits)
