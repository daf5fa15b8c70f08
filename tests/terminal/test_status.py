"""`flotilla status`."""

import json

import pytest
from sqlalchemy import Engine

from dashboard.queries.overview import loss_fraction
from shared.clock import SystemClock
from shared.database import open_reader, transaction
from shared.enums import BarStatus, CommandKind, ScopeKind
from shared.settings import load_settings
from shared.tables.commands import ask
from shared.units import HOUR_MS, bar_open_ms
from tests.research.runs import call
from tests.store.fleets import Books
from tests.terminal.conftest import URL, begin
from worker.live.rows import LotRow
from worker.store import lease
from worker.store.overview import Overview, load_overview
from worker.store.round_trips import save_lots
from worker.terminal.status import brakes, stale_prices

REAL_PRICES = load_settings(None, {}, ["market.kind=ccxt"])


def overview_of(books: Books) -> Overview:
    engine = open_reader(URL)
    with engine.connect() as connection:
        overview = load_overview(connection, books.fleet.portfolio_id)
    engine.dispose()
    assert overview is not None
    return overview


def hold(engine: Engine, books: Books, quantity: float, stop_fraction: float, exit_level: float = 0.0) -> None:
    """Let the first bot hold a position it entered at 100."""
    bot = books.bots[0]
    bot.units, bot.quantity, bot.entry_price = round(quantity * 1e8), quantity, 100.0
    bot.stop_fraction, bot.exit_level = stop_fraction, exit_level
    books.markets[0].close = 101.0
    with transaction(engine) as connection:
        books.save(connection, HOUR_MS)


def test_before_the_first_step_no_time_is_made_up(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status"]) == 0
    printed = capsys.readouterr().out
    assert "no step yet" in printed
    assert "1970" not in printed
    assert "never" not in printed


def test_before_the_first_step_on_an_exchange_the_first_close_is_said(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = SystemClock().now_ms()
    with transaction(engine) as connection:
        begin(connection, now_ms, REAL_PRICES)
    assert call(["status", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["first_close_ms"] == bar_open_ms(now_ms, HOUR_MS) + HOUR_MS
    assert values["worker_is_well"]
    assert call(["status"]) == 0
    assert "no step yet: the first bar closes at " in capsys.readouterr().out


def test_what_the_heartbeat_knows_of_the_first_close_goes_first(engine: Engine) -> None:
    with transaction(engine) as connection:
        books, token = begin(connection, 1, REAL_PRICES)
        beat = lease.Beat(step=0, market_ms=0, wall_ms=0, duration_ms=0.0, lateness_ms=0.0, due_ms=77)
        lease.renew(connection, books.fleet.portfolio_id, token, 2, beat)
    assert overview_of(books).first_close_ms == 77


def test_after_a_step_there_is_no_first_close(engine: Engine) -> None:
    with transaction(engine) as connection:
        books, _ = begin(connection, 1, REAL_PRICES)
        books.save(connection, books.step(fills=0.0))
    overview = overview_of(books)
    assert (overview.step, overview.first_close_ms) == (1, None)


@pytest.mark.parametrize(("quantity", "stop"), [(2.0, 92.0), (-2.0, 108.0)])
def test_a_position_just_opened_shows_its_plain_stop(
    engine: Engine, books: Books, quantity: float, stop: float
) -> None:
    hold(engine, books, quantity, stop_fraction=0.08)
    (line,) = overview_of(books).positions
    assert line.exit_level == pytest.approx(stop)


def test_open_profit_is_that_of_the_lots_after_their_entry_fees(
    engine: Engine, books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(engine, books, -2.0, stop_fraction=0.08)
    lots = [
        LotRow(books.fleet.bots[0].id, number, HOUR_MS, -100_000_000, -1.0, price, 0.25)
        for number, price in ((1, 103.0), (2, 97.0))
    ]
    with transaction(engine) as connection:
        save_lots(connection, [books.fleet.bots[0].id], lots)
    (line,) = overview_of(books).positions
    assert line.open_profit == pytest.approx((103.0 - 101.0) + (97.0 - 101.0) - 0.5)
    assert call(["status"]) == 0
    assert "-2.50" in capsys.readouterr().out


def test_a_level_that_rules_and_a_position_without_a_stop_stay_what_they_are(engine: Engine, books: Books) -> None:
    hold(engine, books, 2.0, stop_fraction=0.08, exit_level=97.0)
    assert overview_of(books).positions[0].exit_level == 97.0
    hold(engine, books, 2.0, stop_fraction=0.0)
    assert overview_of(books).positions[0].exit_level == 0.0


def test_a_fall_of_exactly_the_limit_is_the_limit(engine: Engine, books: Books) -> None:
    for scope in (books.portfolio, *books.sleeves):
        scope.equity, scope.high_water = 800.0, 1000.0
    with transaction(engine) as connection:
        books.save(connection, HOUR_MS)
    overview = overview_of(books)
    assert {sleeve.drawdown for sleeve in overview.sleeves} == {0.2}
    assert next(brake["value"] for brake in brakes(overview) if brake["brake"] == "drawdown") == 0.2
    assert loss_fraction(800.0, 1000.0) == 0.2


@pytest.mark.parametrize(("close", "said"), [(65_123.456, "65,123.456"), (1.2e-7, "0.00000012")])
def test_a_stale_price_is_written_without_powers_of_ten(engine: Engine, books: Books, close: float, said: str) -> None:
    hold(engine, books, 2.0, stop_fraction=0.08)
    books.markets[0].close, books.markets[0].status = close, BarStatus.MISSING.value
    with transaction(engine) as connection:
        books.save(connection, 2 * HOUR_MS)
    (sentence,) = stale_prices(overview_of(books))
    assert f"valued at its last price {said}" in sentence


def test_a_stop_that_waits_is_said_beside_the_level(
    engine: Engine, books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = SystemClock().now_ms()
    whole = (CommandKind.HALT, ScopeKind.PORTFOLIO, "", "the news", "anna", now_ms - HOUR_MS)
    with transaction(engine) as connection:
        ask(connection, books.fleet.portfolio_id, *whole)
        ask(connection, books.fleet.portfolio_id, CommandKind.DEPOSIT, *whole[1:], amount=1.0)
    assert call(["status"]) == 0
    printed = capsys.readouterr().out
    assert "level: trading allowed" in printed and "RUNNING" not in printed
    assert "portfolio: halt asked by anna, not done yet" in printed
    assert "has not answered for 60 min" in printed
    assert printed.count("asked by") == 1, "a deposit stops nothing"
