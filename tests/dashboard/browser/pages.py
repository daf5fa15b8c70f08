"""Pages as a person meets them: opened, and drawn before anything on them is clicked."""

from playwright.sync_api import Locator, Page

FIRST_CHART_MS = 30_000
PLOT = ".live-chart .plot-container"
# The script has ended and nothing greyed is left of before.
_DRAWN = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')"""


def open_page(page: Page, fleet_url: str, place: str = "") -> None:
    """Open a page of a fleet and wait until it is there."""
    page.goto(f"{fleet_url}/{place}")
    page.wait_for_selector("[data-testid=stHeading]", timeout=FIRST_CHART_MS)
    drawn(page)


def drawn(page: Page) -> None:
    """Wait until a page is drawn: before that, what a click aims at may move away under it."""
    page.wait_for_function(_DRAWN, timeout=FIRST_CHART_MS)


def still(target: Locator) -> Locator:
    """Wait until something no longer moves, as what opens does for a while: a click would miss it."""
    seen: list[str] = []
    while len(seen) < 6 or len(set(seen[-6:])) > 1:
        assert len(seen) < 300, f"it must come to rest within 30 s, was at {seen[-1]}"
        seen.append(str(target.bounding_box(timeout=FIRST_CHART_MS)))
        target.page.wait_for_timeout(100)
    return target
