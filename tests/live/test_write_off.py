"""Symbols that are traded no more: told once, valued at their last price, written off by a person."""

from collections.abc import Iterator

import pytest

from shared.database import transaction
from shared.enums import CommandKind
from shared.errors import ConfigurationError
from shared.money import quantity_text
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import FakeMarket, still_bars
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.live.running import SYMBOLS, Place, show_and_step, small_settings
from worker.live.worker import LiveWorker
from worker.market.protocol import Limits
from worker.store.doctor import examine
from worker.store.overview import load_overview
from worker.terminal.status import stale_prices

pytestmark = pytest.mark.usefixtures("plain")

FIRST, SECOND = SYMBOLS
HELD = 18
PLAIN = (*NO_DEFAULTS, *PLAIN_RISK, "risk.brakes=false", "strategies.steady.grid=[[1.0], [-0.5]]")
LONG, SHORT, OTHER = "st_aaa_usdt_5m_p1", "st_aaa_usdt_5m_p2", "st_bbb_usdt_5m_p1"
WHY = "an exchange does not list it"


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """Four bots that hold their positions; from bar 19 on the first symbol is traded no more."""
    bars = {symbol: still_bars([100.0] * 60, wobble=0.001) for symbol in SYMBOLS}
    place = make_place(small_settings(*PLAIN), FakeMarket(bars))
    with place.open() as worker:
        show_and_step(place, worker, HELD)
    place.market.ends = {FIRST: WHY}
    return place


@pytest.fixture
def worker(place: Place) -> Iterator[LiveWorker]:
    """The worker, two bars on."""
    with place.open() as worker:
        show_and_step(place, worker, HELD + 2)
        yield worker


def state(place: Place, bot: str, column: str) -> float:
    return place.value(f"SELECT {column} FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?", bot)


def write_off(place: Place, worker: LiveWorker, bot: str, price: float | None) -> tuple[str, str]:
    return place.ask_and_answer(worker, CommandKind.WRITE_OFF, f"bot:{bot}", amount=price)


def test_a_symbol_that_is_gone_is_told_once_and_stale_at_each_step(place: Place, worker: LiveWorker) -> None:
    show_and_step(place, worker, HELD + 5)
    ((message,),) = place.rows("SELECT message FROM event WHERE kind = 'SYMBOL_MISSING'")
    assert message == (
        f"{FIRST} has no bar: {WHY}; {LONG}, {SHORT} hold it, valued at its last price 100 of 2026-01-01 01:30 UTC; "
        "what can be sold no more is written off by `flotilla write-off`"
    )
    assert state(place, LONG, "reason") == "STALE" and state(place, OTHER, "reason") == "HOLD"
    assert place.value("SELECT count(*) FROM bar_record WHERE symbol = ? AND status = 'MISSING'", FIRST) == 5
    assert place.value("SELECT close FROM market_state WHERE symbol = ?", FIRST) == 100.0
    with transaction(place.engine) as connection:
        overview = load_overview(connection, 1)
    assert overview is not None
    assert stale_prices(overview) == [f"{FIRST} has no bar: valued at its last price 100 of 2026-01-01 01:30 UTC"]
    place.market.ends = {}
    show_and_step(place, worker, HELD + 7)
    ((message,),) = place.rows("SELECT message FROM event WHERE kind = 'SYMBOL_BACK'")
    assert message == f"{FIRST} has bars again, after 30 min"
    assert_books(place)


