"""Brakes of a live fleet: what trips them, what survives a restart, and what releases them."""

import pytest

from shared.enums import Cause, CommandKind
from shared.units import HOUR_MS
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, STEP_MS, FakeMarket, still_bars
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.live.running import Place, show_and_step, small_settings

pytestmark = pytest.mark.usefixtures("plain")

ALONE = ("portfolio.symbols=['AAA/USDT']", *NO_DEFAULTS, *PLAIN_RISK, "strategies.steady.grid=[[1.0]]")
# Bars until the first position is held, for the ATR warms up over 14.
HELD = 18


def falling(make_place: MakePlace, to: float, *overrides: str, start_ms: int = START_MS, after: int = 40) -> Place:
    """A bot that is long from 100 on, while the price goes to `to` in one bar and stays there."""
    bars = still_bars([100.0] * HELD + [to] * after, start_ms=start_ms, wobble=0.001)
    return make_place(small_settings(*ALONE, *overrides), FakeMarket({"AAA/USDT": bars}))


def level_of(place: Place, table: str = "portfolio_state", cause: str = "drawdown") -> str:
    """The level a cause holds a scope at."""
    return place.value(f"SELECT level_{cause} FROM {table}")


def test_an_unrealised_fall_of_a_fifth_trips_the_portfolio_without_a_closed_trade(make_place: MakePlace) -> None:
    place = falling(make_place, 79.5, "risk.daily_loss=1", "risk.bot_drawdown=1", "risk.sleeve_drawdown=1")
    with place.open() as worker:
        show_and_step(place, worker, HELD)
        assert place.value("SELECT quantity FROM bot_state") > 9.0
        assert level_of(place) == "RUNNING"
        show_and_step(place, worker, HELD + 1)
    assert level_of(place) == "FLATTEN"
    drawdown = place.value(
        "SELECT max(drawdown_fraction) FROM equity_point WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP'"
    )
    assert 0.20 <= drawdown < 0.21
    closed = place.rows("SELECT closed_ms FROM round_trip")
    tripped = place.rows("SELECT time_ms, severity FROM event WHERE kind = 'DRAWDOWN_TRIPPED'")
    # The only trade that closed is the flattening itself, at the next open, after the brake.
    assert tripped == [(START_MS + (HELD + 1) * STEP_MS, "ERROR")]
    assert closed == [(START_MS + (HELD + 1) * STEP_MS,)]
    assert place.value("SELECT trigger FROM fill ORDER BY id DESC LIMIT 1") == "FLATTEN"
    assert_books(place)


def test_a_fall_of_less_than_a_fifth_warns_once_and_trips_nothing(make_place: MakePlace) -> None:
    place = falling(make_place, 81.0, "risk.daily_loss=1", "risk.bot_drawdown=1", "risk.sleeve_drawdown=1")
    place.run(HELD + 2, HELD + 5)
    assert level_of(place) == "RUNNING"
    assert place.rows("SELECT scope_kind, kind FROM event WHERE scope_kind = 'PORTFOLIO'") == [
        ("PORTFOLIO", "DRAWDOWN_WARNED")
    ]


def test_a_restart_releases_no_drawdown_brake(make_place: MakePlace) -> None:
    place = falling(make_place, 79.5, "risk.daily_loss=1")
    worker = place.run(HELD + 1, HELD + 2, HELD + 20)
    assert level_of(place) == "FLATTEN"
    assert place.value("SELECT quantity FROM bot_state") == 0.0
    assert place.value("SELECT count(*) FROM fill") == 2
    assert place.value("SELECT reason FROM bot_state") == "FLATTEN"
    assert worker._fleet.bots[0].confirmed == 1.0, "the strategy wants to be long all the time"


