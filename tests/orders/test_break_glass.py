"""Break glass: everything of ours is closed once, whatever the exchange answers, and each order is on disk before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from shared.clock import ManualClock
from shared.enums import Side
from shared.errors import MarketError
from tests.orders.fake_account import FakeAccount
from worker.exchange.protocol import Answer, OrderKind, OrderRequest, SymbolRules
from worker.orders.break_glass import BreakGlass, Holdings, Installation
from worker.orders.direct_file import direct_file, read_orders
from worker.orders.ids import is_ours, own_prefix

WHO = Installation("abcdefghij234567", "flotilla")
SPOT, PERPETUAL = "C0/USDT", "C1/USDT:USDT"


@dataclass
class Held(FakeAccount):
    """An account with coins and a perpetual position, some of it not ours; it looks at the file at each order."""

    coins: Decimal = Decimal(5)
    position: Decimal = Decimal(0)
    is_trading: bool = True
    largest: Decimal | None = None
    file: Path = Path()
    unwritten: list[str] = field(default_factory=list)
    deaf_reads: int = 0

    def rules(self, symbol: str) -> SymbolRules:
        """Give rules of whole thousandths."""
        return SymbolRules(
            Decimal("0.001"), Decimal("0.001"), Decimal(5), is_trading=self.is_trading, max_market_quantity=self.largest
        )

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Note what is not written yet."""
        written = {order.client_order_id for order in read_orders(self.file)}
        self.unwritten += {request.client_order_id} - written
        return super().send(request, leave_by_ms)

    def balances(self) -> Mapping[str, Decimal]:
        """Give the coins that are left."""
        held = dict(super().balances())
        return {**held, "C0": self.coins + held.get("C0", Decimal(0))}

    def positions(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Give the position that is left."""
        if self.deaf_reads:
            self.deaf_reads -= 1
            raise MarketError("no answer")
        traded = sum(t.quantity * (1 if t.side is Side.BUY else -1) for t in self.executions if t.symbol == PERPETUAL)
        return {PERPETUAL: self.position + traded}


def _run(tmp_path: Path, holdings: Holdings, **said: object) -> tuple[Held, list[str]]:
    clock = ManualClock(1_800_000_000_000)
    file = direct_file(tmp_path, WHO.portfolio)
    account = Held(clock, file=file, **said)
    left = BreakGlass(account, WHO, file, clock, lambda _: None).run(holdings)
    assert account.unwritten == []
    assert all(is_ours(request.client_order_id, WHO.id) and request.reduce_only for request in account.sent)
    assert all(request.kind is OrderKind.MARKET for request in account.sent)
    return account, left


def _spot(quantity: str) -> Holdings:
    return Holdings([SPOT], [], {SPOT: Decimal(quantity)})


def _perpetual() -> Holdings:
    return Holdings([PERPETUAL], [PERPETUAL], {})


@pytest.mark.parametrize(("position", "side"), [("2.5", Side.SELL), ("-2.5", Side.BUY)])
def test_a_perpetual_position_is_closed_whichever_side_it_is_on(tmp_path: Path, position: str, side: Side) -> None:
    account, left = _run(tmp_path, _perpetual(), position=Decimal(position))
    assert left == []
    assert [(request.side, request.quantity) for request in account.sent] == [(side, Decimal("2.5"))]


def test_of_coins_only_what_the_books_say_is_ours_is_sold(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _spot("2.0009"))
    assert left == []
    assert account.balances()["C0"] == Decimal(3)


def test_of_coins_never_more_is_sold_than_there_is(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _spot("9"))
    assert left == []
    assert account.balances()["C0"] == 0


def test_without_books_coins_are_left_alone(tmp_path: Path) -> None:
    account, left = _run(tmp_path, Holdings([SPOT], [], None))
    assert (account.sent, left) == ([], [])


def test_what_is_too_small_for_the_exchange_is_no_failure(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _spot("0.0004"))
    assert (account.sent, left) == ([], [])


@pytest.mark.parametrize("holdings", [_spot("2"), _perpetual()], ids=["spot", "perpetual"])
@pytest.mark.parametrize("script", ["lost answer", "late", "silence", "reject", "busy", "busy, lost answer"])
def test_whatever_the_exchange_answers_it_is_closed_once(tmp_path: Path, holdings: Holdings, script: str) -> None:
    account, left = _run(tmp_path, holdings, script=script.split(", "), position=Decimal(2))
    assert left == []
    assert sum(trade.quantity for trade in account.executions) == 2
    names = [request.client_order_id for request in account.sent]
    assert len(set(names)) == len(names)


def test_one_of_which_nothing_is_known_is_not_sent_again_but_told_of(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _spot("2"), script=["silence"], is_deaf=True)
    assert len(account.sent) == 1
    assert len(left) == 1
    assert f"main {SPOT}: 2 could not be closed: nothing is known of order w" in left[0]


def test_a_market_that_does_not_trade_is_told_of(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _spot("2"), is_trading=False)
    assert account.sent == []
    assert left == [f"main {SPOT}: 2 could not be closed: it does not trade"]


def test_a_position_above_the_largest_order_is_closed_in_parts(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _perpetual(), position=Decimal(5), largest=Decimal(2))
    assert left == []
    assert [request.quantity for request in account.sent] == [2, 2, 1]


def test_reads_that_fail_are_tried_again_and_never_taken_for_no_position(tmp_path: Path) -> None:
    account, left = _run(tmp_path, _perpetual(), position=Decimal(2), deaf_reads=5)
    assert left == []
    assert len(account.sent) == 1
    account, left = _run(tmp_path, _perpetual(), position=Decimal(2), deaf_reads=1_000)
    assert account.sent == []
    assert left == ["no answer"]


def test_own_orders_are_cancelled_and_foreign_ones_left(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    account = Held(clock, file=direct_file(tmp_path, WHO.portfolio))
    ours, other = f"{own_prefix(WHO.id)}{'a' * 13}", f"wzzzz{'a' * 13}"
    for name in (ours, other, "web_1"):
        account._accept(OrderRequest(name, SPOT, Side.BUY, Decimal(1), OrderKind.LIMIT, Decimal(90)), "rest")
    assert BreakGlass(account, WHO, account.file, clock, lambda _: None).run(_spot("0")) == []
    assert [order.client_order_id for order in account.open_orders([SPOT])] == [other, "web_1"]


class Arriving(ManualClock):
    """A clock on which what is late arrives."""

    account: Held

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.account._let_arrive()


def test_what_a_worker_sent_before_it_was_stopped_is_waited_for(tmp_path: Path) -> None:
    clock = Arriving(1_800_000_000_000)
    account = clock.account = Held(clock, file=direct_file(tmp_path, WHO.portfolio))
    entry = OrderRequest("x", PERPETUAL, Side.BUY, Decimal(1), OrderKind.MARKET, Decimal(1))
    account.late = [(clock.now_ms() + 3_000, entry)]
    glass = BreakGlass(account, WHO, account.file, clock, lambda _: None)
    assert glass.run(_perpetual(), clock.monotonic_ms() + 6_000) == []
    assert [request.side for request in account.sent] == [Side.SELL]
    assert account.positions([PERPETUAL]) == {PERPETUAL: 0}


def test_what_cannot_be_written_down_does_not_leave(tmp_path: Path) -> None:
    file = direct_file(tmp_path, WHO.portfolio)
    file.mkdir()
    account = Held(ManualClock(1_800_000_000_000), file=file, position=Decimal(2))
    left = BreakGlass(account, WHO, file, account.clock, lambda _: None).run(_perpetual())
    assert account.sent == []
    assert left == [
        f"main {PERPETUAL}: 2 could not be closed: not sent, for it must be written down before: Is a directory"
    ]
