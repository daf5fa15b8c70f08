"""Pages as a person meets them: opened, and drawn before anything on them is clicked."""

from playwright.sync_api import Page

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
