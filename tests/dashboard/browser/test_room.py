"""Every page has room for what it says: on a small screen, a wide one and a phone no text is cut off."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import FIRST_CHART_MS, drawn, open_page
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOT = "bo_eth_usdt_1h_p2"
# A bot that holds a position when the books end.
HOLDER = "mr_eth_usdt_1h_p1"
PLACES = (
    "?period=All",
    "bots?period=7d",
    f"bot?bot={BOT}&period=All",
    f"bot?bot={BOT}&period=All&tab=Trades",
    "symbol?symbol=ETH/USDT&period=All",
    "allocations?period=All",
    "trades?rows=Round+trips&period=All",
    "trades?rows=Fills&period=All",
    "trades?rows=Orders&period=All",
    "trades?rows=Open+positions&period=All",
    "analytics?tab=Round+trips",
    "analytics?tab=Win+rates",
    "analytics?tab=Returns",
    "analytics?tab=Profit+by+day",
    "analytics?tab=Costs",
    "risk",
    f"decisions?bot={BOT}&period=All",
    "control",
)
LOOKED_AT = ".grid td, .live-chart .main-svg, [data-testid=stMetric]"
SCREENS = {"small": (1280, 800), "wide": (1920, 1080), "phone": (390, 844)}
# What is cut: text wider than what it stands in, where that hides it or would lay it over its neighbour.
CUT = """() => {
  const main = document.querySelector('[data-testid="stMain"]'), found = [];
  const seen = kinds => [...main.querySelectorAll(kinds)].filter(one => one.checkVisibility() && one.offsetParent);
  for (const one of seen('.grid :is(th, td), [data-testid="stMetric"] *, [data-testid="stMetricValue"] *, '
      + 'button p, [data-testid="stBadge"], .stMarkdownBadge, a p')) {
    // The words of the icon for downloads are for those who do not see it.
    if (one.closest('svg, [class*="st-key-download_"]')) continue;
    if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth && one.textContent.trim())
      found.push(`${one.tagName} ${one.textContent.trim().slice(0, 60)}: ${one.scrollWidth} > ${one.clientWidth}`);
  }
  for (const chart of seen('.live-chart')) {
    const room = chart.getBoundingClientRect();
    for (const text of chart.querySelectorAll('.main-svg :is(.xtick, .ytick, .x2tick, .y2tick, .g-xtitle, .g-ytitle, '
        + '.legendtext, .annotation-text, .gtitle) , .main-svg .legendtext')) {
      const own = text.getBoundingClientRect();
      if (own.width && (own.left < room.left - 1 || own.right > room.right + 1))
        found.push(`${chart.getAttribute('aria-label')}: ${text.textContent}`);
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(make("seeded", tmp_path_factory.mktemp("room") / "books"), free_port()) as url:
        yield url


def settle(page: Page, url: str, place: str) -> None:
    """Open a page and wait until its charts are drawn."""
    open_page(page, url, place)
    page.wait_for_function(
        """() => [...document.querySelectorAll('.live-chart')].every(
          chart => !chart.offsetWidth || chart.querySelector('.plot-container'))""",
        timeout=FIRST_CHART_MS,
    )
    drawn(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_cut_off(screen: str, seeded: str, tab: OpenBrowser) -> None:
    width, height = SCREENS[screen]
    page, cut = tab(viewport={"width": width, "height": height}), {}
    for place in PLACES:
        settle(page, seeded, place)
        assert page.locator(LOOKED_AT).count() > 4, f"{place} must show something that could be cut"
        if found := page.evaluate(CUT):
            cut[place] = found
    assert cut == {}


def test_what_is_cut_off_is_found(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    settle(page, seeded, "")
    page.add_style_tag(content=".grid td { max-width: 40px; overflow: hidden; }")
    page.evaluate("() => document.querySelector('.live-chart').style.marginLeft = '30px'")
    assert any("TD" in one for one in page.evaluate(CUT))


def test_a_wide_screen_is_used(seeded: str, tab: OpenBrowser) -> None:
    page = tab(viewport={"width": 1920, "height": 1080})
    settle(page, seeded, "bots")
    main = page.locator("[data-testid=stMain]").bounding_box()
    grid = page.locator(".grid").first.bounding_box()
    assert main is not None and grid is not None
    assert grid["width"] > 0.92 * main["width"]


def test_names_lead_where_they_are_told_of(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    settle(page, seeded, "trades?rows=Open+positions&period=All")
    page.evaluate("() => { window.isTheSamePage = true; }")
    page.locator(".grid").first.get_by_role("link", name=HOLDER).first.click()
    page.wait_for_url(f"**/bot?bot={HOLDER}**", timeout=20_000)
    page.get_by_role("heading", name=HOLDER).wait_for(timeout=20_000)
    page.go_back()
    page.wait_for_url("**/trades**", timeout=20_000)
    page.locator(".grid").first.get_by_role("link", name="ETH/USDT").first.click()
    page.wait_for_url("**/symbol?symbol=ETH%2FUSDT**", timeout=20_000)
    page.get_by_role("heading", name="ETH/USDT").wait_for(timeout=20_000)
    assert page.evaluate("() => window.isTheSamePage") is True, "a link within the page must not load it anew"


def test_a_click_on_a_title_sorts_and_what_is_unknown_stands_last(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    settle(page, seeded, "bots?period=All")
    grid = page.locator(".grid").first
    cells = "e => [...e.querySelectorAll('tbody tr')].map(row => row.cells[2].textContent.replace(/[+,]/g, ''))"
    title = grid.get_by_role("button", name="Profit so far")
    title.click()
    down = [float(text) for text in grid.evaluate(cells)]
    title.click()
    up = [float(text) for text in grid.evaluate(cells)]
    assert down == sorted(down, reverse=True) and up == sorted(up) and len(up) == 27


STATES = {
    "at rest": lambda page, link: None,
    "hover": lambda page, link: link.hover(),
    "focus": lambda page, link: link.focus(),
    "active": lambda page, link: (link.hover(), page.mouse.down()),
    "disabled": lambda page, link: link.evaluate("e => { e.setAttribute('disabled', ''); e.ariaDisabled = 'true'; }"),
}
LOOK = """e => { const own = getComputedStyle(e), text = getComputedStyle(e.querySelector('p') || e);
  return [own.backgroundColor, text.color, own.outlineStyle, own.outlineWidth, own.opacity]; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "control"])
def test_stop_trading_is_red_in_every_state(place: str, scheme: str, seeded: str, tab: OpenBrowser) -> None:
    for width in (1280, 390):
        page = tab(viewport={"width": width, "height": 800}, color_scheme=scheme)
        open_page(page, seeded, place)
        # Where the sidebar is closed it lies beside the screen.
        link = page.locator(".st-key-kill_on_top a" if width < 500 else ".st-key-kill a").first
        for state, enter in STATES.items():
            enter(page, link)
            page.wait_for_timeout(400)
            ground, text, outline, outline_px, opacity = link.evaluate(LOOK)
            red, green, blue = (int(part) for part in ground.removeprefix("rgb(").rstrip(")").split(",")[:3])
            assert red > 120 and red > 3 * max(green, blue), (state, ground)
            assert (text, opacity) == ("rgb(255, 255, 255)", "1"), state
            if state == "focus":
                assert outline == "solid" and float(outline_px.removesuffix("px")) >= 2.0
