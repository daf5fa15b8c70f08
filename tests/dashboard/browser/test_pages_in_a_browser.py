"""What only a real browser shows: rows that are ticked, what a reload keeps, what a halt looks like."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import open_page, still
from tests.dashboard.views.books import SETTINGS_FILE, make, set_alive

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRACES = "() => [...document.querySelectorAll('.live-chart')].map(chart => (chart.data || []).map(trace => trace.name))"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(make("seeded", tmp_path_factory.mktemp("pages") / "books"), free_port()) as url:
        yield url


def tick(page: Page, row: int) -> None:
    """Tick a row of the first table."""
    still(page.locator(".grid").first.get_by_role("checkbox").nth(row)).click(timeout=30_000)


def test_bots_that_are_ticked_are_compared(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, seeded, "bots")
    page.wait_for_timeout(1_500)
    assert page.evaluate(TRACES) == []
    tick(page, 0)
    expect(page.get_by_role("link", name="mr_btc_usdt_1h_p1").first).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Side by side")).to_have_count(0)
    tick(page, 2)
    expect(page.get_by_text("Side by side")).to_be_visible(timeout=15_000)
    two = [["mr_btc_usdt_1h_p1", "mr_btc_usdt_1h_p3"]]
    page.wait_for_function(f"() => JSON.stringify(({TRACES})()) === '{_json(two)}'", timeout=15_000)
    page.wait_for_timeout(5_000)
    assert page.evaluate(TRACES) == two, "a refresh must keep what is ticked"
    tick(page, 0)
    expect(page.get_by_text("Side by side")).to_have_count(0, timeout=15_000)
    page.get_by_role("link", name="mr_btc_usdt_1h_p3").first.click()
    page.wait_for_url("**/bot?bot=mr_btc_usdt_1h_p3")
    expect(page.get_by_role("heading", name="mr_btc_usdt_1h_p3")).to_be_visible(timeout=15_000)


def _json(value: list[list[str]]) -> str:
    return str(value).replace("'", '"').replace(", ", ",")


def test_filters_survive_a_reload(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, seeded, "trades?period=All")
    counted = page.get_by_text("on this page")
    everything = counted.inner_text()
    page.get_by_text("Filters", exact=True).click()
    still(page.get_by_role("button", name="trailing stop", exact=True)).click()
    page.wait_for_url(lambda url: "exits=" in url)
    expect(counted).not_to_have_text(everything)
    some = counted.inner_text()
    page.reload()
    expect(counted).to_have_text(some, timeout=30_000)
    assert "period=All" in page.url and "exits=" in page.url


@pytest.mark.parametrize(
    "address", ["trades?period=All&rows=Fills", "?period=7d&measure=Profit", "analytics?tab=Costs"]
)
def test_stop_trading_leads_to_the_kill_switch_whatever_is_filtered(
    address: str, seeded: str, tab: OpenBrowser
) -> None:
    page = tab()
    open_page(page, seeded, address)
    page.get_by_role("link", name="Stop trading").click()
    expect(page.get_by_role("button", name="No entries", exact=True)).to_be_visible(timeout=20_000)
    assert page.url.partition("?")[0] == f"{seeded}/control"


def test_a_sleeve_that_is_halted_is_said_in_red_with_what_is_at_risk(tab: OpenBrowser, tmp_path: Path) -> None:
    books = seeding.seeded(tmp_path / "books")
    books.write("UPDATE sleeve_state SET level_person = 'HALTED', level = 'HALTED' WHERE sleeve_id = 3")
    books.write("UPDATE bot_state SET level = 'HALTED' WHERE bot_id IN (SELECT id FROM bot WHERE sleeve_id = 3)")
    set_alive(books)
    (books.root / "flotilla.toml").write_text(SETTINGS_FILE)
    notional = (
        "SELECT sum(abs(quantity * close)) FROM bot_state JOIN bot ON bot.id = bot_id JOIN market_state USING (symbol)"
    )
    engine = books.reader()
    with engine.connect() as connection:
        held = connection.exec_driver_sql(f"{notional} WHERE sleeve_id = 3").scalar_one()
    engine.dispose()
    assert held > 100.0
    with running_page(books.root, free_port()) as url:
        page = tab()
        for place in ("", "risk", "control"):
            open_page(page, url, place)
            said = page.get_by_test_id("stAlertContentError").filter(has_text="stay open without protection").first
            expect(said).to_be_visible(timeout=20_000)
            expect(said).to_contain_text(f"{held:,.2f} USDT")
            red, green, blue = (
                int(part) for part in said.evaluate("e => getComputedStyle(e).color").strip("rgb()").split(",")[:3]
            )
            assert red > 100 and red > 2 * max(green, blue), "it must be red"