@pytest.mark.parametrize("price", [0.0, 40.0])
@pytest.mark.parametrize("bot", [LONG, SHORT])
def test_a_write_off_closes_the_whole_position_at_its_price_without_a_fee(
    place: Place, worker: LiveWorker, bot: str, price: float
) -> None:
    quantity, cash, step = state(place, bot, "quantity"), state(place, bot, "cash"), HELD + 2
    fees, equity = state(place, bot, "fees_paid"), place.value("SELECT equity FROM portfolio_state")
    status, said = write_off(place, worker, bot, price)
    assert status == "DONE"
    drawdown = 1.0 - (equity + quantity * (price - 100.0)) / place.value("SELECT high_water FROM portfolio_state")
    assert said.endswith(f" against its last price 100; the portfolio's drawdown is {max(drawdown, 0.0):.2%}")
    assert said.startswith(f"{bot} is flat: {quantity_text(quantity)} of {FIRST} written off at {price:g}, ")
    assert (state(place, bot, "quantity"), state(place, bot, "fees_paid")) == (0.0, fees)
    assert state(place, bot, "cash") == cash + quantity * price == state(place, bot, "equity")
    assert place.value("SELECT equity FROM portfolio_state") == pytest.approx(equity + quantity * (price - 100.0))
    fills = place.rows("SELECT quantity, price, fee, leg, trigger, step, client_order_id FROM fill ORDER BY id DESC")
    assert fills[0] == (-quantity, price, 0.0, "CLOSE", "WRITE_OFF", step + 1, None), "a step of its own, no order"
    reason, profit = place.rows("SELECT exit_reason, profit FROM round_trip ORDER BY id DESC")[0]
    assert reason == "WRITE_OFF"
    assert profit == pytest.approx(quantity * (price - 100.0) - fees, abs=1.0)
    show_and_step(place, worker, HELD + 4)
    assert state(place, bot, "quantity") == 0.0
    assert_books(place)
    with transaction(place.engine) as connection:
        assert not [finding for finding in examine(connection, 1) if not finding.holds]


@pytest.mark.parametrize("price", [0.0, 40.0])
@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
def test_a_write_off_of_dust_is_no_round_trip_and_leaves_no_lot(place: Place, side: int, price: float) -> None:
    of = "bot_id = (SELECT id FROM bot WHERE name = ?)"
    with place.open() as worker:
        show_and_step(place, worker, HELD + 2)
        assert write_off(place, worker, LONG, 100.0)[0] == "DONE"
    trips = place.value("SELECT count(*) FROM round_trip")
    make_dust(place, LONG, 5 * side, 10)
    with place.open() as worker:
        assert write_off(place, worker, LONG, price)[0] == "DONE"
        assert state(place, LONG, "units") == 0
        assert place.value(f"SELECT count(*) FROM lot WHERE {of}", LONG) == 0
        assert place.value("SELECT count(*) FROM round_trip") == trips
        carried = place.value(f"SELECT profit FROM open_round_trip WHERE {of}", LONG)
        assert carried == pytest.approx(5e-8 * side * (price - 100.0))
        show_and_step(place, worker, HELD + 4)
    with transaction(place.engine) as connection:
        held_to = [finding for finding in examine(connection, 1) if finding.of == LONG and "profit" in finding.identity]
    assert held_to and all(abs(finding.gap) < 1e-9 for finding in held_to)


def make_dust(place: Place, bot: str, units: int, least: int) -> None:
    """Let a flat bot hold what is less than the smallest quantity, bought or sold at 100."""
    id_ = place.value("SELECT id FROM bot WHERE name = ?", bot)
    quantity = units / 1e8
    place.write("UPDATE market_state SET min_units = ? WHERE symbol = ?", least, FIRST)
    place.write(
        "UPDATE bot_state SET units = ?, quantity = ?, cash = cash - ? WHERE bot_id = ?",
        *(units, quantity, 100.0 * quantity, id_),
    )
    place.write(
        "INSERT INTO lot (bot_id, number, opened_ms, units, quantity, price, fee) VALUES (?, 0, 1, ?, ?, 100.0, 0.0)",
        *(id_, units, quantity),
    )


