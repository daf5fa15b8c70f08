"""Make the pictures of docs/screenshots: every page in light and dark, and three of them on a phone.

Run by `make screenshots`; needs Chromium. The fleet is a simulated one that runs while the pictures are taken.
"""

import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import ROOT
from tests.dashboard.browser.fleet import Fleet, launch, running_fleet, wait_for
from tests.dashboard.local import browser_cookie

FOLDER = ROOT / "docs" / "screenshots"
DAYS, BAR_SECONDS = 60, 2.0
BOT = "bo_eth_usdt_1h_p2"
PAGES = {
    "overview": "",
    "bots": "bots",
    "bot": f"bot?bot={BOT}",
    "allocations": "allocations",
    "trades": "trades",
    "analytics": "analytics?tab=Win+rates",
    "risk": "risk",
    "decisions": f"decisions?bot={BOT}",
    "control": "control",
}
WIDE: dict[str, Any] = {"viewport": {"width": 1400, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
ON_A_PHONE = ("overview", "bots", "control")
TALLEST = 2_600
# What a page needs to load, and its live parts to be drawn twice.
SETTLE_MS = 4_000


def main() -> int:
    """Make all pictures and name them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, running_fleet(DAYS, BAR_SECONDS) as fleet:
        browser = launch(playwright)
        if browser is None:
            sys.stderr.write("Chromium must be installed, was not found: apt install chromium\n")
            return 69
        _wait_for_history(fleet)
        for scheme in ("light", "dark"):
            _take(browser, fleet, tuple(PAGES), scheme, WIDE, "")
        _take(browser, fleet, ON_A_PHONE, "light", PHONE, "-phone")
        browser.close()
    return 0


def _take(
    browser: Browser, fleet: Fleet, names: tuple[str, ...], scheme: str, screen: dict[str, Any], suffix: str
) -> None:
    context = browser.new_context(color_scheme=scheme, **screen)
    context.add_cookies([browser_cookie()])
    page = context.new_page()
    for name in names:
        page.goto(f"{fleet.url}/{PAGES[name]}")
        page.wait_for_selector("[data-testid=stHeading]", timeout=30_000)
        page.wait_for_timeout(SETTLE_MS)
        _unroll(page, screen)
        file = FOLDER / f"{name}{suffix}-{scheme}.png"
        page.screenshot(path=file)
        sys.stdout.write(f"{file.relative_to(ROOT)}\n")
    context.close()


def _unroll(page: Page, screen: dict[str, Any]) -> None:
    """Make the window as tall as the page, which scrolls within itself."""
    page.set_viewport_size(screen["viewport"])
    tall = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({**screen["viewport"], "height": max(screen["viewport"]["height"], min(tall + 10, TALLEST))})
    page.wait_for_timeout(1_500)


def _wait_for_history(fleet: Fleet) -> None:
    database = fleet.root / "state" / "flotilla.db"
    wait_for(lambda: Path(database).exists(), 30.0)
    time.sleep(1.0)
    wait_for(lambda: fleet.rows("SELECT coalesce(max(step), 0) FROM heartbeat")[0][0] >= DAYS * 24, 120.0)


if __name__ == "__main__":
    sys.exit(main())
