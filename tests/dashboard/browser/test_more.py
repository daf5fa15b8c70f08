"""Closing a position, one symbol over all bots, recent trades and holding instead, as a person clicks through them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from dashboard.queries.symbol import load_symbol
from shared.database import sqlite_module
from shared.units import MINUTE_MS
from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import Fleet, free_port, running_fleet, running_page, wait_for
from tests.dashboard.browser.pages import FIRST_CHART_MS, PLOT, drawn, open_page
from tests.dashboard.browser.test_why import NAMES, asked, click_row
from tests.dashboard.queries.catalogue import ID
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = ({"width": 1280, "height": 800}, {"width": 390, "height": 844})
HELD = "SELECT name FROM bot JOIN bot_state ON bot.id = bot_id WHERE abs(quantity) > 1e-4 ORDER BY opened_ms"
CLOSED = "SELECT leg, bot.name FROM fill JOIN bot ON bot.id = bot_id WHERE trigger = 'CLOSE'"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(make("seeded", tmp_path_factory.mktemp("more") / "books"), free_port()) as url:
        yield url


@pytest.fixture(scope="module")
def slow_fleet() -> Iterator[Fleet]:
    """Give a fleet of which an hour lasts long enough to click within it."""
    with running_fleet(bar_seconds=8.0) as running:
        yield running


def _steps(fleet: Fleet) -> int:
    try:
        return int(fleet.rows("SELECT step FROM heartbeat")[0][0] or 0)
    except (sqlite_module().Error, IndexError):
        return 0


def test_one_position_is_closed_with_a_typed_word(slow_fleet: Fleet, tab: OpenBrowser) -> None:
    # History is replayed at once; after it an hour lasts.
    wait_for(lambda: _steps(slow_fleet) > 240 and slow_fleet.rows(HELD), 90.0)
    bot = slow_fleet.rows(HELD)[-1][0]
    page = tab()
    open_page(page, slow_fleet.url, f"bot?bot={bot}")
    page.get_by_role("button", name="Close position", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason, for the audit trail").fill("too long in it")
    sure = dialog.get_by_role("button", name="Close position now")
    expect(sure).to_be_disabled()
    dialog.get_by_label("Type CLOSE to confirm").fill("close")
    expect(sure).to_be_enabled(timeout=10_000)
    sure.click()
    said = "SELECT status, reason, scope FROM command WHERE kind = 'CLOSE'"
    wait_for(lambda: [row[0] for row in slow_fleet.rows(said)] == ["DONE"], 30.0)
    assert slow_fleet.rows(said)[0][1:] == ("too long in it", bot)
    expect(page.get_by_text("at the next open", exact=False).first).to_be_visible(timeout=20_000)
    wait_for(lambda: slow_fleet.rows(CLOSED) == [("CLOSE", bot)], 60.0)


@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
def test_a_symbol_shows_what_all_bots_did_with_it(size: dict[str, int], seeded: str, tab: OpenBrowser) -> None:
    for connection in connected(seeding.seeded()):
        found = load_symbol(connection, ID, "ETH/USDT")
    assert found is not None
    page = tab(viewport=size)
    open_page(page, seeded, "symbol?symbol=ETH/USDT&period=All")
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    expect(page.get_by_text(f"{found.profit:+,.2f}").first).to_be_visible()
    expect(page.get_by_text(f"{found.positions} of {found.bots} bots in a position").first).to_be_visible()
    page.wait_for_function(f"() => ['entry, long', 'exit of a short'].every(name => ({NAMES})().includes(name))")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "nothing is wider than the screen"
    )


def test_a_recent_trade_leads_to_its_candles(seeded: str, tab: OpenBrowser) -> None:
    rows = "SELECT time_ms, bot.name FROM fill JOIN bot ON bot.id = bot_id ORDER BY time_ms DESC, fill.id DESC LIMIT 12"
    for connection in connected(seeding.seeded()):
        recent = connection.exec_driver_sql(rows).all()
    page = tab()
    open_page(page, seeded)
    expect(page.get_by_role("heading", name="Recent trades")).to_be_visible(timeout=20_000)
    drawn(page)
    # Positions are the first table.
    click_row(page, 0, table=1)
    page.wait_for_url("**/bot?**", timeout=20_000)
    assert asked(page)["bot"] == recent[0][1]
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    assert recent[0][0] % MINUTE_MS == 0


def test_holding_is_a_line_to_switch_on(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, seeded, "?period=All")
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    assert "holding in equal parts" not in page.evaluate(f"({NAMES})()")
    page.get_by_text("Compare with holding").click()
    page.wait_for_function(f"() => ({NAMES})().includes('holding in equal parts')", timeout=20_000)
    assert "held=true" in page.url


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_profit_is_drawn_as_bars_and_as_a_calendar(by: str, seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, seeded, f"analytics?tab=Profit+by+day&stretch={by}")
    kinds = """() => [...document.querySelectorAll('.live-chart')].filter(chart => chart.offsetParent)
      .flatMap(chart => (chart.data || []).map(trace => trace.type))"""
    page.wait_for_function(f'() => JSON.stringify(({kinds})()) === \'["bar","heatmap"]\'', timeout=30_000)
