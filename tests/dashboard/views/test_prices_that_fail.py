"""What the pages say of symbols that are traded no more, and of a clock that is not the exchange's."""

from pathlib import Path
from shutil import copytree

import pytest

from shared.clock import SystemClock
from shared.units import HOUR_MS, format_time
from tests.dashboard import seeding
from tests.dashboard.views.conftest import Folder, OpenPage, texts


@pytest.fixture
def books(folder: Folder, tmp_path: Path) -> seeding.Books:
    return seeding.Books(copytree(folder("seeded"), tmp_path / "own"), seeding.seeded().settings)


def rows(books: seeding.Books, sql: str) -> list[tuple]:
    with books.reader().connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


HELD = """SELECT bot.name, bot.symbol FROM bot JOIN bot_state ON bot_id = bot.id JOIN market_state m
          ON m.symbol = bot.symbol WHERE abs(units) >= min_units ORDER BY bot.id"""


@pytest.mark.parametrize("page", ["overview", "risk", "bot"])
def test_a_position_without_a_price_of_today_says_of_when_its_price_is(
    books: seeding.Books, open_page: OpenPage, page: str
) -> None:
    bot, symbol = rows(books, HELD)[0]
    query = {"bot": bot} if page == "bot" else {}
    assert "No bar by now" not in texts(open_page(books.root, page, **query))
    ((close_ms,),) = rows(books, "SELECT market_ms FROM heartbeat")
    price_ms = close_ms - 5 * HOUR_MS
    books.write("UPDATE market_state SET status = 'MISSING', price_ms = ? WHERE symbol = ?", price_ms, symbol)
    said = texts(open_page(books.root, page, **query)).replace("\\", "")
    assert f"No bar by now, valued at the last price: {symbol} " in said
    assert f" of {format_time(price_ms)}. What can be sold no more is written off by `flotilla write-off`." in said


def test_the_last_price_of_a_cheap_coin_is_no_power_of_ten(books: seeding.Books, open_page: OpenPage) -> None:
    symbol = rows(books, HELD)[0][1]
    books.write("UPDATE market_state SET status = 'MISSING', close = 1.2e-7 WHERE symbol = ?", symbol)
    said = texts(open_page(books.root, "risk")).replace("\\", "")
    assert f"valued at the last price: {symbol} 0.00000012" in said


def test_a_clock_that_is_not_the_exchanges_is_warned_of_and_the_worker_is_well(
    books: seeding.Books, open_page: OpenPage
) -> None:
    books.write("UPDATE heartbeat SET ahead_ms = ?", HOUR_MS)
    app = open_page(books.root, "overview")
    said = texts(app).replace("\\", "")
    assert "This machine's clock is 60 min behind the exchange's. Steps are made all the same" in said
    assert "The worker is running,  \nlast step" in said
    assert not app.error


def test_a_clock_that_was_set_back_is_said_and_no_age_is_below_0(books: seeding.Books, open_page: OpenPage) -> None:
    before_ms = SystemClock().now_ms() + HOUR_MS
    books.write("UPDATE heartbeat SET wall_ms = ?, lease_renewed_ms = ?", before_ms, before_ms)
    said = texts(open_page(books.root, "overview")).replace("\\", "")
    assert "has not been heard since the clock was set back, last step before the clock was set back" in said
    assert "clock was set back by at least 60 min" in said
