"""The rows of the reconciliation table: what is found on an account, and what then becomes of it."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from shared.database import transaction
from shared.enums import CommandKind, Side
from tests.live.exchange_place import ExchangePlace, exchange_place
from tests.live.fake_market import STEP_MS
from tests.live.running import small_settings
from tests.live.test_exchange_orders import LIVE
from tests.live.test_parity import two_symbols
from worker.exchange.protocol import ExchangeOrder, Flow, Status
from worker.live.worker import LiveWorker
from worker.orders.ids import own_prefix
from worker.store.doctor import examine

COIN = 100_000_000


@pytest.fixture
def place(tmp_path: Path) -> ExchangePlace:
    return exchange_place(tmp_path, small_settings(*LIVE), two_symbols())


@pytest.fixture
def worker(place: ExchangePlace) -> Iterator[LiveWorker]:
    with place.open() as worker:
        place.walk(worker, 40)
        assert place.value("SELECT count(*) FROM fill") > 5
        yield worker


def _entries(place: ExchangePlace, symbol: str = "") -> int:
    return place.value("SELECT count(*) FROM fill WHERE leg = 'OPEN' AND symbol LIKE ?", symbol or "%")


def _reasons(place: ExchangePlace, symbol: str) -> set[str]:
    return {
        reason
        for (reason,) in place.rows(
            "SELECT reason FROM open_decision JOIN bot ON bot.id = bot_id WHERE symbol = ? "
            "UNION SELECT reason FROM decision JOIN bot ON bot.id = bot_id WHERE symbol = ?",
            symbol,
            symbol,
        )
    }


def _events(place: ExchangePlace, kind: str) -> list[str]:
    return [message for (message,) in place.rows("SELECT message FROM event WHERE kind = ? ORDER BY id", kind)]


def _state(place: ExchangePlace) -> tuple[int, int, str | None]:
    ((reconciled_ms, differs, message),) = place.rows("SELECT reconciled_ms, differs, message FROM account_state")
    return reconciled_ms, differs, message


def _wait(place: ExchangePlace, worker: LiveWorker, seconds: int = 130) -> None:
    """Let time pass without a bar."""
    for _ in range(seconds):
        worker.answer_commands()
        place.clock.sleep(1)


def _assert_held(place: ExchangePlace) -> None:
    """The books' quantity of each symbol is the exchange's, to the last digit."""
    assert place.account is not None
    for symbol in ("AAA/USDT", "BBB/USDT"):
        held = place.value("SELECT sum(units) FROM bot_state JOIN bot ON bot.id = bot_id WHERE symbol = ?", symbol)
        base = symbol.partition("/")[0]
        found = place.account.balances().get(base, Decimal(0)) - place.account.extra.get(base, Decimal(0))
        assert held == found * COIN


def test_nothing_is_entered_before_a_full_pass_has_agreed(place: ExchangePlace) -> None:
    assert place.account is not None
    place.account.is_unreadable = True
    with place.open() as worker:
        place.walk(worker, 40)
        assert _entries(place) == 0
        assert "RECONCILIATION" in _reasons(place, "AAA/USDT")
        assert len(_events(place, "RECONCILIATION_FAILED")) == 1
        assert (_state(place)[0], "the last pass failed" in str(_state(place)[2])) == (0, True)
        place.account.is_unreadable = False
        place.walk(worker, 40)
        assert _entries(place) > 5
        assert _state(place)[2] is None
    assert len(_events(place, "RECONCILIATION_BASELINE")) == 1


@pytest.mark.slow
def test_what_was_there_before_is_the_baseline(place: ExchangePlace) -> None:
    assert place.account is not None
    place.account.extra = {"AAA": Decimal("7.5"), "XRP": Decimal(3)}
    with place.open() as worker:
        place.walk(worker, 60)
    assert _entries(place) > 5
    assert _state(place)[1:] == (0, None)
    _assert_held(place)


@pytest.mark.slow
def test_nothing_differs_is_said_with_its_time(place: ExchangePlace, worker: LiveWorker) -> None:
    reconciled_ms, differs, message = _state(place)
    assert (differs, message) == (0, None)
    assert place.clock.now_ms() - reconciled_ms <= STEP_MS
    _assert_held(place)


def test_a_quantity_that_differs_stops_entries_of_its_symbol_alone_until_it_agrees(
    place: ExchangePlace, worker: LiveWorker
) -> None:
    assert place.account is not None
    equity = place.value("SELECT equity FROM portfolio_state")
    place.account.extra = {"AAA": Decimal("0.5")}
    _wait(place, worker)
    before = _entries(place, "AAA/USDT"), _entries(place, "BBB/USDT")
    assert place.value("SELECT equity FROM portfolio_state") == equity
    place.walk(worker, 60)
    assert _entries(place, "AAA/USDT") == before[0]
    assert _entries(place, "BBB/USDT") > before[1]
    assert "RECONCILIATION" in _reasons(place, "AAA/USDT")
    assert "RECONCILIATION" not in _reasons(place, "BBB/USDT")
    said = _events(place, "RECONCILIATION_DIFFERS")
    assert said
    assert "difference +0.5" in said[0]
    place.account.extra = {}
    place.walk(worker, 60)
    assert _entries(place, "AAA/USDT") > before[0]
    assert _state(place)[1:] == (0, None)


@pytest.mark.slow
def test_money_that_vanishes_stops_all_entries_and_is_nobodys_loss(place: ExchangePlace, worker: LiveWorker) -> None:
    assert place.account is not None
    place.account.extra = {"USDT": Decimal(-4_000)}
    _wait(place, worker)
    before = _entries(place)
    equity = place.value("SELECT equity FROM portfolio_state")
    _wait(place, worker)
    assert place.value("SELECT equity FROM portfolio_state") == equity
    place.walk(worker, 30)
    assert _entries(place) == before
    assert "difference -4000" in _events(place, "RECONCILIATION_DIFFERS")[0]


def test_a_deposit_in_the_exchanges_ledger_is_a_flow(place: ExchangePlace, worker: LiveWorker) -> None:
    assert place.account is not None
    cash = place.value("SELECT cash FROM portfolio_state")
    place.account.explained.append(Flow("d1", "USDT", Decimal(250), place.clock.now_ms()))
    _wait(place, worker)
    assert place.value("SELECT cash FROM portfolio_state") == cash + 250
    assert place.rows("SELECT amount, kind FROM transfer ORDER BY id DESC LIMIT 1") == [(250.0, "DEPOSIT")]
    _wait(place, worker)
    assert place.value("SELECT cash FROM portfolio_state") == cash + 250
    assert _state(place)[1:] == (0, None)


def test_an_own_trade_that_is_not_in_the_books_is_booked_to_its_orders_shares(place: ExchangePlace) -> None:
    account = place.account
    assert account is not None
    account.fills_at_opens = False
    with place.open() as worker:
        place.walk(worker, 10)
        account.script = ["silence"] * 3
        while account.script:
            place.walk(worker, 1)
        lost = [request for request in account.sent if request.client_order_id not in account.orders]
        # Long after it was proved absent the order shows up all the same.
        _wait(place, worker)
        account.late = [(0, request) for request in lost]
        _wait(place, worker)
        filled = [account.orders[request.client_order_id] for request in lost]
        assert filled
        for order in filled:
            units = place.value('SELECT filled_units FROM "order" WHERE client_order_id = ?', order.client_order_id)
            assert units == order.filled * COIN
        _assert_held(place)
        _wait(place, worker)
        assert _state(place)[1:] == (0, None)


def test_an_open_order_of_ours_that_nobody_intended_is_cancelled_and_a_foreign_one_is_left_alone(
    place: ExchangePlace, worker: LiveWorker
) -> None:
    account = place.account
    assert account is not None
    installation = place.value("SELECT installation FROM portfolio")
    ours = own_prefix(installation) + "a" * 13
    for name, number in ((ours, "x1"), ("x-somebody", "x2"), ("wzzzzaaaaaaaaaaaaa", "x3")):
        order = ExchangeOrder(name, number, "AAA/USDT", Side.BUY, Status.OPEN, Decimal(1), Decimal(0), 0)
        account.strange.append(order)
    _wait(place, worker)
    assert account.cancelled == [ours]
    assert [order.exchange_id for order in account.strange] == ["x2", "x3"]
    assert len(_events(place, "ORDER_UNINTENDED")) == 1
    assert len(_events(place, "ORDER_FOREIGN")) == 2


def _resolve(place: ExchangePlace, worker: LiveWorker, detail: str, scope: str = "") -> tuple[str, str]:
    return place.ask_and_answer(worker, CommandKind.RECONCILE, scope, detail=detail)


@pytest.mark.slow
def test_what_is_nobodys_is_expected_from_then_on(place: ExchangePlace, worker: LiveWorker) -> None:
    assert place.account is not None
    place.account.extra = {"AAA": Decimal("0.5")}
    _wait(place, worker)
    before = _entries(place, "AAA/USDT")
    status, answer = _resolve(place, worker, "AAA/USDT unattributed")
    assert (status, answer) == ("DONE", "+0.5 AAA of account main is nobody's: the books expect it from now on")
    place.walk(worker, 60)
    assert _entries(place, "AAA/USDT") > before
    assert _state(place)[1:] == (0, None)
    _assert_held(place)


def test_what_a_bot_adopts_is_its_own_at_the_last_price(place: ExchangePlace, worker: LiveWorker) -> None:
    assert place.account is not None
    bot = place.value("SELECT name FROM bot WHERE symbol = 'AAA/USDT' LIMIT 1")
    held = "SELECT units FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?"
    before, equity = place.value(held, bot), place.value("SELECT sum(cash) FROM bot_state")
    place.account.extra = {"AAA": Decimal("0.5")}
    _wait(place, worker)
    assert _resolve(place, worker, "AAA/USDT adopt", f"bot:{bot}")[0] == "DONE"
    assert place.value(held, bot) == before + COIN // 2
    assert place.value("SELECT sum(cash) FROM bot_state") < equity
    assert place.rows("SELECT trigger, units FROM fill ORDER BY id DESC LIMIT 1") == [("ADOPT", COIN // 2)]
    _wait(place, worker)
    assert _state(place)[1:] == (0, None)
    with transaction(place.engine) as connection:
        assert [finding.identity for finding in examine(connection, 1) if not finding.holds] == []


@pytest.mark.slow
def test_money_that_came_without_a_word_of_the_ledger_is_a_deposit_by_a_persons(
    place: ExchangePlace, worker: LiveWorker
) -> None:
    assert place.account is not None
    cash = place.value("SELECT cash FROM portfolio_state")
    place.account.extra = {"USDT": Decimal(300)}
    _wait(place, worker)
    assert _resolve(place, worker, "USDT withdraw")[0] == "REFUSED"
    _wait(place, worker)
    assert _resolve(place, worker, "USDT deposit")[0] == "DONE"
    assert place.value("SELECT cash FROM portfolio_state") == cash + 300
    _wait(place, worker)
    assert _state(place)[1:] == (0, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("AAA/USDT forget", "must say one of adopt, deposit, withdraw, unattributed, was 'forget'"),
        ("BBB/USDT unattributed", "symbol must be one of AAA, was 'BBB/USDT'"),
        ("AAA/USDT adopt", "adopt must name a running bot"),
        ("AAA/USDT deposit", "deposit must be of the quote USDT, was of AAA"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    place: ExchangePlace, worker: LiveWorker, detail: str, said: str
) -> None:
    assert place.account is not None
    place.account.extra = {"AAA": Decimal("0.5")}
    _wait(place, worker)
    status, answer = _resolve(place, worker, detail)
    assert status == "REFUSED"
    assert said in answer
    _wait(place, worker)
    assert _state(place)[1] == 1


def test_what_is_told_before_the_first_step_has_a_time(place: ExchangePlace) -> None:
    with place.open() as worker:
        _wait(place, worker, 3)
        ((time_ms, wall_ms),) = place.rows("SELECT time_ms, wall_ms FROM event WHERE kind = 'RECONCILIATION_BASELINE'")
        assert time_ms == wall_ms > 0
