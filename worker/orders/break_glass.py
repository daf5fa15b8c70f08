"""Break glass: own orders cancelled and positions closed at market, without worker and without database."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from shared.clock import Clock
from shared.enums import Purpose, Side
from shared.errors import MarketError
from worker.exchange.protocol import AccountClient, Answer, Fate, OrderKind, OrderRequest, Status
from worker.orders.desk import READ_LAG_MS
from worker.orders.direct_file import DirectOrder, append_order
from worker.orders.ids import client_order_id, is_ours
from worker.orders.live_order import base_of

# Positions that are not closed by then are told of.
PATIENCE_MS = 60_000
PAUSE_SECONDS = 1.0
NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Installation:
    """What a portfolio's orders are named by."""

    id: str
    portfolio: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """What to close on one account: its symbols, those that are perpetuals, and what the books say is ours in spot.

    `ours` is none where the books cannot be read: coins are then left alone, for whose they are nobody says.
    """

    symbols: Collection[str]
    perpetuals: Collection[str]
    ours: Mapping[str, Decimal] | None


class BreakGlass:
    """Closes one account. Nothing is sent twice: what is not known of an order is waited for, or told of."""

    def __init__(
        self, client: AccountClient, who: Installation, file: Path, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._client = client
        self._who = who
        self._file = file
        self._clock = clock
        self._say = say
        self._sent: dict[str, Decimal] = {}
        self._attempts = 0
        self._stuck: dict[str, str] = {}

    def run(self, holdings: Holdings, quiet_at_ms: int = 0) -> list[str]:
        """Cancel, close and check until nothing is left; give what could not be closed.

        Orders of a worker that was stopped may arrive until the monotonic time `quiet_at_ms`: so long it is looked
        again. Raises MarketError where the exchange does not answer at all.
        """
        until_ms = self._clock.monotonic_ms() + PATIENCE_MS
        self._connect(holdings, until_ms)
        while True:
            left, trouble = self._pass(holdings)
            now_ms = self._clock.monotonic_ms()
            is_done = not left and not trouble and now_ms >= quiet_at_ms
            if is_done or now_ms >= max(until_ms, quiet_at_ms):
                return [*left, *filter(None, [trouble])]
            self._clock.sleep(PAUSE_SECONDS)

    def _connect(self, holdings: Holdings, until_ms: int) -> None:
        while True:
            try:
                self._client.connect(holdings.symbols, holdings.symbols)
                return
            except MarketError as error:
                if self._clock.monotonic_ms() >= until_ms:
                    raise
                self._say(f"{error}; tried again")
                self._clock.sleep(PAUSE_SECONDS)

    def _pass(self, holdings: Holdings) -> tuple[list[str], str]:
        """Do once what there is to do; give what is still open, and what went wrong."""
        try:
            self._cancel_own([symbol for symbol in holdings.symbols if self._client.rules(symbol).is_trading])
            wanted = self._wanted(holdings)
        except MarketError as error:
            self._say(f"{error}; tried again")
            return [], str(error)
        left = []
        for symbol, quantity in wanted.items():
            if said := self._close(symbol, quantity, symbol in holdings.perpetuals):
                left.append(f"{self._client.name} {symbol}: {quantity:f} could not be closed: {said}")
        return left, ""

    def _cancel_own(self, symbols: Collection[str]) -> None:
        for order in self._client.open_orders(symbols) if symbols else ():
            if is_ours(order.client_order_id, self._who.id):
                answer = self._client.cancel(order.symbol, order.client_order_id, order.exchange_id)
                self._say(f"{self._client.name} {order.symbol}: cancelled {order.client_order_id}: {answer.fate}")

    def _wanted(self, holdings: Holdings) -> dict[str, Decimal]:
        """Give what is to be closed now by symbol, signed, less what is smaller than the exchange takes."""
        listed = [symbol for symbol in holdings.perpetuals if self._client.rules(symbol).is_trading]
        wanted = dict(self._client.positions(listed)) if listed else {}
        if holdings.ours:
            balances = self._client.balances()
            for symbol, quantity in holdings.ours.items():
                there = balances.get(base_of(symbol), NONE)
                wanted[symbol] = max(min(quantity - self._sent.get(symbol, NONE), there), NONE)
        return {symbol: quantity for symbol, quantity in wanted.items() if self._whole(symbol, quantity)}

    def _whole(self, symbol: str, quantity: Decimal) -> Decimal:
        """Round a quantity down to what the exchange takes; 0 where it takes none so small."""
        rules = self._client.rules(symbol)
        size = abs(quantity)
        if rules.step is not None:
            size = (size / rules.step).to_integral_value(ROUND_DOWN) * rules.step
        return NONE if rules.min_quantity is not None and size < rules.min_quantity else size

    def _close(self, symbol: str, quantity: Decimal, is_perpetual: bool) -> str:
        """Send one order against a position and wait for what becomes of it; give why it could not be closed."""
        if symbol in self._stuck:
            return self._stuck[symbol]
        if not self._client.rules(symbol).is_trading:
            return "it does not trade"
        side = Side.SELL if quantity > 0 else Side.BUY
        try:
            bid, ask = self._client.best_prices([symbol])[symbol]
        except MarketError as error:
            return str(error)
        price = bid if side is Side.SELL else ask
        size, rules = self._whole(symbol, quantity), self._client.rules(symbol)
        if not is_perpetual and rules.min_notional is not None and size * price < rules.min_notional:
            return ""
        size = size if rules.max_market_quantity is None else min(size, rules.max_market_quantity)
        try:
            order = self._written(symbol, side, size, price)
        except OSError as error:
            return f"not sent, for it must be written down before: {error.strerror}"
        request = OrderRequest(order.client_order_id, symbol, side, size, OrderKind.MARKET, price, reduce_only=True)
        filled, said = self._settle(request, self._client.send(request))
        if symbol not in self._stuck:
            # Without it the next start asks the exchange what was filled.
            with suppress(OSError):
                append_order(self._file, replace(order, filled=filled))
        self._sent[symbol] = self._sent.get(symbol, NONE) + filled
        told = f"{self._client.name} {symbol}: {side.lower()} {size:f} at market, filled {filled:f}"
        self._say(f"{told}: {said}" if said else told)
        return said or ("" if filled == abs(quantity) else "a part is left")

    def _written(self, symbol: str, side: Side, size: Decimal, price: Decimal) -> DirectOrder:
        """Name an order and write it down before it leaves."""
        self._attempts += 1
        now_ms, who = self._clock.now_ms(), self._who
        name = client_order_id(
            who.id, who.portfolio, self._client.name, symbol, 0, now_ms, Purpose.FLATTEN, attempt=self._attempts
        )
        order = DirectOrder(name, self._client.name, symbol, side, size, price, now_ms)
        append_order(self._file, order)
        return order

    def _settle(self, request: OrderRequest, answer: Answer) -> tuple[Decimal, str]:
        """Give what was filled of an order, and why not all where it is known."""
        sent_ms = self._clock.now_ms()
        if answer.fate in (Fate.REJECTED, Fate.NOT_PLACED):
            return NONE, answer.text or str(answer.fate)
        finality = self._client.finality
        window_ms = finality.bound_ms if finality.window_ms is None else finality.window_ms
        final_ms = self._clock.monotonic_ms() + window_ms + READ_LAG_MS
        order, text = answer.order, answer.text
        while order is None or order.status is Status.OPEN:
            found = self._client.look_up(request.symbol, request.client_order_id, None, sent_ms)
            order, text = found.order or order, found.text or text
            is_late = self._clock.monotonic_ms() >= final_ms
            if order is None and is_late and found.complete:
                return NONE, "it did not arrive"
            if is_late and (order is None or order.status is Status.OPEN):
                self._stuck[request.symbol] = f"nothing is known of order {request.client_order_id}: {text}"
                return order.filled if order is not None else NONE, self._stuck[request.symbol]
            if order is None or order.status is Status.OPEN:
                self._clock.sleep(PAUSE_SECONDS / 4)
        return order.filled, "" if order.status is Status.FILLED else text or str(order.status)