def test_midnight_releases_the_daily_brake_and_no_drawdown_brake(make_place: MakePlace) -> None:
    overrides = ("risk.portfolio_drawdown=0.055", "risk.daily_loss=0.05", "risk.bot_drawdown=1")
    place = falling(make_place, 94.0, *overrides, start_ms=START_MS + 22 * HOUR_MS)
    midnight_ms = START_MS + 24 * HOUR_MS
    with place.open() as worker:
        show_and_step(place, worker, 23)
        assert (level_of(place), level_of(place, cause="daily_loss")) == ("FLATTEN", "NO_ENTRIES")
    with place.open() as worker:
        show_and_step(place, worker, 24)
    assert (level_of(place), level_of(place, cause="daily_loss")) == ("FLATTEN", "RUNNING")
    assert place.rows("SELECT time_ms, message FROM event WHERE kind = 'DAILY_LOSS_RELEASED'") == [
        (midnight_ms, "portfolio: the daily loss brake released itself at the start of the UTC day")
    ]
    assert place.value("SELECT count(*) FROM event WHERE kind = 'DRAWDOWN_RELEASED'") == 0


def test_a_person_releases_a_drawdown_with_a_reason_and_the_high_water_mark_begins_anew(make_place: MakePlace) -> None:
    place = falling(make_place, 79.5, "risk.daily_loss=1", "risk.bot_drawdown=1", "risk.sleeve_drawdown=1")
    with place.open() as worker:
        show_and_step(place, worker, HELD + 3)
        equity = place.value("SELECT equity FROM portfolio_state")
        assert equity < 0.81 * place.value("SELECT high_water FROM portfolio_state")
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE, cause=Cause.DRAWDOWN, reason="looked into it")
        assert (status, said) == ("DONE", "portfolio released, cause DRAWDOWN")
    assert place.value("SELECT high_water FROM portfolio_state") == equity
    assert "looked into it" in place.value("SELECT message FROM event WHERE kind = 'RELEASE_DONE'")
    place.market.show(HELD + 10)
    place.run()
    assert level_of(place) == "RUNNING"
    assert place.value("SELECT quantity FROM bot_state") > 0.0, "it enters again"
    assert_books(place)


def short_until_gone(make_place: MakePlace, quote: str, *overrides: str) -> Place:
    """A bot that is short from 100 on, while the price goes to 225 in one bar: more than its money is lost."""
    short = (f"portfolio.symbols=['AAA/{quote}']", f"portfolio.quote={quote}", "strategies.steady.grid=[[-1.0]]")
    bars = still_bars([100.0] * HELD + [225.0] * 3, wobble=0.001)
    return make_place(small_settings(*ALONE, *short, *overrides), FakeMarket({f"AAA/{quote}": bars}))


@pytest.mark.parametrize(
    ("quote", "money", "digits"),
    [("USDT", (), 2), ("BTC", ("portfolio.capital_per_bot=0.01", "risk.min_notional=0.001"), 7)],
)
def test_what_a_bot_lost_beyond_its_money_is_told_in_the_digits_of_its_money(
    make_place: MakePlace, quote: str, money: tuple[str, ...], digits: int
) -> None:
    place = short_until_gone(make_place, quote, *money)
    place.run()
    (message, value) = place.rows("SELECT message, value FROM event WHERE kind = 'BANKRUPT_TRIPPED'")[0]
    assert -0.3 < value / (0.01 if money else 1000.0) < -0.2
    assert message == (
        f"bot st_aaa_{quote.lower()}_5m_p1: its money is gone, equity {value:,.{digits}f}; its position is closed and "
        f"it gets no more money. It lost {-value:,.{digits}f} more than it had, which the portfolio bears"
    )


def test_sleeve_and_bot_drawdowns_stop_entries_of_their_scope_alone(make_place: MakePlace) -> None:
    overrides = ("risk.daily_loss=1", "risk.portfolio_drawdown=1")
    place = falling(make_place, 69.0, *overrides)
    place.run()
    assert level_of(place) == "RUNNING"
    assert (level_of(place, "sleeve_state"), level_of(place, "bot_state")) == ("NO_ENTRIES", "NO_ENTRIES")
    assert place.value("SELECT quantity FROM bot_state") > 0.0, "no entries is no flatten"
