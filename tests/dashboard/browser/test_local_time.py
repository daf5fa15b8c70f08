"""The switch to local time in a browser whose clock is not UTC."""

import re

import pytest
from playwright.sync_api import Page, expect

from shared.units import parse_time_ms
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import Fleet, wait_for
from tests.dashboard.browser.pages import FIRST_CHART_MS, PLOT, open_page
from tests.dashboard.figures.test_figures import BACKGROUNDS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# A link to a time in the history of every fleet here, in UTC.
LINK = "decisions?bot=bo_eth_usdt_1h_p2&day=2026-01-06&at=12:00"
STEPPED_MS = parse_time_ms("2026-01-06T14:00Z")
UTC = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


def to_local(page: Page) -> None:
    page.get_by_text(re.compile(r"^Local time \(")).first.click()


def card(page: Page) -> list[str]:
    """Give what the decision cards say, but for their times."""
    expect(page.get_by_text("confirmed exposure").first).to_be_visible(timeout=15_000)
    said = page.get_by_text(re.compile(r"^Band (none|[+-])")).all_inner_texts()
    return said + page.locator("h4").all_inner_texts()


@pytest.mark.parametrize(
    ("zone", "clock", "name"), [("Asia/Kolkata", ["17", "30"], "IST"), ("Europe/Berlin", ["13", "00"], "CET")]
)
def test_the_same_decision_picked_by_another_clock_is_the_same_row(
    zone: str, clock: list[str], name: str, fleet: Fleet, tab: OpenBrowser
) -> None:
    wait_for(lambda: fleet.rows("SELECT coalesce(max(market_ms), 0) FROM heartbeat")[0][0] > STEPPED_MS, 60.0)
    utc, local = tab(), tab(timezone_id=zone)
    for page in (utc, local):
        open_page(page, fleet.url, LINK)
    to_local(local)
    said = f"2026-01-06 {':'.join(clock)} {name} is 2026-01-06 12:00 UTC"
    expect(local.get_by_text(said)).to_be_visible(timeout=15_000)
    expect(local.get_by_test_id("stTimeInput")).to_have_count(1)
    assert re.findall(r"\d+", local.get_by_test_id("stTimeInput").inner_text()) == clock
    assert card(local) == card(utc)
    assert len(card(utc)) == 4, "two decisions, each with its band"


def test_nothing_on_the_screen_says_utc_but_what_is_so_by_definition(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab(timezone_id="Asia/Kolkata")
    open_page(page, fleet.url)
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    main = page.get_by_test_id("stMain")
    assert UTC.search(main.inner_text()), "before the switch there are times in UTC"
    to_local(page)
    expect(main.get_by_text(re.compile(r"market time .* IST"))).to_be_visible(timeout=15_000)
    page.wait_for_timeout(3_000)
    assert UTC.findall(main.inner_text()) == []
    titles = "() => [...document.querySelectorAll('.live-chart')].map(c => c._fullLayout.xaxis.title.text)"
    assert set(page.evaluate(titles)) <= {"Asia/Kolkata", "Asia/Calcutta"}
    hovers = "() => [...document.querySelectorAll('.live-chart')].map(c => c._fullLayout.xaxis.hoverformat)"
    assert not any("UTC" in text for text in page.evaluate(hovers))


@pytest.mark.parametrize("scheme", list(BACKGROUNDS))
def test_the_backgrounds_are_those_the_colours_are_measured_on(scheme: str, fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab(color_scheme=scheme)
    open_page(page, fleet.url)
    ground = page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert "#" + "".join(f"{int(part):02X}" for part in re.findall(r"\d+", ground)[:3]) == BACKGROUNDS[scheme]
