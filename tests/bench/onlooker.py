"""A real browser on Overview: how far its screen is behind the books, and how large its heap is."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from shared.database import sqlite_module
from tests.bench.processes import MIB
from tests.dashboard.browser.fleet import launch
from tests.dashboard.local import browser_cookie

# What stands under a panel with the age of its data; elsewhere the page says when the last step was.
_STEP = re.compile(r"· step ([\d,]+)")
_READY_MS = 120_000


class Onlooker:
    """Chromium with one page open."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Performance.enable")

    def wait(self, seconds: float) -> None:
        """Let time pass while the browser goes on."""
        self._page.wait_for_timeout(1000.0 * seconds)

    def steps_behind(self, root: Path) -> int:
        """Give how many steps the books are ahead of what the screen says under its tiles."""
        shown = _STEP.search(self._page.get_by_text(_STEP).first.inner_text())
        if shown is None:
            raise RuntimeError("the page must say which step it shows, did not")
        with closing(sqlite_module().connect(f"file:{root}/state/flotilla.db?mode=ro", uri=True)) as connection:
            step = connection.execute("SELECT step FROM heartbeat").fetchone()[0]
        return int(step) - int(shown.group(1).replace(",", ""))

    def heap_mib(self) -> float:
        """Give the size of what its scripts hold on to, after what they let go of has been collected."""
        self._tools.send("HeapProfiler.collectGarbage")
        found = self._tools.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in found if one["name"] == "JSHeapUsedSize")) / MIB


@contextlib.contextmanager
def looking_on(url: str) -> Iterator[Onlooker]:
    """Open Overview in Chromium and wait until its charts stand there; skips where there is no Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            pytest.skip("needs Chromium")
        with browser, browser.new_context(viewport={"width": 1440, "height": 900}) as context:
            context.add_cookies([browser_cookie()])
            page = context.new_page()
            page.goto(url, timeout=_READY_MS)
            page.wait_for_selector(".live-chart .main-svg", timeout=_READY_MS)
            page.get_by_text(_STEP).first.wait_for(timeout=_READY_MS)
            yield Onlooker(page)
