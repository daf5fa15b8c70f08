"""The file as people open it: from a disk, without a network, light and dark, on a phone, on paper."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dashboard.queries.filters import Filters
from tests.dashboard import seeding
from tests.dashboard.report.reading import file_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWN = "() => document.querySelectorAll('.chart .main-svg .plot, .chart .main-svg .cartesianlayer').length"
CHARTS = "() => document.querySelectorAll('.chart').length"


class Opened:
    """A page, and all that happened in it that must not."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.requests: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(address)
        page.wait_for_function("() => document.querySelector('.chart:last-of-type .main-svg')")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return file_of(seeding.seeded(), tmp_path_factory.mktemp("report") / "report.html")


def opened(browser: Browser, address: str, **options: Any) -> Opened:
    return Opened(browser.new_context(offline=True, **options).new_page(), address)


def test_it_draws_all_its_charts_and_asks_nobody(browser: Browser, address: str) -> None:
    seen = opened(browser, address)
    assert seen.page.evaluate(CHARTS) == 5
    assert seen.page.get_by_text("The charts need JavaScript").count() == 0
    assert seen.page.evaluate(DRAWN) >= 5
    assert seen.page.locator(".chart path.js-line").count() >= 4
    assert seen.requests == [address] and seen.said == []


def test_it_could_not_ask_anybody_if_it_wanted_to(browser: Browser, address: str) -> None:
    """The policy refuses, also with the network on; the first check would have seen the request."""
    seen = Opened(browser.new_context().new_page(), address)
    assert seen.page.evaluate("() => fetch('http://127.0.0.1:9/x').then(() => 'came', () => 'refused')") == "refused"
    seen.page.evaluate("() => { const tag = document.createElement('script'); tag.textContent = 'window.ran = 1'; "
                       "document.body.append(tag); }")  # fmt: skip
    seen.page.evaluate("() => { document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/y\">'); }")
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("() => window.ran") is None
    assert len([said for said in seen.said if "Content Security Policy" in said]) >= 3


def test_hostile_text_runs_nowhere(browser: Browser, folder: Path) -> None:
    folder.mkdir()
    address = file_of(seeding.hostile(folder / "books"), folder / "report.html")
    seen = opened(browser, address)
    assert seen.page.get_by_text("javascript:alert(1)").count() > 10
    chart = seen.page.locator(".chart").nth(3)
    assert "<script>alert" in chart.inner_text().replace("\n", "")
    assert seen.page.locator("main script:not([type]), main a, main b, main img").count() == 0
    for place in seen.page.locator(".chart").all():
        place.hover()
    seen.page.wait_for_timeout(300)
    # One of the names looks like a formula, and the library says that it draws none.
    assert seen.requests == [address] and [said for said in seen.said if "MathJax is not loaded" not in said] == []


def test_it_is_light_and_dark_as_the_screen_is(browser: Browser, address: str) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    ink = "() => getComputedStyle(document.querySelector('.chart .xtick text')).fill"
    light, dark = (opened(browser, address, color_scheme=scheme).page for scheme in ("light", "dark"))
    assert (light.evaluate(ground), dark.evaluate(ground)) == ("rgb(255, 255, 255)", "rgb(16, 22, 28)")
    assert (light.evaluate(ink), dark.evaluate(ink)) == ("rgb(27, 39, 51)", "rgb(230, 235, 240)")
    light.emulate_media(color_scheme="dark")
    light.wait_for_function(f"() => ({ink})() === 'rgb(230, 235, 240)'")


def test_on_a_phone_only_tables_scroll_sideways(browser: Browser, address: str) -> None:
    page = opened(browser, address, viewport={"width": 390, "height": 844}).page
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert (
        page.evaluate("() => Math.max(...[...document.querySelectorAll('.main-svg')].map(s => s.clientWidth))") <= 390
    )
    assert page.evaluate("() => { const t = document.querySelector('[aria-label=\"Largest gains\"]'); "
                         "return t.scrollWidth > t.clientWidth; }")  # fmt: skip


def test_on_paper_it_is_light_and_fits(browser: Browser, address: str) -> None:
    page = opened(browser, address, color_scheme="dark").page
    page.evaluate(
        """() => addEventListener('beforeprint', () => { window.printed = {
        widths: [...document.querySelectorAll('.chart .main-svg')].map(s => +s.getAttribute('width')),
        ink: getComputedStyle(document.querySelector('.chart .xtick text')).fill }; })"""
    )
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12
    printed = page.evaluate("() => window.printed")
    assert printed["ink"] == "rgb(27, 39, 51)" and max(printed["widths"]) <= 690
    # Afterwards it is as it was.
    page.wait_for_function("() => !document.documentElement.classList.contains('paper')")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.chart .xtick text')).fill") == (
        "rgb(230, 235, 240)"
    )


def test_without_script_it_still_has_its_tables(browser: Browser, address: str) -> None:
    page = browser.new_context(offline=True, java_script_enabled=False).new_page()
    page.goto(address)
    assert page.get_by_text("The charts need JavaScript").is_visible()
    assert page.get_by_text("mean_reversion").first.is_visible()


@pytest.mark.parametrize("filters", [Filters(sides=("SELL",)), Filters(symbols=("ETH/USDT",)), Filters(0, 86_400_000)])
def test_every_selection_opens_without_a_complaint(browser: Browser, folder: Path, filters: Filters) -> None:
    folder.mkdir()
    address = file_of(seeding.seeded(), folder / "report.html", filters)
    page = browser.new_context(offline=True).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    assert page.locator("h1").inner_text() == "flotilla"
    assert said == []
