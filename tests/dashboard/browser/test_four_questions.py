"""The four questions of somebody in a hurry, each a click or two from the first page, on a screen and on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.queries.bots import load_bots
from dashboard.queries.decisions import load_fleet_decisions_at
from dashboard.queries.overview import load_overview
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import drawn, open_page
from tests.dashboard.queries.catalogue import ID
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCREENS: dict[str, dict[str, Any]] = {
    "screen": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(make("seeded", tmp_path_factory.mktemp("pages") / "books"), free_port()) as url:
        yield url


class Person:
    """Somebody who has the first page open and clicks, counted."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.clicks = page, 0
        open_page(page, url)

    def click(self, role: Any, name: str) -> None:
        """Click what can be seen without scrolling sideways: a closed sidebar lies beside the screen."""
        found = self.page.get_by_role(role, name=name)
        expect(found.first).to_be_attached(timeout=20_000)
        boxes = [(one, one.bounding_box()) for one in found.all()]
        target = next(one for one, box in boxes if box is not None and box["x"] >= 0.0 and box["width"] > 0.0)
        target.click()
        self.clicks += 1
        self.page.wait_for_timeout(300)
        drawn(self.page)


@pytest.fixture(params=SCREENS)
def person(request: pytest.FixtureRequest, seeded: str, tab: OpenBrowser) -> Person:
    return Person(tab(**SCREENS[request.param]), seeded)


def test_what_was_made_today_stands_on_the_first_page(person: Person) -> None:
    for connection in connected(seeding.seeded()):
        overview = load_overview(connection, ID)
    assert overview is not None
    tile = person.page.get_by_test_id("stMetric").filter(has_text="Profit today")
    expect(tile).to_contain_text(overview.counted.gain(overview.today_profit).lstrip("+-−"))
    expect(tile).to_be_in_viewport()
    assert person.clicks == 0


def test_which_bot_lost_most_and_why_is_one_click_away(person: Person) -> None:
    for connection in connected(seeding.seeded()):
        bots = load_bots(connection, ID)
    worst = bots.nsmallest(1, "profit").iloc[0]["bot"]
    person.click("link", "Which bot lost most, and why")
    said = person.page.get_by_text("Lost most").first
    expect(said).to_be_in_viewport(timeout=20_000)
    expect(said).to_contain_text(worst)
    expect(person.page.get_by_text("Costs:").first).to_be_visible()
    assert person.clicks == 1


def test_why_there_was_no_trade_at_noon_is_two_clicks_away(person: Person) -> None:
    for connection in connected(seeding.seeded()):
        overview = load_overview(connection, ID)
        assert overview is not None
        noon_ms = (overview.market_ms - 12 * HOUR_MS) // DAY_MS * DAY_MS + 12 * HOUR_MS
        decided = load_fleet_decisions_at(connection, ID, noon_ms)
    assert len(decided) == overview.bots
    person.click("link", "Why there was no trade")
    person.click("button", "12:00")
    expect(person.page.get_by_text("12:00 UTC, when the bar that opened at").first).to_be_visible(timeout=20_000)
    expect(person.page.get_by_text("All bots at this time")).to_be_visible()
    assert person.clicks == 2
    assert "at=12%3A00" in person.page.url


def test_everything_is_stopped_by_one_click_and_its_confirmation(person: Person) -> None:
    person.click("link", "Stop trading")
    person.click("button", "Flatten")
    assert person.clicks == 2
    dialog = person.page.get_by_role("dialog")
    dialog.get_by_label("Reason, for the audit trail").fill("enough")
    dialog.get_by_label("Type FLATTEN to confirm").fill("flatten")
    dialog.get_by_role("button", name="Flatten now").click()
    expect(person.page.get_by_text("flatten portfolio").first).to_be_visible(timeout=20_000)
