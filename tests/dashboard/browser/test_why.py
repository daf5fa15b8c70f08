"""From a trade to the candles it was made on, and what the strategy saw there, as a person clicks through it."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from dashboard.queries.exits import load_worst_trip
from dashboard.queries.seen import load_seen_at
from dashboard.queries.trades import load_round_trips
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import drawn, open_page, still
from tests.dashboard.queries.catalogue import BEGIN_MS, ID
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Into the first cells of a table, beside its ticks, and the height of a row, in pixels.
SHAPES = """() => [...document.querySelectorAll('.live-chart')].flatMap(chart => chart.layout?.shapes || [])
  .map(shape => [shape.x0, shape.x1])"""
NAMES = """() => [...document.querySelectorAll('.live-chart')].flatMap(chart => chart.data || [])
  .map(trace => trace.name)"""
BOT = "bo_eth_usdt_1h_p2"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(make("seeded", tmp_path_factory.mktemp("pages") / "books"), free_port()) as url:
        yield url


def click_row(page: Page, row: int, table: int = 0) -> None:
    """Click a cell of a table, the first if no other is asked for."""
    cell = page.locator(".grid").nth(table).locator("tbody tr").nth(row).locator("td").nth(1)
    still(cell).click(timeout=30_000)


def asked(page: Page) -> dict[str, str]:
    """Give what the address asks for."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def test_a_click_on_a_trade_shows_it_on_the_candles(seeded: str, tab: OpenBrowser) -> None:
    for connection in connected(seeding.seeded()):
        trip = load_round_trips(connection, ID).rows.iloc[1]
    page = tab()
    open_page(page, seeded, "trades?period=All")
    click_row(page, 1)
    page.wait_for_url("**/bot?**", timeout=20_000)
    expect(page.get_by_role("heading", name=trip["bot"])).to_be_visible(timeout=20_000)
    assert asked(page)["trade"] == str(trip["round_trip_id"]) and asked(page)["bot"] == trip["bot"]
    span = f"[[{trip['opened_ms']},{trip['closed_ms']}]]"
    page.wait_for_function(f"() => JSON.stringify(({SHAPES})()) === '{span}'", timeout=20_000)
    # Back is where it was, and not here again at once.
    page.go_back()
    page.wait_for_url("**/trades**", timeout=20_000)
    page.wait_for_timeout(2_000)
    assert "/trades" in page.url


def test_a_click_on_a_trade_of_a_bot_moves_its_candles_there(seeded: str, tab: OpenBrowser) -> None:
    for connection in connected(seeding.seeded()):
        trips = load_round_trips(connection, ID).rows
        rows = trips[trips["bot"] == BOT].reset_index(drop=True)
    page = tab()
    open_page(page, seeded, f"bot?bot={BOT}&period=All&tab=Trades")
    page.wait_for_function(f"() => ({NAMES})().includes('channel high')", timeout=20_000)
    for place in (0, 2):
        trip = rows.iloc[place]
        click_row(page, place)
        page.wait_for_url(lambda url, wanted=trip["round_trip_id"]: f"trade={wanted}" in url, timeout=20_000)
        span = f"[[{trip['opened_ms']},{trip['closed_ms']}]]"
        page.wait_for_function(f"() => JSON.stringify(({SHAPES})()) === '{span}'", timeout=20_000)
        drawn(page)
        expect(page.get_by_text("Trade", exact=True).first).to_be_visible()
        # All of them are on show again, to click on another.
        page.get_by_text("All", exact=True).first.click()
        page.wait_for_url("**period=All**", timeout=20_000)
        drawn(page)


def test_decisions_and_candles_tell_the_same_channel(seeded: str, tab: OpenBrowser) -> None:
    noon_ms = BEGIN_MS + 8 * DAY_MS + 12 * HOUR_MS
    for connection in connected(seeding.seeded()):
        sentences = load_seen_at(connection, ID, BOT, noon_ms)["saw"].tolist()
    page = tab()
    open_page(page, seeded, f"decisions?bot={BOT}&day=2026-01-09&at=12:00")
    for sentence in sentences:
        expect(page.get_by_text(sentence)).to_be_visible(timeout=20_000)
    low, high = (
        number.strip(".:")
        for number in sentences[0].split("channel ")[1].split(": ")[0].split(", but")[0].split(" to ")
    )
    open_page(page, seeded, f"bot?bot={BOT}&period=Dates&period_from=2026-01-09T11:00Z&period_to=2026-01-09T12:00Z")
    ends = """() => [...document.querySelectorAll('.live-chart')].flatMap(chart => chart._fullData || [])
      .filter(trace => trace.name?.startsWith('channel')).map(trace => [...trace.y].at(-1))"""
    page.wait_for_function(f"() => ({ends})().length === 2", timeout=20_000)
    assert sorted(f"{end:,.2f}" for end in page.evaluate(ends)) == sorted((low, high))


def test_the_worst_trade_of_the_bot_that_lost_most_is_one_click_away(seeded: str, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, seeded, "bots")
    expect(page.get_by_text("Worst trade", exact=False).first).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Its worst trade").click()
    page.wait_for_url("**/bot?**trade=**", timeout=20_000)
    page.wait_for_function(f"() => ({SHAPES})().length === 1", timeout=20_000)
    for connection in connected(seeding.seeded()):
        trip = load_worst_trip(connection, ID, asked(page)["bot"])
    assert trip is not None and asked(page)["trade"] == str(trip["round_trip_id"])