@pytest.mark.parametrize(
    ("bot", "price", "said"),
    [
        (LONG, -1.0, "price must be 0 or more, was -1.0"),
        (LONG, float("inf"), "price must be 0 or more, was inf"),
        (LONG, None, "price must be 0 or more, was no number"),
        (LONG, 1e15, "price must be at most "),
        (OTHER, 0.0, f"{SECOND} has bars, the last at 2026-01-01 01:40 UTC: what can be sold is not written off; "),
        ("st_nobody", 0.0, "write-off must be for a running bot, was for 'st_nobody'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    place: Place, worker: LiveWorker, bot: str, price: float | None, said: str
) -> None:
    status, answer = write_off(place, worker, bot, price)
    assert status == "REFUSED" and answer.startswith(said)
    assert not place.value("SELECT count(*) FROM fill WHERE trigger = 'WRITE_OFF'")


def test_a_bot_that_holds_nothing_has_nothing_to_write_off(place: Place, worker: LiveWorker) -> None:
    assert write_off(place, worker, LONG, 0.0)[0] == "DONE"
    assert write_off(place, worker, LONG, 0.0) == ("REFUSED", f"{LONG} holds nothing to write off")
    assert place.ask_and_answer(worker, CommandKind.WRITE_OFF, "", amount=0.0)[0] == "REFUSED"


def test_a_flatten_does_not_sell_what_is_traded_no_more(place: Place, worker: LiveWorker) -> None:
    status, said = place.ask_and_answer(worker, CommandKind.FLATTEN, "")
    assert status == "DONE" and said.endswith(f"still open: {LONG}, {SHORT}")
    assert state(place, OTHER, "quantity") == 0.0
    assert_books(place)


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
def test_the_orders_of_others_wait_on_after_a_write_off(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    bars = {symbol: still_bars([100.0] * 60, wobble=0.001) for symbol in SYMBOLS}
    place = make_place(small_settings(*PLAIN), FakeMarket(bars))
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.PAUSE, f"bot:{OTHER}")
        show_and_step(place, worker, HELD)
        place.market.ends = {FIRST: WHY}
        place.ask_and_answer(worker, CommandKind.RELEASE, f"bot:{OTHER}")
        with monkeypatch.context() as patch:
            patch.setattr(place.market, "fetch_opens", lambda open_ms: {})
            show_and_step(place, worker, HELD + 1)
        assert place.value("SELECT count(*) FROM \"order\" WHERE status = 'INTENT'") == 1
        assert write_off(place, worker, LONG, 0.0)[0] == "DONE"
        assert state(place, OTHER, "quantity") == 0.0
        if not restarts:
            show_and_step(place, worker, HELD + 2)
    if restarts:
        with place.open() as worker:
            show_and_step(place, worker, HELD + 2)
    assert state(place, OTHER, "quantity") > 0.0 == state(place, LONG, "quantity")
    assert_books(place)


def test_a_bot_taken_out_of_the_settings_retires_once_its_position_is_written_off(place: Place) -> None:
    place.settings = small_settings(*PLAIN, f"portfolio.symbols=['{SECOND}']")
    with place.open() as worker:
        show_and_step(place, worker, HELD + 3)
        assert state(place, LONG, "quantity") != 0.0
        assert place.value("SELECT status FROM bot WHERE name = ?", LONG) == "RETIRING"
        for bot in (LONG, SHORT):
            assert write_off(place, worker, bot, 1.0)[0] == "DONE"
        show_and_step(place, worker, HELD + 20)
    assert {status for (status,) in place.rows("SELECT status FROM bot WHERE symbol = ?", FIRST)} == {"RETIRED"}
    assert_books(place)


@pytest.mark.parametrize("reloads", [False, True], ids=["at a start", "at a reload"])
def test_the_limits_of_a_symbol_that_is_gone_are_those_of_the_books(place: Place, reloads: bool) -> None:
    place.write("UPDATE market_state SET min_notional = 12.5, step_units = 100000 WHERE symbol = ?", FIRST)
    with place.open() as worker:
        if reloads:
            place.settings = small_settings(*PLAIN, "risk.min_notional=200.0")
            assert worker.reload() == ["risk: min_notional 100.0 → 200.0"]
        show_and_step(place, worker, HELD + 1)
    assert place.rows("SELECT step_units, min_notional FROM market_state ORDER BY symbol") == [
        (100_000, 12.5),
        (1, 10.0 if reloads else 5.0),
    ]


def test_a_reload_with_limits_that_are_none_changes_nothing(place: Place) -> None:
    with place.open() as worker:
        columns = "SELECT step_units, min_units, min_notional FROM market_state"
        before = place.rows(columns)
        place.market._limits = Limits(float("nan"))
        place.settings = small_settings(*PLAIN, "risk.min_notional=200.0")
        with pytest.raises(ConfigurationError, match=f"{SECOND}: quantity step must be a number"):
            worker.reload()
        show_and_step(place, worker, HELD + 1)
        assert place.rows(columns) == before
        place.market._limits = Limits()
        assert worker.reload() == ["risk: min_notional 100.0 → 200.0"], "it can be asked again"
