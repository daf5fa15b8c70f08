"""Where orders go and how that stands, as the pages read it."""

from pathlib import Path

from dashboard.queries.orders import Orders, load_orders_under_way
from shared.clock import SystemClock
from shared.tables.under_way import MOST_ORDERS
from tests.dashboard import seeding
from tests.dashboard.seeding import Books

ID = seeding.PORTFOLIO_ID


def loaded(books: Books) -> Orders:
    engine = books.reader()
    with engine.connect() as connection:
        found = load_orders_under_way(connection, ID)
    engine.dispose()
    return found


def test_on_paper_there_are_accounts_and_nothing_on_its_way() -> None:
    found = loaded(seeding.seeded())
    assert not found.is_live
    assert [place.account for place in found.places] == ["paper"]
    assert (found.under_way.accounts, found.under_way.orders, found.under_way.count) == ((), (), 0)


def test_live_accounts_come_with_their_settings_and_state(folder: Path) -> None:
    found = loaded(seeding.live(folder, testnet=False))
    (place,) = found.places
    assert (place.account, place.exchange, place.type, place.is_testnet, place.limit) == (
        *("main", "binance", "spot", False, 27_000.0),
    )
    assert (found.is_live, found.every_ms, found.alarm_ms, found.first_orders) == (True, 60_000, 60_000, 10)
    (account,) = found.under_way.accounts
    assert (account.orders_sent, account.used_weight, account.differences) == (12, 120.0, ())


def test_only_what_differs_is_a_difference(folder: Path) -> None:
    books = seeding.live(folder)
    coin = "INSERT INTO account_coin (portfolio_id, account, coin, baseline, explained, expected, found, checked_ms) "
    for name, expected, held in (("BTC", "0.5", "0.6"), ("ETH", "1.0", "1.00"), ("USDT", "7", "7")):
        books.write(f"{coin} VALUES (1, 'main', ?, '0', '0', ?, ?, 0)", name, expected, held)
    assert loaded(books).under_way.accounts[0].differences == ()
    books.write("UPDATE account_state SET differs = 1")
    (difference,) = loaded(books).under_way.accounts[0].differences
    assert (difference.coin, difference.expected, difference.found, str(difference.gap)) == ("BTC", "0.5", "0.6", "0.1")


def test_of_many_orders_those_of_which_nothing_is_known_come_first_and_all_are_counted(folder: Path) -> None:
    books, now_ms = seeding.live(folder), SystemClock().now_ms()
    some = 'SELECT id FROM "order" ORDER BY id LIMIT ?'
    books.write(f"UPDATE \"order\" SET status = 'OPEN' WHERE id IN ({some})", MOST_ORDERS + 3)
    seeding.order_under_way(books, "wlost", "UNKNOWN", now_ms, looks=3, look_ms=now_ms + 4_000)
    seeding.order_under_way(books, "wdone", "FILLED", now_ms)
    under_way = loaded(books).under_way
    assert under_way.count == MOST_ORDERS + 4
    assert len(under_way.orders) == MOST_ORDERS
    first = under_way.orders[0]
    assert (first.client_order_id, first.is_unknown, first.looks) == ("wlost", True, 3)
    assert "wdone" not in {order.client_order_id for order in under_way.orders}
