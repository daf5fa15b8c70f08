"""No page, and no report, leads anywhere else: not by a request, a link, a form, a button of a chart or a menu."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from dashboard.gate.endpoints import ENDPOINTS, OnlyListed
from shared.passwords import OPERATOR, Account, save_account
from tests.dashboard import seeding
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import FIRST_CHART_MS, PLOT, open_page
from tests.dashboard.browser.test_downloads import BOT, PLACES
from tests.dashboard.gate.listed import everything
from tests.dashboard.gate.serving import ANNA, HASHES
from tests.dashboard.gate.test_endpoints import matching
from tests.dashboard.report.reading import file_of
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What opens: sections, the downloads beneath tables and charts, tabs, and the questions of the kill switch.
CLICKED = (
    "[data-testid=stExpander] summary",
    "[data-testid=stPopoverButton]",
    "[data-testid=stTab]",
)
QUESTIONS = ("No entries", "Flatten", "Halt", "Stop or start the worker's process")
BUTTONS = {"Download plot as a PNG", "Zoom", "Pan", "Reset axes"}
# Every address an element of the page has, whatever the element.
ADDRESSES = """() => [...document.querySelectorAll('[href], [src], [action], [formaction], [data], [ping], [srcset]')]
  .flatMap(e => ['href', 'src', 'action', 'formaction', 'data', 'ping', 'srcset'].map(name => [name, e])
    .filter(([name, e]) => e.hasAttribute(name))
    .map(([name, e]) => [e.tagName.toLowerCase(), new URL(e.getAttribute(name), document.baseURI).href]))"""
MODEBAR = "() => [...document.querySelectorAll('.modebar-btn')].map(e => e.dataset.title ?? e.href)"
# Said by the page itself: nothing is fetched from these.
HERE = ("data:", "blob:", "about:blank")


@dataclass
class Watched:
    """A browser, and every address it asked."""

    context: BrowserContext
    origin: str
    is_seeded: bool = True
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self.asked.add(request.url))
        self.context.on("page", self._watch)

    def _watch(self, page: Page) -> None:
        self.asked.add(page.url)
        page.on("websocket", lambda stream: self.asked.add(stream.url))
        page.on("worker", lambda worker: self.asked.add(worker.url))

    def elsewhere(self, addresses: set[str]) -> list[str]:
        """Give the addresses that are of another host."""
        own = urlsplit(self.origin).netloc
        return sorted(url for url in addresses if not url.startswith(HERE) and urlsplit(url).netloc != own)


@pytest.fixture(scope="module", params=["seeded", "hostile"])
def signed_in(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """An operator on books, also on such whose texts try to become links and pictures."""
    folder = tmp_path_factory.mktemp("elsewhere")
    root, passwords = make(request.param, folder / "books"), folder / "outside" / "passwords.json"
    save_account(passwords, Account("anna", OPERATOR, HASHES[ANNA]))
    with running_page(root, free_port(), passwords) as url:
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        watched = Watched(context, url, request.param == "seeded")
        page = context.new_page()
        page.goto(f"{url}/login")
        assert watched.elsewhere(addresses(page)) == []
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(ANNA)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        yield watched
        context.close()


def addresses(page: Page, *tags: str) -> set[str]:
    """Give every address in the page, or those of some tags."""
    return {address for tag, address in page.evaluate(ADDRESSES) if not tags or tag in tags}


def press(page: Page, found: Locator) -> bool:
    """Click what is there; what a refresh has just taken away, or what lies beneath something, is none."""
    if not found.is_visible():
        return False
    found.dispatch_event("click")
    page.wait_for_timeout(100)
    return True


def open_everything(page: Page) -> set[str]:
    """Open all that opens, hover all charts, and give every address that was in the page meanwhile."""
    seen, opened = addresses(page), 0
    for kind in CLICKED:
        for at in range(page.locator(kind).count()):
            opened += press(page, page.locator(kind).nth(at))
            seen |= addresses(page)
            page.keyboard.press("Escape")
    assert opened > 0, "something must have opened"
    for chart in page.locator(f"{PLOT}:visible").all():
        chart.hover(force=True)
    return seen | addresses(page)


@pytest.mark.parametrize("place", PLACES)
def test_a_page_leads_nowhere_else(place: str, signed_in: Watched) -> None:
    page = signed_in.context.new_page()
    listed = OnlyListed(everything(), ENDPOINTS)
    # In hostile books no bot has this name.
    open_page(page, signed_in.origin, place if signed_in.is_seeded else place.replace(f"bot={BOT}&", ""))
    page.wait_for_timeout(1_000)
    seen = open_everything(page)
    assert signed_in.elsewhere(seen) == []
    assert len(addresses(page, "a")) > 3, "there must be links to look at"
    dead = [url for url in addresses(page, "a") if not matching(listed, urlsplit(url).path)]
    assert dead == [], "what a page leads to must be let through"
    assert set(page.evaluate(MODEBAR)) <= BUTTONS
    assert page.get_by_test_id("stMainMenu").count() == page.get_by_test_id("stAppDeployButton").count() == 0
    page.close()
    assert signed_in.elsewhere(signed_in.asked) == []
    assert any(url.startswith("ws://") for url in signed_in.asked), "websockets must be recorded"


def test_the_questions_of_the_kill_switch_lead_nowhere_else(signed_in: Watched) -> None:
    page, asked = signed_in.context.new_page(), 0
    for label in QUESTIONS:
        open_page(page, signed_in.origin, "control")
        button = page.get_by_role("button", name=label, exact=True).first
        if button.is_visible():
            button.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            asked += 1
        assert signed_in.elsewhere(addresses(page)) == []
    assert asked > 1
    page.close()
    assert signed_in.elsewhere(signed_in.asked) == []


@pytest.mark.parametrize("path", ["/logout", "/login", "/bost", "/report.html?from=rubbish"])
def test_what_the_gate_says_leads_nowhere_else(path: str, signed_in: Watched) -> None:
    page = signed_in.context.new_page()
    page.goto(signed_in.origin + path)
    assert signed_in.elsewhere(addresses(page)) == []
    page.close()


def test_a_chart_has_buttons_and_none_that_shares_it(signed_in: Watched) -> None:
    page = signed_in.context.new_page()
    open_page(page, signed_in.origin, "allocations?period=All")
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    page.locator(PLOT).first.hover()
    assert set(page.evaluate(MODEBAR)) >= {"Download plot as a PNG", "Reset axes"}
    # Drawn as plotly comes, it would have one, and a logo that is a link.
    page.evaluate(
        """() => { const own = document.createElement('div'); document.body.append(own);
        return Plotly.newPlot(own, [{ y: [1, 2] }], {},
          { displayModeBar: true, showSendToCloud: true, displaylogo: true }); }"""
    )
    assert set(page.evaluate(MODEBAR)) - BUTTONS >= {"Share chart..."}
    assert "https://plotly.com/" in signed_in.elsewhere(addresses(page))
    page.close()


def test_what_leads_elsewhere_would_be_seen(signed_in: Watched, browser: Browser) -> None:
    other = Watched(browser.new_context(storage_state=signed_in.context.storage_state()), signed_in.origin)
    page = other.context.new_page()
    open_page(page, signed_in.origin)
    assert other.elsewhere(other.asked | addresses(page)) == []
    page.evaluate(
        """() => document.body.insertAdjacentHTML('beforeend', '<a href="http://one.invalid/">x</a>'
        + '<form action="//two.invalid/"></form><img src="http://three.invalid/x.png">')"""
    )
    hosts = {urlsplit(url).netloc for url in other.elsewhere(addresses(page))}
    assert hosts == {"one.invalid", "two.invalid", "three.invalid"}
    # What the policy refuses is recorded, too.
    page.wait_for_timeout(500)
    assert other.elsewhere(other.asked) == ["http://three.invalid/x.png"]
    page.evaluate("() => { open('http://four.invalid/'); }")
    page.wait_for_timeout(500)
    assert len(other.elsewhere(other.asked)) > 1, "and a tab that is opened"
    other.context.close()


@pytest.mark.parametrize("hostile", [False, True])
def test_the_report_leads_nowhere_else(hostile: bool, browser: Browser, tmp_path: Path) -> None:
    books = seeding.hostile(tmp_path / "books") if hostile else seeding.seeded()
    address = file_of(books, tmp_path / "report.html")
    watched = Watched(browser.new_context(), address)
    page = watched.context.new_page()
    page.goto(address)
    page.wait_for_function("() => document.querySelector('.chart:last-of-type .main-svg')")
    for chart in page.locator(".chart").all():
        chart.hover()
    page.wait_for_timeout(300)
    assert watched.asked - {"about:blank"} == {address}
    assert {url for url in addresses(page) if not url.startswith(("data:", f"{address}#"))} == set()
    assert page.evaluate(MODEBAR) == []
    watched.context.close()


def test_the_policy_holds_what_an_address_makes_streamlit_ask(signed_in: Watched) -> None:
    """By this one it would take the page from its own hosting, and show it as if it came from here."""
    page, said = signed_in.context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    page.goto(f"{signed_in.origin}/?staticAppId=1&embed=true&embed_options=show_toolbar")
    page.wait_for_timeout(2_000)
    assert signed_in.elsewhere(set(answered)) == []
    assert any("data.streamlit.io" in text and "Content Security Policy" in text for text in said), said
    page.close()
