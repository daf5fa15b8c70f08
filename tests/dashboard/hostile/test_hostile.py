"""The hostile client against a page with people, and against one without a gate, which it must see through."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.passwords import OPERATOR, VIEWER, Account, save_account
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.gate.serving import ANNA, BO, HASHES
from tests.dashboard.hostile import attempts
from tests.dashboard.hostile.attempts import ANYBODY, Attempt, is_alive, raise_open_files
from tests.dashboard.hostile.attempts import VIEWER as BY_VIEWER
from tests.dashboard.hostile.wire import Page

MIB = 2**20


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("hostile") / "project"
    accounts = folder.parent / "project-outside" / "passwords.json"
    save_account(accounts, Account("anna", OPERATOR, HASHES[ANNA]))
    save_account(accounts, Account("bo", VIEWER, HASHES[BO]))
    raise_open_files()
    with running(folder) as dashboard:
        yield dashboard


@pytest.fixture
def page(dashboard: Dashboard) -> Page:
    page = Page("127.0.0.1", dashboard.port, "bo", BO)
    # From an address of its own, so that the tries of one test keep nobody of another waiting.
    page.viewer = page.sign_in(x_forwarded_for="203.0.113.250").cookie(attempts.COOKIE)
    assert page.viewer
    return page


@pytest.mark.slow
@pytest.mark.parametrize("attempt", [*ANYBODY, *BY_VIEWER], ids=lambda attempt: attempt.__name__)
def test_every_door_holds(attempt: Attempt, page: Page, dashboard: Dashboard) -> None:
    assert list(attempt(page)) == []
    assert is_alive(page)
    assert "Traceback" not in dashboard.log


@pytest.mark.slow
def test_a_thousand_hostile_requests_leave_the_page_as_small_as_it_was(page: Page, dashboard: Dashboard) -> None:
    page.ask("/", cookie=page.viewer)
    before = dashboard.resident_bytes()
    for _ in range(10):
        for at in range(20):
            page.ask(attempts.UPLOAD, "PUT", b"x" * MIB, cookie=page.viewer)
            page.ask("/" + "x" * 8_000, x_forwarded_for=f"198.51.{at}.7")
            page.ask("/", cookie="x" * 8_000, user_agent="\x1b[31m" * 500)
            page.ask("/login", "POST", b"name=bo&password=" + b"x" * 1_100, x_forwarded_for="z" * 6_000)
            page.ask("/login?next=" + "y" * 8_000, "POST", b"x" * 50_000)
    grown = dashboard.resident_bytes() - before
    print(f"memory of the page: {before / MIB:.0f} MiB, {grown / MIB:+.1f} MiB after 1,000 requests")
    assert grown < 30 * MIB


@pytest.mark.slow
def test_nobody_rolls_the_records_away(page: Page, dashboard: Dashboard) -> None:
    logs = dashboard.folder / "logs"
    for at in range(200):
        page.ask("/login", "POST", b"name=bo&password=" + b"x" * 20, x_forwarded_for=f"198.51.100.{at}" + "9" * 5_000)
    files = sorted(path.name for path in logs.iterdir())
    assert not [name for name in files if re.search(r"\.\d$", name)], files
    assert sum(path.stat().st_size for path in logs.iterdir()) < 300_000
    longest = max(len(line) for path in logs.iterdir() for line in path.read_text().splitlines())
    assert longest < 1_000


class Locking(BaseHTTPRequestHandler):
    """A page that locks out whoever comes after many tries, or lets everybody wait for its answer."""

    tries, most, seconds = 0, 10, 0.0

    def do_POST(self) -> None:
        type(self).tries += 1
        time.sleep(self.seconds * (self.tries > 1))
        self.send_response(303 if self.tries <= self.most else 429)
        self.send_header("Set-Cookie", "flotilla_browser=x; Path=/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "seconds", "told"), [(10, 0.0, "was refused with 429"), (10_000, 0.1, "took 0.")], ids=["locks", "slow"]
)
def test_a_page_that_locks_out_is_told_from_one_that_is_slow(
    most: int, seconds: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(attempts, "SLOW_TIMES", 0)
    handler = type("Page", (Locking,), {"most": most, "seconds": seconds, "tries": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = Page("127.0.0.1", server.server_address[1], "bo", BO)
        sentences = list(attempts.locks_out_who_signed_in_before(page))
        assert len(sentences) == 1 and told in sentences[0], sentences
    finally:
        server.shutdown()
        server.server_close()


def test_a_page_without_a_gate_is_seen_through() -> None:
    """A server that answers everybody: who reads without signing in must say so."""

    class Open(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self.answer

        def answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Open)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        open_page = Page("127.0.0.1", server.server_address[1], viewer="flotilla_session=x")
        for attempt in (attempts.reads_without_signing_in, attempts.looks_for_other_doors, attempts.asks_for_rubbish):
            assert list(attempt(open_page)), attempt.__name__
        assert list(attempts.comes_from_another_page(open_page))
    finally:
        server.shutdown()
        server.server_close()
