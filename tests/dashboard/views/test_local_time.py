"""The switch to local time: everything on the screen follows it, and what was picked stays picked."""

from datetime import date, time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components import address, moments, zone
from shared.units import format_time, parse_time_ms
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids

BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"
BOT = "bo_eth_usdt_1h_p2"


@pytest.fixture
def clock_of(monkeypatch: pytest.MonkeyPatch):
    """Let the person's browser be in a zone."""
    return lambda name: monkeypatch.setattr(zone, "_own", lambda: name)


@pytest.fixture
def shown_in(clock_of, monkeypatch: pytest.MonkeyPatch):
    """Let the switch of a page without a session be in a zone."""

    def show(name: str) -> None:
        for module in (zone, address, moments):
            monkeypatch.setattr(module, "zone", lambda: name)

    return show


@pytest.mark.parametrize(
    "said",
    [None, "", "x" * 100_000, "a/" * 50_000, "UTC\0", "America", "../../etc/passwd", "/etc/localtime", "Nowhere/At"],
)
def test_a_zone_that_is_none_is_utc(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone.st, "context", SimpleNamespace(timezone=said))
    assert zone._own() == zone.UTC
    monkeypatch.setattr(zone.st, "context", SimpleNamespace(timezone=BERLIN))
    assert zone._own() == BERLIN


def local(app: AppTest) -> AppTest:
    return app.toggle(zone.KEY).set_value(True).run()


def card(app: AppTest) -> list[str]:
    """Give what the decision cards say, but for times."""
    return [text.value for text in app.markdown if text.value.startswith(("####", "Band", "**"))]


def boxes(app: AppTest) -> tuple[date, time]:
    return app.date_input[0].value, app.time_input[0].value


def test_a_link_shows_the_same_bar_by_another_clock(folder: Folder, open_page: OpenPage, clock_of) -> None:
    clock_of(KOLKATA)
    link = {"bot": BOT, "day": "2026-01-06", "at": "12:00"}
    app = open_page(folder("seeded"), "decisions", **link)
    assert boxes(app) == (date(2026, 1, 6), time(12, 0))
    in_utc = card(app)
    assert len(in_utc) > 4, "there must be decisions to compare"
    app = local(app)
    assert boxes(app) == (date(2026, 1, 6), time(17, 30))
    assert app.date_input[0].label == f"Date, {KOLKATA}"
    assert card(app) == in_utc
    assert "2026-01-06 17:30 IST is 2026-01-06 12:00 UTC" in texts(app)


def test_a_time_picked_by_the_own_clock_stands_in_the_address_in_utc(
    folder: Folder, open_page: OpenPage, clock_of
) -> None:
    clock_of(KOLKATA)
    app = local(open_page(folder("seeded"), "decisions", bot=BOT))
    app.date_input[0].set_value(date(2026, 1, 7)).run()
    app.time_input[0].set_value(time(1, 30)).run()
    assert (app.query_params["day"], app.query_params["at"]) == ("2026-01-06", "20:00")
    picked = card(app)
    app.toggle(zone.KEY).set_value(False).run()
    assert boxes(app) == (date(2026, 1, 6), time(20, 0))
    assert card(app) == picked
    assert card(open_page(folder("seeded"), "decisions", bot=BOT, day="2026-01-06", at="20:00")) == picked


def test_an_hour_that_comes_twice_is_asked_for(folder: Folder, open_page: OpenPage, clock_of) -> None:
    clock_of(BERLIN)
    app = local(open_page(folder("seeded"), "decisions", bot=BOT, day="2026-10-25", at="01:30"))
    assert boxes(app) == (date(2026, 10, 25), time(2, 30))
    which = app.segmented_control(f"fold_{BERLIN}")
    assert which.value == "CET"
    which.set_value("CEST").run()
    assert "2026-10-25 02:30 CEST is 2026-10-25 00:30 UTC" in texts(app)
    assert app.query_params["at"] == "00:30"


@pytest.mark.parametrize(
    ("day", "at", "fold", "comes_twice", "utc"),
    [
        ("2026-10-25", "01:30", 0, False, "2026-10-24 23:30 UTC"),
        ("2026-10-25", "02:30", 0, True, "2026-10-25 00:30 UTC"),
        ("2026-10-25", "02:30", 1, True, "2026-10-25 01:30 UTC"),
        ("2026-10-25", "03:30", 0, False, "2026-10-25 02:30 UTC"),
        # Left out by the clock: the hour after it.
        ("2026-03-29", "02:30", 0, False, "2026-03-29 01:30 UTC"),
    ],
)
def test_clocks_of_days_on_which_they_are_changed(
    day: str, at: str, fold: int, comes_twice: bool, utc: str, shown_in
) -> None:
    shown_in(BERLIN)
    picked = date.fromisoformat(day), time.fromisoformat(at)
    assert format_time(address.clock_to_ms(*picked, fold)) == utc
    assert moments.twice(*picked) == (("CEST", "CET") if comes_twice else ())


def test_sentences_tables_and_the_day_say_whose_clock_it_is(folder: Folder, open_page: OpenPage, clock_of) -> None:
    clock_of(BERLIN)
    app = open_page(folder("seeded"), "overview")
    assert "market time 2026-01-13 00:00 UTC" in texts(app)
    app = local(app)
    assert "market time 2026-01-13 01:00 CET" in texts(app)
    today = next(metric for metric in app.metric if metric.label == "Profit today, UTC")
    assert "2026-01-13 01:00 CET" in today.help or "2026-01-12 01:00 CET" in today.help


def test_dates_are_days_of_the_own_clock_and_instants_in_the_address(
    folder: Folder, open_page: OpenPage, clock_of
) -> None:
    clock_of(KOLKATA)
    app = local(open_page(folder("seeded"), "trades", period="Dates"))
    app.date_input[0].set_value(date(2026, 1, 5)).run()
    app.date_input[1].set_value(date(2026, 1, 6)).run()
    assert app.query_params["period_from"] == "2026-01-04T18:30Z"
    assert app.query_params["period_to"] == "2026-01-06T18:30Z"
    assert "From 2026-01-05 00:00 IST to 2026-01-07 00:00 IST" in texts(app)
    closed = next(frame.value for frame in grids(app) if "closed_ms" in frame.value.columns)["closed_ms"]
    assert len(closed) > 3
    assert parse_time_ms("2026-01-04T18:30Z") <= closed.min()
    assert closed.max() < parse_time_ms("2026-01-06T18:30Z")


@pytest.mark.parametrize("written", ["", "yesterday", "2026-13-45", "9999-12-31", "0001-01-01", "2026-01-01T99:00Z"])
def test_an_address_that_makes_no_sense_is_refused(written: str, folder: Folder, open_page: OpenPage) -> None:
    for query in ({"day": written, "at": written}, {"period": "Dates", "period_from": written, "period_to": written}):
        app = open_page(folder("seeded"), "decisions", bot=BOT, **query)
        assert [error.message for error in app.exception] == []
        assert len(app.error) == (1 if written else 0), "nothing in the address is no time, and none is asked for"
        if "day" in query or not written:
            assert any("Band **" in text.value for text in app.markdown) is not bool(written)
