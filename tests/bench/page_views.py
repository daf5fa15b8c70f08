"""One browser that opens pages of the dashboard and says when each was there."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.dashboard.browser.fleet import FLAGS, find_chromium
from tests.dashboard.local import browser_cookie

_SHOWN = """const shown = kind => [...document.querySelectorAll(kind)].filter(one => one.checkVisibility());
  const charts = shown('.live-chart'), tables = shown('.grid');"""
# The script has ended, what it drew stands there whole, and nothing greyed or half drawn is left of before. What is in
# a closed tab or drawer is drawn when somebody opens it.
READY = f"""([title, leastCharts, leastTables]) => {{
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.getAttribute('data-test-script-state') !== 'notRunning') return false;
  const heading = document.querySelector('[data-testid="stHeading"] h2');
  if (!heading || heading.textContent.trim() !== title) return false;
  if (document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')) return false;
  {_SHOWN}
  return charts.length >= leastCharts && charts.every(chart => chart.querySelector('.main-svg'))
    && tables.length >= leastTables && tables.every(table => table.querySelector('tbody tr'));
}}"""
COUNT = f"""() => {{ {_SHOWN} return [charts.length, tables.length]; }}"""
ERRORS = """() => [...document.querySelectorAll('[data-testid="stAlertContentError"], [data-testid="stException"]')]
                  .map(alert => alert.textContent)"""
GO = """path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate', { state: {} })); }"""
PATIENCE_MS = 60_000
# Playwright listens for exceptions as a debugger does. For each one that plotly throws and catches while it starts, V8
# would then read most of the script again to tell its lines: half a second that nobody waits for who only looks.
UNWATCHED = "--js-flags=--no-enable-lazy-source-positions"
SETTLED_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class View:
    """A page at an address, its title, and what must stand on it: so many charts and tables."""

    name: str
    path: str
    title: str
    charts: int = 0
    tables: int = 0


@dataclass(slots=True)
class Seen:
    """How long a view took to be ready, how long the server ran for it, and what it sent."""

    seconds: float
    server_seconds: float
    kilobytes: float


@dataclass
class Traffic:
    """What goes over a page's websocket: bytes received, when a run was asked for and when it ended."""

    received: int = 0
    asked: float | None = None
    finished: float | None = None

    def watch(self, socket: WebSocket) -> None:
        """Listen in."""
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def start(self) -> None:
        """Count anew."""
        self.received, self.asked, self.finished = 0, None, None

    @property
    def server_seconds(self) -> float:
        """Give the time from the request to the end of the run of the whole page."""
        if self.asked is None or self.finished is None:
            return float("nan")
        return self.finished - self.asked

    def _sent(self, payload: str | bytes) -> None:
        message = BackMsg()
        if isinstance(payload, bytes):
            message.ParseFromString(payload)
        if self.asked is None and message.HasField("rerun_script") and not message.rerun_script.fragment_id:
            self.asked = time.monotonic()

    def _received(self, payload: str | bytes) -> None:
        self.received += len(payload)
        if not isinstance(payload, bytes) or self.asked is None or self.finished is not None:
            return
        message = ForwardMsg.FromString(payload)
        if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY and message.HasField("script_finished"):
            self.finished = time.monotonic()


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self._url = url
        self._traffic = Traffic()
        context.add_cookies([browser_cookie()])
        self.page = context.new_page()
        self.page.on("websocket", self._traffic.watch)

    def open(self, view: View) -> Seen:
        """Type the address in."""
        self._traffic.start()
        began = time.monotonic()
        self.page.goto(f"{self._url}/{view.path}")
        return self._ready(view, began)

    def go(self, view: View) -> Seen:
        """Go to a view within the open session, as the browser's buttons for back and forward do."""
        self._traffic.start()
        began = time.monotonic()
        self.page.evaluate(GO, f"/{view.path}")
        return self._ready(view, began)

    def settled(self, view: View) -> View:
        """Open a view, wait until nothing more comes, and give it with what stands there; raises where it failed."""
        self.open(view)
        time.sleep(SETTLED_SECONDS)
        self.page.wait_for_timeout(100)
        charts, tables = self.page.evaluate(COUNT)
        errors = [error for error in self.page.evaluate(ERRORS) if "worker" not in error.lower()]
        if errors:
            raise RuntimeError(f"view {view.name} must be drawn whole, said {errors[0]!r}")
        return View(view.name, view.path, view.title, charts, tables)

    def _ready(self, view: View, began: float) -> Seen:
        wanted = [view.title, view.charts, view.tables]
        self.page.wait_for_function(READY, arg=wanted, polling="raf", timeout=PATIENCE_MS)
        seconds = time.monotonic() - began
        return Seen(seconds, self._traffic.server_seconds, self._traffic.received / 1024)


@contextlib.contextmanager
def visitor(playwright: Playwright, url: str, profile: Path) -> Iterator[Visitor]:
    """Start a browser on a screen of a usual size and end it; what it keeps is in a folder, empty for a new browser."""
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=find_chromium(), args=[*FLAGS, UNWATCHED], viewport={"width": 1440, "height": 900}
    )
    with contextlib.closing(context):
        # Whoever asks for a page has a browser that runs.
        time.sleep(SETTLED_SECONDS)
        yield Visitor(context, url)
