"""Break glass in a storm: whatever becomes of requests, nothing is closed twice, and what is left is told."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.errors import MarketError
from tests.exchange import record
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.fault_script import FaultScript
from tests.exchange.in_process import InProcessAdapter
from tests.exchange.listings import Product
from tests.exchange.orders import Ticket
from worker.exchange.account import CcxtAccount
from worker.exchange.keys import Keys
from worker.exchange.protocol import Answer, Fate, OrderRequest
from worker.orders.break_glass import BreakGlass, Holdings, Installation
from worker.orders.direct_file import read_orders
from worker.orders.ids import is_ours

WHO = Installation("abcdefghij234567", "flotilla")
OURS, FOREIGN = Decimal("0.5"), Decimal(2)
# Among them are some in which an order is accepted and its answer lost.
SEEDS = range(16, 28)


class Storm:
    """One account on a local exchange whose requests go wrong by a seed, all in virtual time."""

    def __init__(self, folder: Path, venue: str, kind: str, seed: int, level: str) -> None:
        self.clock = ManualClock(1_736_049_602_000)
        # Its clock is the part of the same one that only moves on.
        self.exchange = Exchange(lambda: 1_736_049_602_000 + self.clock.monotonic_ms(), seed=seed)
        self.account = self.exchange.open_account("main", unified=kind == "unified", USDT="100000")
        self.is_spot = kind == "spot"
        self._hold()
        desk = Desk(self.exchange)
        desk.faults.script = FaultScript(seed, level)
        self.faults = desk.faults
        key = self.account.key
        keys = Keys.model_validate({"key": key.api_key, "secret": key.secret})
        settings = AccountSettings.model_validate({"exchange": venue, "type": kind})
        adapter = InProcessAdapter(desk, self.clock)
        self.client = CcxtAccount(
            "main", settings, keys, self.clock, carry=lambda request: adapter.send(request, timeout=10)
        )
        self.file = folder / f"{venue}-{kind}-{seed}.jsonl"

    def _hold(self) -> None:
        if self.is_spot:
            self.exchange.flows.deposit(self.account, "BTC", OURS + FOREIGN, Product.SPOT)
            return
        if not self.account.unified:
            self.exchange.flows.deposit(self.account, "USDT", Decimal(100_000), Product.SWAP)
        self.exchange.place(self.account, Ticket(Product.SWAP, "BTCUSDT", False, OURS, None, client_id="web_1"))

    def run(self, glass: type[BreakGlass]) -> list[str]:
        symbol = "BTC/USDT" if self.is_spot else "BTC/USDT:USDT"
        holdings = Holdings([symbol], [] if self.is_spot else [symbol], {symbol: OURS} if self.is_spot else {})
        return glass(self.client, WHO, self.file, self.clock, lambda _: None).run(holdings)

    @property
    def left(self) -> Decimal:
        """Give how much of ours is still there."""
        if not self.is_spot:
            return -self.account.position("BTCUSDT").quantity
        free, locked = record.balances(self.exchange, self.account).get(("spot", "BTC"), (Decimal(0),) * 2)
        return free + locked - FOREIGN

    def orders(self) -> Iterator[tuple[str, int]]:
        """Give each own client id with the orders that have it."""
        for name, rows in record.orders_by_client_id(self.exchange, self.account).items():
            if is_ours(name.removeprefix("t-"), WHO.id):
                yield name.removeprefix("t-"), len(rows)


VENUES = [("binance", "swap"), ("binance", "spot"), ("gate", "spot"), ("bybit", "unified")]


def _hold_to_it(storm: Storm, glass: type[BreakGlass] = BreakGlass) -> bool:
    """Say whether all was closed; nothing was closed twice and everything that was sent had been written down."""
    try:
        told = storm.run(glass)
    except MarketError:
        told = ["the exchange did not answer at all"]
    storm.faults.clear()
    storm.faults.script = None
    written = {order.client_order_id for order in read_orders(storm.file)}
    orders = dict(storm.orders())
    assert set(orders.values()) <= {1}
    assert set(orders) <= written
    assert 0 <= storm.left <= OURS
    assert told or storm.left == 0
    record.check(storm.exchange)
    return not told


@pytest.mark.parametrize(("venue", "kind"), VENUES)
def test_in_calm_weather_all_is_closed_at_once(tmp_path: Path, venue: str, kind: str) -> None:
    storm = Storm(tmp_path, venue, kind, 0, "none")
    assert _hold_to_it(storm)
    assert len(read_orders(storm.file)) == 1


@pytest.mark.parametrize("level", ["rough", "storm"])
@pytest.mark.parametrize(("venue", "kind"), VENUES)
def test_nothing_is_closed_twice_whatever_goes_wrong(tmp_path: Path, venue: str, kind: str, level: str) -> None:
    closed = 0
    for seed in SEEDS:
        storm = Storm(tmp_path, venue, kind, seed, level)
        closed += _hold_to_it(storm)
    assert closed >= len(SEEDS) // 2, "most of them are closed all the same"


class Hasty(BreakGlass):
    """Takes an order of which nothing is known for one that never was, and sends another."""

    def _settle(self, request: OrderRequest, answer: Answer) -> tuple[Decimal, str]:
        return (Decimal(0), "") if answer.fate is Fate.UNKNOWN else super()._settle(request, answer)


def test_one_that_sends_again_what_it_knows_nothing_of_is_caught(tmp_path: Path) -> None:
    def storms() -> None:
        for seed in SEEDS:
            _hold_to_it(Storm(tmp_path, "binance", "spot", seed, "storm"), Hasty)

    with pytest.raises(AssertionError, match=r"0 <= Decimal"):
        storms()
