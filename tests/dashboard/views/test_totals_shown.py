"""Every number every page shows, against the books gone through again from fills alone.

A tile, a caption, a column of numbers or a chart that nobody works out in `totals/catalogue.py` fails its page.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.enums import CommandKind
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected
from tests.dashboard.queries.recomputed import DAY_MS
from tests.dashboard.views.books import SETTINGS_FILE, set_alive
from tests.dashboard.views.conftest import OpenPage
from tests.dashboard.views.totals import ledger as ledgers
from tests.dashboard.views.totals import shown
from tests.dashboard.views.totals.catalogue import Page, pages
from tests.dashboard.views.totals.held_against import complaints
from tests.dashboard.views.totals.ledger import Ledger

# They start a page or a worker of their own, or draw every page.
pytestmark = pytest.mark.slow


def flowing(folder: Path) -> seeding.Books:
    """Make books that end within a day on which money came and went, after days on which it did."""
    folder.mkdir(parents=True)
    books = seeding.Books(folder, seeding.settings_of(*seeding.TIGHT_BRAKES, "risk.trail_activate=0.01", days=6))

    def act(session: seeding.Session) -> None:
        session.step(30)
        session.ask(CommandKind.DEPOSIT, amount=9_000.0)
        session.step(31)
        session.ask(CommandKind.WITHDRAW, amount=2_500.0)
        session.step(63)
        session.ask(CommandKind.DEPOSIT, amount=4_000.0)
        session.step(4)
        session.ask(CommandKind.WITHDRAW, amount=300.0)
        session.step(3)

    seeding.run(books, act)
    return books


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Ledger]]:
    """Give the folder of books and their ledger; each is made once."""
    made: dict[str, tuple[Path, Ledger]] = {}

    def make(name: str) -> tuple[Path, Ledger]:
        if name not in made:
            folder = tmp_path_factory.mktemp("totals") / name
            made[name] = served({"seeded": seeding.seeded, "flowing": flowing}[name](folder))
        return made[name]

    return make


def served(books: seeding.Books) -> tuple[Path, Ledger]:
    """Give the folder of books as a page is opened in it, and their ledger."""
    set_alive(books)
    (books.root / "flotilla.toml").write_text(SETTINGS_FILE)
    return books.root, read(books)


def read(books: seeding.Books) -> Ledger:
    for connection in connected(books):
        return ledgers.read(connection)
    raise AssertionError("the books cannot be opened")


def wrong(open_page: OpenPage, folder: Path, page: Page, ledger: Ledger) -> list[str]:
    """Give what is wrong with a page."""
    return complaints(open_page(folder, page.view, **page.query), page.shown(ledger), ledger)


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_number_is_what_the_fills_amount_to(page: Page, opened, open_page: OpenPage) -> None:
    folder, ledger = opened("seeded")
    assert wrong(open_page, folder, page, ledger) == []


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages() if not page.is_filtered], ids=str)
def test_money_that_came_and_went_today_is_no_profit(page: Page, opened, open_page: OpenPage) -> None:
    folder, ledger = opened("flowing")
    assert wrong(open_page, folder, page, ledger) == []


def test_the_books_hold_what_could_go_wrong(opened) -> None:
    for name in ("seeded", "flowing"):
        ledger = opened(name)[1]
        assert ledger.books.total("funding") and ledger.books.total("saved") > 0.0, "funding, and what crossed in house"
        assert {move["kind"] for move in ledger.transfers} == {"DEPOSIT", "WITHDRAWAL", "REBALANCE"}
        assert ledger.books.trips and ledger.held()
    today = [move for move in ledger.transfers if move["time_ms"] > ledger.midnight_ms]
    assert {move["kind"] for move in today} >= {"DEPOSIT", "WITHDRAWAL"} and ledger.now_ms % DAY_MS


def test_parts_shown_sum_to_the_totals_shown(opened, open_page: OpenPage) -> None:
    folder, ledger = opened("flowing")
    tiles = {tile.label: tile for tile in shown.tiles(open_page(folder, "overview"))}
    bots = shown.tables(open_page(folder, "bots"))[0]
    costs = shown.tables(open_page(folder, "analytics", tab="Costs"))[0]
    trips = shown.tables(open_page(folder, "trades", period="All"))[0]
    exposures = shown.tables(open_page(folder, "risk"))[1]
    # The list has what came after the newest mark, which figures count from the next.
    counted, listed = ({(trip.bot, trip.closed_ms) for trip in books.trips} for books in (ledger.marked, ledger.books))
    assert len(trips) == len(listed) and counted < listed
    trips = trips[[pair in counted for pair in zip(trips["bot"], trips["closed_ms"], strict=True)]]
    closed = {tile.label: tile for tile in shown.tiles(open_page(folder, "analytics"))}
    for said, parts in (
        (tiles["Equity, USDT"].change, bots["profit_so_far"].sum()),
        (tiles["Equity, USDT"].change, costs["profit"].sum()),
        (tiles["Open profit"].value, bots["open_profit"].sum()),
        (closed["Profit"].value, trips["profit"].sum()),
    ):
        assert shown.agrees(said, parts)
    assert (
        shown.disagreement(tiles["Exposure"].about, "# held, # net", exposures["gross"].sum(), exposures["net"].sum())
        == ""
    )
    for name in ("equity", "fees"):
        assert bots[name].sum() == pytest.approx(costs[name].sum())
    gross, fees, funding, profit = (costs[name].sum() for name in ("gross_profit", "fees", "funding", "profit"))
    assert gross - fees + funding == pytest.approx(profit)
    sleeves = shown.tables(open_page(folder, "analytics", tab="Win rates", by="sleeve"))[0]
    assert (sleeves["profit"].sum(), sleeves["count"].sum()) == (pytest.approx(trips["profit"].sum()), len(trips))
    parts = {
        of: shown.tables(open_page(folder, "control"))[1].query("scope_kind == @of")
        for of in ("bot", "sleeve", "portfolio")
    }
    for name in ("notional", "positions"):
        assert parts["bot"][name].sum() == pytest.approx(parts["sleeve"][name].sum()) == parts["portfolio"][name].sum()


# Each changes the books by a cent where a page must notice.
SABOTEURS = {
    "a fee": ("UPDATE fill SET fee = fee + 0.01 WHERE id = (SELECT max(id) FROM fill)", ("overview", "bots", "costs")),
    "a deposit": ("UPDATE transfer SET amount = amount + 0.01 WHERE id = 1", ("overview", "bots", "costs")),
    "a bot's equity": ("UPDATE bot_state SET equity = equity + 0.01 WHERE bot_id = 3", ("bots", "costs")),
    "the portfolio's equity": ("UPDATE portfolio_state SET equity = equity + 0.01", ("overview",)),
    "a round trip": ("UPDATE round_trip SET profit = profit + 0.01 WHERE id = 7", ("trades", "trips", "rates")),
    "a last price": ("UPDATE market_state SET close = close * 1.0001", ("overview", "bots", "risk", "control")),
}
HELD = {
    "overview": ("overview", {"period": "All"}),
    "bots": ("bots", {}),
    "costs": ("analytics", {"tab": "Costs"}),
    "trades": ("trades", {"period": "All"}),
    "trips": ("analytics", {"period": "All"}),
    "rates": ("analytics", {"tab": "Win rates", "by": "sleeve"}),
    "risk": ("risk", {}),
    "control": ("control", {}),
}


@pytest.mark.parametrize("saboteur", SABOTEURS)
def test_a_cent_that_is_out_is_caught(saboteur: str, tmp_path: Path, open_page: OpenPage) -> None:
    sql, views = SABOTEURS[saboteur]
    books = seeding.seeded(tmp_path / "books")
    books.write(sql)
    folder, ledger = served(books)
    for view in views:
        page = next(page for page in pages() if (page.view, page.query) == HELD[view])
        assert wrong(open_page, folder, page, ledger), f"{view} must differ from what the fills amount to"


def test_a_number_that_nobody_works_out_is_caught(opened, open_page: OpenPage) -> None:
    folder, ledger = opened("seeded")
    page = next(page for page in pages() if page.view == "allocations")
    app, expected = open_page(folder, page.view, **page.query), page.shown(ledger)
    assert complaints(app, expected, ledger) == []
    label, table = next(iter(expected.tiles)), expected.tables[0]
    assert table is not None
    less = [{name: value for name, value in row.items() if name != "actual_share"} for row in table.rows]
    for known, said in (
        (replace(expected, tiles={}), f"tile {label!r} is shown and nobody works it out"),
        (replace(expected, charts={}), "chart 'weights' is drawn and nobody works it out"),
        (replace(expected, tables=expected.tables[:-1]), "2 tables are worked out, 3 are shown"),
        (
            replace(expected, tables=(replace(table, rows=less), *expected.tables[1:])),
            "column 'actual_share' holds numbers",
        ),
    ):
        assert any(said in complaint for complaint in complaints(app, known, ledger)), said
