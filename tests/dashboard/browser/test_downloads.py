"""Downloads in a real browser: beside every table and chart, through refreshes, and equal to the database."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from shared.database import sqlite_module
from tests.dashboard import seeding
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import still
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOT = "bo_eth_usdt_1h_p2"
PLACES = (
    "",
    "bots",
    f"bot?bot={BOT}&period=All",
    "allocations?period=All",
    "trades?rows=Round+trips&period=All",
    "analytics?tab=Win+rates",
    "symbol?symbol=ETH/USDT&period=All",
    "?held=true",
    "analytics?tab=Profit+by+day",
    "analytics?tab=Returns",
    "analytics?tab=Costs",
    "risk",
    f"decisions?bot={BOT}&period=All",
    "control",
)
# Tables and charts that are seen, and those of them whose next neighbour is no download.
COUNTED = """() => {
  const seen = [...document.querySelectorAll('.live-chart, .grid')].filter(e => e.offsetParent);
  const bare = seen.filter(e => {
    const next = e.closest('.stElementContainer').nextElementSibling;
    const button = next?.querySelector('[data-testid=stPopoverButton]');
    const isBeneath = next?.className.includes('st-key-download_');
    return !(isBeneath && button?.offsetWidth >= 24 && button?.offsetHeight >= 24);
  });
  return [seen.length, bare.length];
}"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("seeded", tmp_path_factory.mktemp("downloads") / "seeded")


@pytest.fixture(scope="module")
def url(books: Path) -> Iterator[str]:
    with running_page(books, free_port()) as address:
        yield address


def rows_of(books: Path, sql: str) -> list[tuple]:
    connection = sqlite_module().connect(books / seeding.FILE)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def open_downloads(page: Page, address: str, name: str) -> None:
    page.goto(address)
    button = page.get_by_role("button", name=f"Download {name}", exact=True).first
    button.wait_for(timeout=30_000)
    page.wait_for_timeout(1_500)
    button.click()


def download(page: Page, label: str) -> Download:
    """Follow a link in its own tab: a download in a tab of its own begins before anybody can wait for it."""
    link = page.get_by_role("link", name=label, exact=True)
    link.evaluate("link => link.removeAttribute('target')")
    with page.expect_download(timeout=10_000) as found:
        still(link).click()
    return found.value


def text_of(download: Download) -> str:
    return Path(download.path()).read_text()


@pytest.mark.parametrize("place", PLACES)
def test_every_table_and_chart_has_its_download_beneath(place: str, url: str, tab: OpenBrowser) -> None:
    page = tab()
    page.goto(f"{url}/{place}")
    page.wait_for_function(f"() => ({COUNTED})()[0] > 0", timeout=30_000)
    page.wait_for_timeout(2_500)
    seen, bare = page.evaluate(COUNTED)
    assert seen > 0
    assert bare == 0
    # At once, for a refresh brings them back.
    gone = "document.querySelectorAll('[class*=st-key-download_]').forEach(e => e.remove())"
    seen, bare = page.evaluate(f"() => {{ {gone}; return ({COUNTED})(); }}")
    assert bare == seen, "the count must see what is missing"


def test_what_a_live_part_shows_is_downloaded_through_its_refreshes(url: str, books: Path, tab: OpenBrowser) -> None:
    page = tab(accept_downloads=True)
    open_downloads(page, f"{url}/trades?rows=Open+positions", "open positions")
    held = rows_of(
        books, "SELECT name, quantity, entry_price FROM bot_state JOIN bot ON bot.id = bot_id WHERE quantity"
    )
    for _ in range(4):
        # Longer than a refresh: what the link gives is drawn anew each time.
        page.wait_for_timeout(2_300)
        taken = download(page, "JSON")
        got = [(row["bot"], row["quantity"], row["entry_price"]) for row in json.loads(text_of(taken))]
        assert len(got) > 3
        assert got == [row for row in held if row[0] in {name for name, *_ in got}]
        assert taken.suggested_filename == "flotilla-open_positions.json"
    rows = csv.DictReader(io.StringIO(text_of(download(page, "CSV"))))
    assert [row["bot"] for row in rows] == [name for name, *_ in got]


def test_a_still_chart_gives_its_figures(url: str, books: Path, tab: OpenBrowser) -> None:
    page = tab(accept_downloads=True)
    open_downloads(page, f"{url}/analytics?tab=Win+rates&period=All", "win rates")
    rows = csv.DictReader(io.StringIO(text_of(download(page, "CSV"))))
    got = {row["label"]: (int(row["count"]), int(row["wins"])) for row in rows}
    counted = rows_of(
        books,
        "SELECT s.name, count(*), sum(profit > 0) FROM round_trip r JOIN sleeve s ON s.id = r.sleeve_id GROUP BY 1",
    )
    assert got == {name: (count, wins) for name, count, wins in counted} != {}


@pytest.mark.parametrize(
    ("query", "link", "where"),
    [
        ("", "CSV, all", "1"),
        ("&sleeves=breakout&sides=long", "CSV, as filtered", "sleeve_id = 2 AND quantity > 0"),
    ],
)
def test_rows_of_the_books_equal_the_database(
    query: str, link: str, where: str, url: str, books: Path, tab: OpenBrowser
) -> None:
    page = tab(accept_downloads=True)
    assert rows_of(books, "SELECT name FROM sleeve WHERE id = 2") == [("breakout",)]
    open_downloads(page, f"{url}/trades?period=All&rows=Fills{query}", "fills")
    anchor = page.get_by_role("link", name=link, exact=True)
    expect(anchor).to_be_visible()
    answer = page.request.get(url + (anchor.get_attribute("href") or ""))
    assert answer.ok and "attachment" in answer.headers["content-disposition"]
    got = [
        (float(row["quantity"]), float(row["price"]), float(row["fee"]))
        for row in csv.DictReader(io.StringIO(answer.text()))
    ]
    kept = rows_of(books, f"SELECT quantity, price, fee FROM fill WHERE {where} ORDER BY time_ms, id")
    assert got == kept
    assert len(kept) > 10


def test_the_link_itself_downloads(url: str, books: Path, tab: OpenBrowser) -> None:
    page = tab(accept_downloads=True)
    open_downloads(page, f"{url}/trades?period=All&rows=Orders", "orders")
    taken = download(page, "JSON, all")
    assert taken.suggested_filename == "flotilla-orders.json"
    (count,) = rows_of(books, 'SELECT count(*) FROM "order"')
    assert len(json.loads(text_of(taken))) == count[0] > 10
