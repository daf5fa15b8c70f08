"""The way to stop everything is one press away from every page, whatever stands in the address bar."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.views.conftest import Folder, OpenPage

PLACES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("overview", {}),
    ("overview", {"period": "All", "measure": "Profit", "lines": ["Portfolio", "sleeve breakout"]}),
    ("bots", {"period": "7d", "bots": ["mr_btc_usdt_1h_p1", "mr_btc_usdt_1h_p2"]}),
    ("bot", {"bot": "bo_eth_usdt_1h_p2", "period": "All"}),
    ("allocations", {"of": "Bots", "period": "7d"}),
    ("trades", {"rows": "Fills", "period": "All", "sides": "long", "exits": "stop"}),
    ("analytics", {"tab": "Win rates", "by": "hour", "symbols": "ETH/USDT"}),
    ("risk", {}),
    ("decisions", {"bot": "bo_eth_usdt_1h_p2", "day": "2026-01-06", "at": "12:00"}),
)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query"), PLACES, ids=[f"{page} {query}" for page, query in PLACES])
def test_every_page_has_the_link_to_the_kill_switch(
    page: str, query: dict[str, Any], folder: Folder, open_page: OpenPage
) -> None:
    assert [link.label for link in links(open_page(folder("seeded"), page, **query)) if link.page == "control"] == [
        "Stop trading"
    ]
    assert not links(open_page(folder("seeded"), page, role="viewer", **query))


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query"), PLACES, ids=[f"{page} {query}" for page, query in PLACES])
def test_what_is_halted_can_be_flattened_from_every_page(
    page: str, query: dict[str, Any], folder: Folder, open_page: OpenPage
) -> None:
    app = open_page(folder("halted"), page, **query)
    assert not app.exception
    app.button("close_PORTFOLIO_").click().run()
    assert [error.message for error in app.exception] == []
    assert app.button("command_send").label == "Flatten now"


def links(app: AppTest) -> list[Any]:
    """Give the links of the sidebar to pages."""
    return [link.proto for link in app.sidebar.get("page_link")]
