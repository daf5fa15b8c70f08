"""The worker's account on every face of the local exchange, without sockets: what it does is what the exchange has."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from pydantic import SecretStr

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.enums import Side
from tests.exchange import record
from tests.exchange.accounts import Account
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.in_process import InProcessAdapter
from worker.exchange.account import CcxtAccount
from worker.exchange.keys import Keys
from worker.exchange.protocol import Fate, OrderKind, OrderRequest, Refusal, Status

BEGIN_MS = 1_767_226_800_000
AHEAD_MS = 1_500
SYMBOL = "BTC/USDT"
KINDS = [
    ("binance", "spot"),
    ("binance", "swap"),
    ("gate", "spot"),
    ("bybit", "spot"),
    ("bybit", "swap"),
    ("bybit", "unified"),
]


@dataclass
class Face:
    """An account of the worker's, and the exchange's own account behind it."""

    clock: ManualClock
    exchange: Exchange
    desk: Desk
    theirs: Account
    ours: CcxtAccount
    kind: str

    def order(self, name: str, quantity: str = "0.01", kind: OrderKind = OrderKind.MARKET, **changes: object):
        given: dict = {"side": Side.BUY, "reference_price": self.exchange.price("BTCUSDT"), **changes}
        return self.ours.send(OrderRequest(name, SYMBOL, quantity=Decimal(quantity), kind=kind, **given))

    def known(self, name: str) -> list[record.OrderRow]:
        rows = record.orders_by_client_id(self.exchange, self.theirs)
        return rows[name] or rows[f"t-{name}"]


@pytest.fixture(params=KINDS, ids=" ".join)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    exchange_name, kind = request.param
    clock = ManualClock(BEGIN_MS)
    exchange = Exchange(lambda: BEGIN_MS + AHEAD_MS + clock.monotonic_ms())
    theirs = exchange.open_account("theirs", unified=exchange_name == "bybit", USDT="100000")
    if not theirs.unified:
        exchange.fund_contracts(theirs, "USDT", "100000")
    clock.sleep(1)
    desk = Desk(exchange, with_sockets=False)
    keys = Keys(key=SecretStr(theirs.key.api_key), secret=SecretStr(theirs.key.secret))
    settings = AccountSettings.model_validate({"exchange": exchange_name, "type": kind, "sandbox": False})
    carry = InProcessAdapter(desk, clock, is_total=True).send
    ours = CcxtAccount("main", settings, keys, clock, carry)
    ours.connect([SYMBOL])
    ours.set_up([SYMBOL], 3, isolated=True, hedge=False)
    yield Face(clock, exchange, desk, theirs, ours, kind)
    record.check(exchange)


def test_what_the_worker_books_is_what_the_exchange_has(face: Face) -> None:
    assert abs(face.ours.skew_ms() - AHEAD_MS) < 100
    assert face.order("wabcd1").fate is Fate.ACCEPTED
    (known,), (trade,) = face.known("wabcd1"), record.trades(face.exchange, face.theirs)
    found = face.ours.look_up(SYMBOL, "wabcd1", None, face.clock.now_ms())
    assert found.order is not None and found.complete
    assert (found.order.status, found.order.filled) == (Status.FILLED, known.filled)
    (booked,) = face.ours.trades(SYMBOL, BEGIN_MS)
    assert (booked.quantity, booked.price) == (trade.quantity, trade.price)
    assert (booked.fee, booked.fee_coin, booked.is_maker) == (trade.fee, trade.fee_coin, False)
    held = record.balances(face.exchange, face.theirs)
    wallet = "unified" if face.theirs.unified else face.kind
    theirs = {coin: free + locked for (name, coin), (free, locked) in held.items() if name == wallet}
    assert face.ours.balances() == theirs
    if face.kind == "swap":
        assert face.ours.positions([SYMBOL]) == {SYMBOL: known.filled}
        assert face.order("wabcd2", side=Side.SELL, reduce_only=True).fate is Fate.ACCEPTED
        assert face.ours.positions([SYMBOL]) == {SYMBOL: 0} and not record.positions(face.exchange, face.theirs)


def test_a_maker_order_rests_is_seen_and_is_cancelled_once(face: Face) -> None:
    assert face.order("wabcd1", kind=OrderKind.MAKER, price=Decimal(55000)).fate is Fate.ACCEPTED
    (resting,) = face.ours.open_orders([SYMBOL])
    assert (resting.client_order_id, resting.status, resting.price) == ("wabcd1", Status.OPEN, 55000)
    assert face.ours.cancel(SYMBOL, "wabcd1", None).fate is Fate.ACCEPTED
    assert face.ours.cancel(SYMBOL, "wabcd1", None).fate is Fate.REJECTED
    assert not face.ours.open_orders([SYMBOL]) and face.known("wabcd1")[0].status == "CANCELED"


def test_refusals_are_provable_and_what_is_not_there_is_not_found(face: Face) -> None:
    answer = face.order("wabcd1", "100")
    assert (answer.fate, answer.refusal) == (Fate.REJECTED, Refusal.FUNDS)
    found = face.ours.look_up(SYMBOL, "wabcd1", None, face.clock.now_ms())
    assert found.order is None and found.complete and not face.known("wabcd1")


@pytest.mark.parametrize("action", ["accept_hang", "accept_reset", "html", "short"])
def test_an_answer_that_is_lost_leaves_an_order_that_is_found(face: Face, action: str) -> None:
    face.desk.faults.add(action, "*/order*", "POST")
    assert face.order("wabcd1").fate is Fate.UNKNOWN
    found = face.ours.look_up(SYMBOL, "wabcd1", None, face.clock.now_ms())
    assert found.order is not None and found.order.status is Status.FILLED and len(face.known("wabcd1")) == 1


def test_a_key_that_may_withdraw_is_known_to_and_deposits_are_told(face: Face) -> None:
    face.theirs.key.may_withdraw = True
    assert face.ours.rights().may_withdraw in (True, None)
    since_ms = face.ours.now_ms()
    face.clock.sleep(2)
    face.exchange.flows.deposit(face.theirs, "USDT", Decimal(50))
    if not face.theirs.unified:
        places = [(face.theirs, product) for product in face.theirs.fees]
        face.exchange.flows.transfer(places[0], places[1], "USDT", Decimal(20))
    face.clock.sleep(2)
    told = face.ours.flows(since_ms)
    assert told is not None and sum(flow.amount for flow in told) == (
        20 if (face.kind, face.theirs.unified) == ("swap", False) else 50
    )
