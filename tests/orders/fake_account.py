"""An account on an exchange that does what a test scripts: it fills, goes silent, refuses, forgets, or answers late."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from shared.clock import ManualClock
from shared.enums import Side
from shared.errors import MarketError
from worker.exchange.budget import RateBudget
from worker.exchange.protocol import (
    Answer,
    ExchangeOrder,
    ExchangeTrade,
    Fate,
    Finality,
    Flow,
    LookUp,
    OrderKind,
    OrderRequest,
    Refusal,
    Rights,
    Status,
    SymbolRules,
)

PRICE = Decimal(100)
FEE_RATE = Decimal("0.001")
WINDOW = Finality(window_ms=5_000, bound_ms=10_000)


@dataclass
class FakeAccount:
    """An AccountClient without an exchange; `script` holds what becomes of the next orders, then each is filled."""

    clock: ManualClock
    name: str = "main"
    finality: Finality = WINDOW
    script: list[str] = field(default_factory=list)
    # parts in which orders are filled
    parts: tuple[Decimal, ...] = (Decimal(1),)
    fee_coin: str = "USDT"
    skew: int = 0
    # what was sent, by client order id, in the order it came, and what the exchange has of it
    sent: list[OrderRequest] = field(default_factory=list)
    orders: dict[str, ExchangeOrder] = field(default_factory=dict)
    executions: list[ExchangeTrade] = field(default_factory=list)
    # orders that will arrive late, with when
    late: list[tuple[int, OrderRequest]] = field(default_factory=list)
    is_deaf: bool = False
    explained: list[Flow] = field(default_factory=list)
    # what came and went without a trade and without a word
    extra: dict[str, Decimal] = field(default_factory=dict)
    # somebody else's orders, and ours that nobody remembers
    strange: list[ExchangeOrder] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    is_unreadable: bool = False

    def __post_init__(self) -> None:
        self.budget = RateBudget(1e9, 60_000, self.clock)

    def connect(self, symbols: Collection[str], may_be_gone: Collection[str] = ()) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to close."""

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return self.clock.now_ms()

    def skew_ms(self) -> int:
        """Give how far it is ahead."""
        return self.skew

    def rules(self, symbol: str) -> SymbolRules:
        """Give what it demands."""
        return SymbolRules(Decimal("0.001"), Decimal("0.001"), Decimal(5))

    def best_prices(self, symbols: Collection[str]) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give a bid and an ask around the price."""
        return {symbol: (PRICE - Decimal("0.1"), PRICE + Decimal("0.1")) for symbol in symbols}

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Do what the script says next."""
        self.sent.append(request)
        what = self.script.pop(0) if self.script else "fill"
        if what == "reject":
            return Answer(Fate.REJECTED, refusal=Refusal.FUNDS, text="no money")
        if what == "key":
            return Answer(Fate.REJECTED, refusal=Refusal.KEY, text="no such key")
        if what == "busy":
            return Answer(Fate.NOT_PLACED, refusal=Refusal.RATE, silent_until_ms=self.clock.now_ms() + 2_000)
        if what == "silence":
            return Answer(Fate.UNKNOWN, text="nothing came")
        if what == "late":
            self.late.append((self.clock.now_ms() + 3_000, request))
            return Answer(Fate.UNKNOWN, text="nothing came")
        order = self._accept(request, what)
        if what == "lost answer":
            return Answer(Fate.UNKNOWN, text="nothing came")
        if what == "duplicate":
            return Answer(Fate.DUPLICATE, text="there is one of this name")
        return Answer(Fate.ACCEPTED, order)

    def cancel(self, symbol: str, client_order_id: str, exchange_id: str | None) -> Answer:
        """Cancel what is open."""
        self.cancelled.append(client_order_id)
        self.strange = [order for order in self.strange if order.client_order_id != client_order_id]
        order = self.orders.get(client_order_id)
        if order is None or order.status is not Status.OPEN:
            return Answer(Fate.REJECTED)
        self.orders[client_order_id] = replace(order, status=Status.CANCELLED)
        return Answer(Fate.ACCEPTED, self.orders[client_order_id])

    def look_up(self, symbol: str, client_order_id: str, exchange_id: str | None, sent_ms: int) -> LookUp:
        """Find an order, unless it is deaf."""
        self._let_arrive()
        if self.is_deaf:
            return LookUp(None, (), complete=False, text="no answer")
        by_id = next((order for order in self.orders.values() if order.exchange_id == exchange_id), None)
        order = self.orders.get(client_order_id) or by_id
        return LookUp(order, self._trades(order) if order else (), complete=True)

    def open_orders(self, symbols: Collection[str]) -> Sequence[ExchangeOrder]:
        """Give what is open."""
        self._let_arrive()
        own = [order for order in self.orders.values() if order.status is Status.OPEN]
        return [order for order in (*own, *self.strange) if order.symbol in symbols]

    def trades(self, symbol: str, since_ms: int) -> Sequence[ExchangeTrade]:
        """Give trades of a symbol."""
        return [trade for trade in self.executions if trade.symbol == symbol and trade.time_ms >= since_ms]

    def trades_of(self, symbol: str, exchange_id: str, since_ms: int) -> Sequence[ExchangeTrade]:
        """Give trades of an order."""
        return [trade for trade in self.executions if trade.exchange_id == exchange_id]

    def balances(self) -> Mapping[str, Decimal]:
        """Give what every trade so far came to, from 10,000 USDT."""
        if self.is_unreadable:
            raise MarketError("balances must be valid, body was ''")
        held = {"USDT": Decimal(10_000)}
        for coin, amount in self.extra.items():
            held[coin] = held.get(coin, Decimal(0)) + amount
        for trade in self.executions:
            base = trade.symbol.partition("/")[0]
            sign = 1 if trade.side is Side.BUY else -1
            held[base] = held.get(base, Decimal(0)) + sign * trade.quantity
            held["USDT"] -= sign * trade.quantity * trade.price
            held[trade.fee_coin] = held.get(trade.fee_coin, Decimal(0)) - trade.fee
        for flow in self.explained:
            held[flow.coin] = held.get(flow.coin, Decimal(0)) + flow.amount
        return held

    def positions(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Give none: it is a spot account."""
        return {}

    def flows(self, since_ms: int) -> Sequence[Flow] | None:
        """Give deposits and withdrawals."""
        return [flow for flow in self.explained if flow.time_ms >= since_ms]

    def set_up(self, symbols: Collection[str], leverage: int, isolated: bool, hedge: bool) -> None:
        """Nothing to do."""

    def rights(self) -> Rights:
        """Give what the key may."""
        return Rights(may_trade=True, may_withdraw=False, is_bound_to_addresses=True)

    def fill(self, client_order_id: str, part: Decimal) -> None:
        """Fill a part of an order that rests."""
        order = self.orders[client_order_id]
        quantity = order.quantity * part
        self.executions.append(self._trade(order, quantity))
        filled = order.filled + quantity
        status = Status.FILLED if filled == order.quantity else Status.OPEN
        self.orders[client_order_id] = replace(order, filled=filled, status=status)

    def _accept(self, request: OrderRequest, what: str) -> ExchangeOrder:
        number = len(self.orders) + 1
        order = ExchangeOrder(
            request.client_order_id,
            f"e{number}",
            request.symbol,
            request.side,
            Status.OPEN,
            request.quantity,
            Decimal(0),
            self.clock.now_ms(),
        )
        self.orders[request.client_order_id] = order
        if what != "rest" and request.kind is OrderKind.MARKET:
            for part in self.parts:
                self.fill(request.client_order_id, part)
        if what == "part":
            kept = self.orders[request.client_order_id]
            self.orders[request.client_order_id] = replace(kept, status=Status.CANCELLED)
        return self.orders[request.client_order_id]

    def _let_arrive(self) -> None:
        due = [request for at_ms, request in self.late if at_ms <= self.clock.now_ms()]
        self.late = [(at_ms, request) for at_ms, request in self.late if at_ms > self.clock.now_ms()]
        for request in due:
            self._accept(request, "fill")

    def _trades(self, order: ExchangeOrder) -> Sequence[ExchangeTrade]:
        return self.trades_of(order.symbol, order.exchange_id, 0)

    def _trade(self, order: ExchangeOrder, quantity: Decimal) -> ExchangeTrade:
        fee = quantity * FEE_RATE * (PRICE if self.fee_coin == "USDT" else 1)
        number = len(self.executions) + 1
        return ExchangeTrade(
            f"t{number}",
            order.exchange_id,
            order.symbol,
            order.side,
            quantity,
            PRICE,
            fee,
            self.fee_coin,
            self.clock.now_ms(),
        )
