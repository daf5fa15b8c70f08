"""Decisions tells what the strategy saw; One bot shows it, and the trade that was clicked."""

import json

import pytest

from dashboard.components.trade import around
from dashboard.queries.seen import OTHER_BAND, load_seen_at
from dashboard.queries.trades import load_round_trips
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, ID
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.conftest import Folder, OpenPage, texts

BOT = "bo_eth_usdt_1h_p2"
NOON = {"bot": BOT, "day": "2026-01-09", "at": "12:00"}
NOON_MS = BEGIN_MS + 8 * DAY_MS + 12 * HOUR_MS


def test_decisions_says_what_the_strategy_saw(folder: Folder, open_page: OpenPage) -> None:
    said = texts(open_page(folder("seeded"), "decisions", **NOON)).replace("\\", "")
    for connection in connected(seeding.seeded()):
        for sentence in load_seen_at(connection, ID, BOT, NOON_MS)["saw"]:
            assert sentence in said and "60-bar channel" in sentence


def test_other_candles_are_another_sentence(folder: Folder, open_page: OpenPage) -> None:
    own = folder("seeded").parent / "other_candles"
    books = seeding.living(own)
    (own / "flotilla.toml").write_text((folder("seeded") / "flotilla.toml").read_text())
    # Within the channel still: the band stays, the number changes.
    books.write("UPDATE candle SET close = close * 1.0001 WHERE symbol = 'ETH/USDT' AND open_ms = ?", NOON_MS - HOUR_MS)
    for connection in connected(books):
        now = load_seen_at(connection, ID, BOT, NOON_MS)["saw"].iloc[0]
    for connection in connected(seeding.seeded()):
        assert load_seen_at(connection, ID, BOT, NOON_MS)["saw"].iloc[0] != now != OTHER_BAND
    assert now in texts(open_page(own, "decisions", **NOON)).replace("\\", "")


def figure_of(app: object) -> dict:
    """Give the figure of the candles as the browser gets it."""
    for element in app.get("bidi_component"):
        held = json.loads(element.proto.json or "{}") if element.proto.json else {}
        if "figure" in held and "candlestick" in held["figure"]:
            return json.loads(held["figure"])
    raise AssertionError("no candles on the page")


@pytest.mark.slow
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_the_address_of_a_trade_shows_it_with_what_was_around_it(
    side: str, folder: Folder, open_page: OpenPage
) -> None:
    for connection in connected(seeding.seeded()):
        trips = load_round_trips(connection, ID).rows
    row = trips[trips["side"] == side].iloc[0].to_dict()
    asked = around(row, HOUR_MS)
    assert asked["trade"] == str(row["round_trip_id"])
    app = open_page(folder("seeded"), "bot", bot=row["bot"], **asked)
    assert not app.exception
    figure = figure_of(app)
    (shape,) = figure["layout"]["shapes"]
    assert (shape["x0"], shape["x1"]) == (row["opened_ms"], row["closed_ms"])
    # Of another bot it is none.
    other = next(name for name in trips["bot"] if name != row["bot"])
    assert not figure_of(open_page(folder("seeded"), "bot", bot=other, **asked))["layout"].get("shapes")


def test_a_trade_lies_within_what_is_shown_of_it() -> None:
    row = {"bot": BOT, "opened_ms": BEGIN_MS + 7, "closed_ms": BEGIN_MS + 200 * HOUR_MS, "round_trip_id": 3}
    asked = around(row, HOUR_MS)
    assert asked == {
        "trade_from": "2025-12-27T20:00Z", "trade_to": "2026-01-13T12:00Z", "trade": "3",
    }  # fmt: skip
    fill = around({"time_ms": BEGIN_MS + 40 * HOUR_MS}, HOUR_MS)
    assert fill == {"trade_from": "2026-01-01T10:00Z", "trade_to": "2026-01-03T22:00Z"}
