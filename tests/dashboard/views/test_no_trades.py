"""Where nothing trades the pages say why, where somebody would look; and nothing where something does."""

from pathlib import Path

import pytest

from dashboard.components.address import moment_text
from dashboard.queries.no_trades import load_idle_bots, load_idle_fleet
from shared.enums import Reason
from shared.units import HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import ID
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.books import SETTINGS_FILE, set_alive
from tests.dashboard.views.conftest import Folder, OpenPage

NUMBER = "portfolio.capital_per_bot 50 is below risk.min_notional 100"
BOT = "bo_btc_usdt_1h_p1"


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books of bots that have less than the smallest order."""
    root = tmp_path_factory.mktemp("poor")
    settings = seeding.settings_of("portfolio.capital_per_bot=50", 'portfolio.symbols=["BTC/USDT"]', days=4)
    books = seeding.Books(root, settings)
    seeding.run(books, lambda session: session.step(96))
    (root / "flotilla.toml").write_text(SETTINGS_FILE)
    set_alive(books)
    return root


def said(app: object) -> list[str]:
    return [text.value.replace("\\", "") for text in app.info if "trade" in text.value]


@pytest.mark.parametrize(
    ("page", "query", "who"),
    [
        ("overview", {}, "Nothing was traded in this period"),
        ("overview", {"period": "All"}, "Nothing was traded so far"),
        ("bots", {}, "Nothing was traded so far"),
        ("bot", {"bot": BOT}, f"{BOT} made no trade in this period"),
        ("decisions", {"bot": BOT, "part": "Reasons counted"}, "Nothing was traded in this period"),
    ],
)
def test_a_page_says_why_nothing_trades(
    page: str, query: dict[str, str], who: str, poor: Path, open_page: OpenPage
) -> None:
    app = open_page(poor, page, **query)
    assert not app.exception
    (sentence,) = said(app)
    assert sentence.startswith(f"{who}: ") and f"steps min notional: {NUMBER}; the others" in sentence


@pytest.mark.parametrize("page", ["overview", "bots"])
def test_a_fleet_that_trades_is_not_excused(page: str, folder: Folder, open_page: OpenPage) -> None:
    assert said(open_page(folder("seeded"), page)) == []


def test_a_bot_that_made_no_trade_in_the_period_says_why(folder: Folder, open_page: OpenPage) -> None:
    last = "SELECT max(time_ms) FROM fill JOIN bot ON bot.id = bot_id WHERE name = ?"
    for connection in connected(seeding.seeded()):
        last_ms = int(connection.exec_driver_sql(last, (BOT,)).scalar_one())
    asked = {"period": "Dates", "period_from": moment_text(last_ms + HOUR_MS)}
    (sentence,) = said(open_page(folder("seeded"), "bot", bot=BOT, **asked))
    assert sentence.startswith(f"{BOT} made no trade in this period: ")


def test_idle_bots_of_one_reason_are_told_together(poor: Path) -> None:
    for connection in connected(seeding.Books(poor, seeding.settings_of())):
        fleet, groups = load_idle_fleet(connection, ID), load_idle_bots(connection, ID)
        assert fleet is not None and fleet.of_bots == len(fleet.bots) == 9
        assert sorted(name for group in groups for name in group.bots) == sorted(fleet.bots)
        assert [len(group.bots) for group in groups] == sorted((len(group.bots) for group in groups), reverse=True)
        for reason in Reason:
            every = sum(group.stood.counts.get(reason, 0) for group in groups)
            kept = connection.exec_driver_sql(
                "SELECT coalesce(sum(to_step - from_step + 1), 0) FROM "
                "(SELECT * FROM decision UNION ALL SELECT * FROM open_decision) WHERE reason = ?",
                (reason.name,),
            ).scalar_one()
            assert fleet.stood.counts.get(reason, 0) == every == kept
        assert fleet.stood.steps == 9 * 96 and fleet.stood.allocation == 50.0
