"""What hangs cannot say so: a page that is no longer drawn anew, and a database that neither answers nor fails."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.database import open_reader
from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, page_process
from tests.dashboard.browser.pages import open_page
from tests.dashboard.queries.copies import copied
from tests.dashboard.views.books import make
from tests.store.conftest import postgresql_server  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HANGS = "the database must answer within 5 s, did not: it hangs"
# It is said after 10 s, and gone with the next refresh.
SAID_MS, GONE_MS = 30_000, 20_000


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make("seeded", tmp_path / "books")


def stale(page: Page) -> object:
    return page.get_by_role("alert").filter(has_text="This page stands still")


def test_a_page_that_is_no_longer_drawn_says_so_itself(books: Path, tab: OpenBrowser) -> None:
    port = free_port()
    with page_process(books, port) as process:
        page = tab()
        open_page(page, f"http://127.0.0.1:{port}")
        # Longer than it waits: it is drawn anew all the time.
        page.wait_for_timeout(12_000)
        expect(stale(page)).to_have_count(0)
        process.send_signal(signal.SIGSTOP)
        expect(stale(page)).to_be_visible(timeout=SAID_MS)
        faded = "element => Number(getComputedStyle(element).opacity)"
        assert page.get_by_test_id("stMetric").first.evaluate(faded) < 0.5
        process.send_signal(signal.SIGCONT)
        expect(stale(page)).to_have_count(0, timeout=GONE_MS)
        assert page.get_by_test_id("stMetric").first.evaluate(faded) == 1.0


@pytest.fixture
def server(postgresql_server: str) -> Iterator[str]:  # noqa: F811 - the fixture
    yield postgresql_server
    for process in server_processes(postgresql_server):
        os.kill(process, signal.SIGCONT)


def server_processes(rest: str) -> list[int]:
    """Give the server's process and those of its sessions."""
    folder = Path(rest.partition("host=")[2].partition("&")[0])
    first = int((folder / "cluster" / "postmaster.pid").read_text().split()[0])
    own = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _parent(path) == first]
    return [first, *own]


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.postgres
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_database_that_hangs_is_said_and_the_worker_can_be_stopped(
    books: Path, server: str, tab: OpenBrowser
) -> None:
    engine = open_reader(f"sqlite:///{books / seeding.FILE}")
    with engine.connect() as connection:
        url = copied(connection, server, "hanging")
    engine.dispose()
    (books / "flotilla.toml").write_text(f'[database]\nurl = "{url}"\n')
    port = free_port()
    with page_process(books, port):
        before, fresh = tab(), tab()
        open_page(before, f"http://127.0.0.1:{port}")
        expect(before.get_by_test_id("stMetric").first).to_be_visible()
        for process in server_processes(server):
            os.kill(process, signal.SIGSTOP)
        expect(before.get_by_text(HANGS).first).to_be_visible(timeout=SAID_MS)
        # The page itself is drawn anew all the time, to say so.
        before.wait_for_timeout(12_000)
        expect(stale(before)).to_have_count(0)
        fresh.goto(f"http://127.0.0.1:{port}/control")
        expect(fresh.get_by_text(HANGS).first).to_be_visible(timeout=SAID_MS)
        fresh.locator(".st-key-kill button").click()
        expect(fresh.get_by_role("dialog").get_by_text("supervisor must answer")).to_be_visible(timeout=SAID_MS)
        for process in server_processes(server):
            os.kill(process, signal.SIGCONT)
        expect(before.get_by_text(HANGS)).to_have_count(0, timeout=GONE_MS)
        expect(before.get_by_test_id("stMetric").first).to_be_visible()
