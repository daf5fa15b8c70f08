"""Filters stand in the address bar, and take what they say."""

from tests.dashboard.views.conftest import Folder, OpenPage


def test_filters_of_the_address_are_those_of_the_page(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "trades", period="All", symbols="BTC/USDT", sides="long")
    trips = next(frame.value for frame in app.dataframe if "exit_reason" in frame.columns)
    assert set(trips["symbol"]) == {"BTC/USDT"}
    assert set(trips["side"]) == {"long"}


def test_without_filters_there_is_more(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "trades", period="All")
    trips = next(frame.value for frame in app.dataframe if "exit_reason" in frame.columns)
    assert set(trips["symbol"]) == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    assert set(trips["side"]) == {"long", "short"}


def test_a_name_nobody_has_takes_nothing_away(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "trades", period="All", symbols="NONE/USDT")
    assert not app.exception
    assert any("exit_reason" in frame.value.columns for frame in app.dataframe)


def test_why_a_bot_did_not_trade_can_be_linked_to(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "decisions", bot="bo_eth_usdt_1h_p2", day="2026-01-06", at="12:00")
    assert not app.exception
    assert app.selectbox("bot").value == "bo_eth_usdt_1h_p2"
    assert any("Band **" in text.value for text in app.markdown)
