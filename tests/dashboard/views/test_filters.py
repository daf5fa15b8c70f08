"""Filters stand in the address bar, and take what they say."""

from types import SimpleNamespace

import pytest

from dashboard.components import panels, pickers
from dashboard.queries.filters import Filters
from tests.dashboard.views.conftest import Folder, OpenPage
from tests.dashboard.views.grids import grids
from tests.dashboard.views.totals import shown


def test_filters_of_the_address_are_those_of_the_page(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "trades", period="All", symbols="BTC/USDT", sides="long")
    trips = next(frame.value for frame in grids(app) if "exit_reason" in frame.value.columns)
    assert set(trips["symbol"]) == {"BTC/USDT"}
    assert set(trips["side"]) == {"long"}


def test_without_filters_there_is_more(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "trades", period="All")
    trips = next(frame.value for frame in grids(app) if "exit_reason" in frame.value.columns)
    assert set(trips["symbol"]) == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    assert set(trips["side"]) == {"long", "short"}


BOT, OTHER = "mr_btc_usdt_1h_p1", "bo_eth_usdt_1h_p1"


@pytest.mark.parametrize("query", [{"bot": BOT}, {"bots": BOT}, {"bots": [BOT, OTHER]}, {"bot": [BOT, OTHER]}])
def test_a_bot_is_named_by_either_word_where_there_may_be_several(
    query: dict, folder: Folder, open_page: OpenPage
) -> None:
    app = open_page(folder("seeded"), "trades", period="All", **query)
    asked = {name for value in query.values() for name in ([value] if isinstance(value, str) else value)}
    assert not app.exception and set(app.multiselect("bots").value) == asked
    trips = next(frame.value for frame in grids(app) if "exit_reason" in frame.value.columns)
    assert set(trips["bot"]) == asked
    assert app.run().multiselect("bots").value, "and it stays when the page is drawn again"


@pytest.mark.parametrize("name", ["bot", "bots"])
def test_a_bot_is_named_by_either_word_where_there_is_one(name: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "bot", **{name: OTHER})
    assert not app.exception and app.selectbox("bot").value == OTHER


@pytest.mark.parametrize(("page", "key"), [("overview", "lines"), ("control", "scope")])
def test_a_scope_is_named_by_the_word_for_it(page: str, key: str, folder: Folder, open_page: OpenPage) -> None:
    for query, scope in (({"bot": BOT}, f"bot {BOT}"), ({"sleeves": "breakout"}, "sleeve breakout")):
        app = open_page(folder("seeded"), page, **query)
        picked = app.multiselect(key).value if page == "overview" else [app.selectbox(key).value]
        assert not app.exception and picked == [scope]


UNKNOWN = (
    ("trades", {"bot": "nosuch"}, "bot nosuch"),
    ("trades", {"bot": BOT, "bots": OTHER}, "It names the same filter twice, as bot and as bots"),
    ("trades", {"symbol": "nosuch", "period": "All"}, "symbol nosuch"),
    ("bot", {"bots": "nosuch"}, "bot nosuch"),
    ("bot", {"bots": ["mr_btc_usdt_1h_p1", "bo_eth_usdt_1h_p1"]}, "one bot is picked, and the address names 2"),
    ("control", {"bots": "nosuch"}, "bot nosuch"),
    ("trades", {"period": "All", "symbols": "NONE/USDT"}, "symbol NONE/USDT"),
    ("trades", {"bots": ["mr_btc_usdt_1h_p1", "nosuch"]}, "bot nosuch"),
    ("trades", {"exits": "nosuch"}, "exit reason nosuch"),
    ("trades", {"period": "5d"}, "period 5d"),
    ("trades", {"period": "Dates", "period_from": "2026-99-99"}, "2026-99-99 is no date"),
    ("overview", {"lines": "sleeve nosuch"}, "scope sleeve nosuch"),
    ("bot", {"bot": "nosuch"}, "bot nosuch"),
    ("control", {"scope": "bot nosuch"}, "scope bot nosuch"),
    ("analytics", {"tab": "Returns", "of": "bot nosuch"}, "scope bot nosuch"),
    ("decisions", {"day": "2026-99-99", "at": "zz"}, "2026-99-99 zz is no moment"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query", "said"), UNKNOWN, ids=lambda value: str(value))
def test_an_address_of_what_is_not_there_shows_nothing_else_in_its_place(
    page: str, query: dict, said: str, folder: Folder, open_page: OpenPage
) -> None:
    app = open_page(folder("seeded"), page, **query)
    assert not app.exception
    assert [said in shown.plain(error.value) for error in app.error] == [True]
    assert not any(button.label.startswith(("Flatten", "No entries", "Every row")) for button in app.main.button)
    if page in ("trades", "bot", "control"):
        assert not len(grids(app)) and not app.metric
    (way_on,) = [button for button in app.main.button if (button.key or "").startswith("without_")]
    way_on.click().run()
    assert not app.error and not app.exception, "and there is a way on"


def test_the_last_days_move_on_with_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    day_ms, market = 86_400_000, [30 * 86_400_000]
    monkeypatch.setattr(pickers.loaders, "newest", lambda: SimpleNamespace(market_ms=market[0]))
    asked: list[object] = []
    chosen = pickers.ChosenFilters(pickers.ChosenPeriod(1), Filters(bots=("a",)))
    panel = panels.guarded(lambda *arguments: asked.append(arguments))
    panel(chosen, pickers.ChosenPeriod(7), "as it is")
    market[0] += 36 * 3_600_000
    panel(chosen, pickers.ChosenPeriod(7), "as it is")
    begin = pickers.Period(23 * day_ms, None)
    assert asked[0] == (Filters(29 * day_ms, bots=("a",)), begin, "as it is")
    later_ms = 36 * 3_600_000
    moved = pickers.Period(23 * day_ms + later_ms, None)
    assert asked[1] == (Filters(29 * day_ms + later_ms, bots=("a",)), moved, "as it is")
    dates = pickers.ChosenPeriod(dates=pickers.Period(1, 2))
    assert dates.now() == pickers.Period(1, 2) and pickers.ChosenPeriod().now() == pickers.ALWAYS


def test_what_is_ticked_is_of_the_bots_on_show(folder: Folder, open_page: OpenPage) -> None:
    keys = {}
    for symbol in ("BTC/USDT", "ETH/USDT"):
        app = open_page(folder("seeded"), "bots", symbols=symbol)
        ((keys[symbol], names),) = [
            (frame.key, frame.value["bot"]) for frame in grids(app) if "sparkline" in frame.value.columns
        ]
        assert len(names) == 9
    assert keys["BTC/USDT"] != keys["ETH/USDT"], "a selection by place must not pass to other bots"


def test_why_a_bot_did_not_trade_can_be_linked_to(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "decisions", bot="bo_eth_usdt_1h_p2", day="2026-01-06", at="12:00")
    assert not app.exception
    assert app.selectbox("bot").value == "bo_eth_usdt_1h_p2"
    assert any("Band **" in text.value for text in app.markdown)
