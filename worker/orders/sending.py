"""One order to its account and back: sent once, looked up until its fate is proved, cancelled where it may not rest.

Everything here runs on the thread of the account, which alone may use its client. Nothing here books anything.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial

from shared.clock import Clock
from shared.enums import OrderStatus, Reason, Side
from shared.errors import MarketError
from worker.exchange.protocol import (
    AccountClient,
    Answer,
    ExchangeOrder,
    ExchangeTrade,
    Fate,
    OrderKind,
    OrderRequest,
    Refusal,
    Status,
)
from worker.orders.attempts import Styles, may_follow
from worker.orders.gateway import Gateway
from worker.orders.lanes import Later, Urgency
from worker.orders.live_order import LiveOrder, Outcome, base_of, exact, whole_units

KEY, CLOCK = "KEY", "CLOCK"
# What becomes of an order that rested.
IN_ITS_TIME = "not filled in its time"
FORBIDDEN = "a level forbids it now"
FOLLOWED = "the price moved on"
AT_ONCE = "as a maker it would have been filled at once"
# An order that did not arrive may leave again after so long, where the exchange names no time.
AGAIN_MS = 500
# A price that was read so long ago is still that of now.
PRICE_AGE_MS = 1_000
# The clock of the exchange and ours may be apart by as much.
SKEW_MS = 60_000
LARGEST_SKEW_MS = 30_000

_STATUS = {
    Status.OPEN: OrderStatus.OPEN,
    Status.FILLED: OrderStatus.FILLED,
    Status.CANCELLED: OrderStatus.CANCELLED,
    Status.REJECTED: OrderStatus.REJECTED,
}


def clock_fault(client: AccountClient) -> str:
    """Say that this machine's clock is too far from that of an account's exchange for orders; empty where it is not."""
    skew_ms = client.skew_ms()
    if abs(skew_ms) <= LARGEST_SKEW_MS:
        return ""
    return (
        f"clock of this machine must be within {LARGEST_SKEW_MS // 1000} s of that of account {client.name}'s "
        f"exchange, was {abs(skew_ms) / 1000:.0f} s {'behind' if skew_ms > 0 else 'ahead of'} it"
    )


class Sender:
    """Sends the orders of one account. `is_confirmed` is set once a person trusts its first orders."""

    def __init__(
        self,
        client: AccountClient,
        gateway: Gateway,
        quote: str,
        clock: Clock,
        is_confirmed: bool,
        styles: Styles = Styles(),  # noqa: B008 - it cannot change
    ) -> None:
        self.client = client
        self.styles = styles
        self.is_confirmed = is_confirmed
        self._gateway = gateway
        self._quote = quote
        self._clock = clock
        self._prices: dict[str, tuple[Decimal, Decimal]] = {}
        self._priced_ms: dict[str, int] = {}

    @property
    def fresh_ms(self) -> int:
        """Give how long an intention may wait."""
        return self._gateway.bounds.fresh_ms

    def send(self, order: LiveOrder) -> Outcome | Later:
        """Let an order leave once, if it still may; what it was filled at is asked once no other waits to leave."""
        if said := clock_fault(self.client):
            return Outcome(order, OrderStatus.CANCELLED, text=said, alarm=CLOCK)
        if order.attempt:
            # What was read before is why another attempt is made.
            self._priced_ms.pop(order.symbol, None)
        try:
            price = self._price(order)
        except MarketError as error:
            if order.increases or order.reference_price is None:
                return Outcome(order, None, text=str(error), again_in_ms=AGAIN_MS)
            # An exit does not wait for a price.
            price = Decimal(repr(order.reference_price))
        order.limit_price = self._limit_price(order, price)
        if said := self._too_small(order, price):
            return Outcome(order, OrderStatus.CANCELLED, text=said)
        verdict = self._gateway.submit(order, price, self.is_confirmed)
        if verdict.refusal:
            return Outcome(order, OrderStatus.CANCELLED, text=verdict.refusal, alarm=verdict.alarm)
        return self._read(order, self.client.send(_request(order, price), verdict.leave_by_ms))

    def look_up(self, order: LiveOrder) -> Outcome:
        """Look for an order by all the ways the exchange has."""
        found = self.client.look_up(order.symbol, order.client_order_id, order.exchange_id, order.sent_ms)
        if found.order is not None:
            return self._tell(order, found.order, found.trades)
        if found.trades:
            return Outcome(order, None, found.trades, coin_prices=self.coin_prices(order, found.trades))
        return Outcome(order, None, text=found.text, is_absent=found.complete)

    def follow(self, order: LiveOrder) -> Outcome:
        """Look after an order that rests: it is cancelled where it may not rest on, or the price has moved away."""
        found = self.look_up(order)
        if found.status is not OrderStatus.OPEN:
            return found
        if not self._gateway.may_rest(order):
            return self.cancel(order, FORBIDDEN)
        try:
            is_behind = self._is_behind(order, order.units - found.filled_units)
        except MarketError as error:
            return replace(found, text=str(error))
        return self.cancel(order, FOLLOWED) if is_behind else found

    def cancel(self, order: LiveOrder, why: str = IN_ITS_TIME) -> Outcome:
        """Cancel an order, and see what became of it: filled, cancelled with a part filled, or nothing known."""
        answer = self.client.cancel(order.symbol, order.client_order_id, order.exchange_id)
        if answer.fate is Fate.UNKNOWN:
            return Outcome(order, None, text=answer.text)
        found = self.look_up(order)
        return replace(found, text=found.text or why) if found.may_go_on else found

    def _too_small(self, order: LiveOrder, price: Decimal) -> str:
        """Say why an exchange would refuse an order for what it is worth; what only reduces a position may be less."""
        rules, worth = self.client.rules(order.symbol), order.quantity * (order.limit_price or price)
        if rules.min_notional is None or worth >= rules.min_notional or (order.reduce_only and rules.has_positions):
            return ""
        return f"{Reason.MIN_NOTIONAL.name}: worth must be at least {rules.min_notional:f}, was {worth:.2f}"

    def _is_behind(self, order: LiveOrder, left_units: int) -> bool:
        """Say whether an order is to be placed anew, for the best price of its side is better than its own."""
        if order.limit_price is None or not may_follow(order, self.styles):
            return False
        bid, ask = self.best_prices([order.symbol])[order.symbol]
        best, is_buy = (bid, True) if order.side is Side.BUY else (ask, False)
        smallest = self.client.rules(order.symbol).min_notional
        if smallest is not None and exact(left_units, order.unit) * best < smallest:
            return False
        return best > order.limit_price if is_buy else best < order.limit_price

    def _limit_price(self, order: LiveOrder, price: Decimal) -> Decimal | None:
        """Give the price beyond which an order is not to be filled; `price` is the best it can have at once."""
        if order.kind is OrderKind.MARKET:
            return None
        if order.kind is OrderKind.LIMIT:
            offset = self.styles.limit_offset if order.side is Side.BUY else -self.styles.limit_offset
            return price * (1 + offset)
        bid, ask = self._prices.get(order.symbol, (price, price))
        return bid if order.side is Side.BUY else ask

    def _read(self, order: LiveOrder, answer: Answer) -> Outcome | Later:
        if answer.fate is Fate.ACCEPTED and answer.order is not None:
            return Later(Urgency.TRADES, partial(self._accepted, order, answer.order))
        if answer.refusal is Refusal.POST_ONLY and order.kind is OrderKind.MAKER:
            return Outcome(order, OrderStatus.CANCELLED, text=AT_ONCE, may_go_on=True)
        if answer.fate is Fate.REJECTED:
            alarm = KEY if answer.refusal is Refusal.KEY else ""
            return Outcome(order, OrderStatus.REJECTED, text=answer.text, alarm=alarm)
        if answer.fate is Fate.NOT_PLACED:
            silent_ms = answer.silent_until_ms - self._clock.now_ms()
            return Outcome(order, None, text=answer.text, again_in_ms=max(silent_ms, AGAIN_MS))
        # A duplicate exists already, so it is looked up like one of which nothing is known.
        return Outcome(order, OrderStatus.UNKNOWN, text=answer.text)

    def _accepted(self, order: LiveOrder, found: ExchangeOrder) -> Outcome:
        if not found.filled:
            return self._tell(order, found, ())
        try:
            trades = self.client.trades_of(order.symbol, found.exchange_id, order.sent_ms - SKEW_MS)
        except MarketError as error:
            return Outcome(order, OrderStatus.OPEN, (), self._units(order, found), found.exchange_id, text=str(error))
        return self._tell(order, found, trades)

    def _tell(self, order: LiveOrder, found: ExchangeOrder, trades: Sequence[ExchangeTrade]) -> Outcome:
        try:
            prices = self.coin_prices(order, trades)
        except MarketError as error:
            # Without the worth of its fee a trade is not booked; it is asked for again.
            return Outcome(order, OrderStatus.OPEN, (), self._units(order, found), found.exchange_id, str(error))
        units, status = self._units(order, found), _STATUS[found.status]
        if order.kind is OrderKind.MAKER and status is OrderStatus.REJECTED:
            # Some exchanges take it and throw it out again.
            status = OrderStatus.CANCELLED
        goes_on = order.kind is not OrderKind.MARKET and status is OrderStatus.CANCELLED
        return Outcome(order, status, trades, units, found.exchange_id, coin_prices=prices, may_go_on=goes_on)

    def _units(self, order: LiveOrder, found: ExchangeOrder) -> int:
        return whole_units(found.filled, order.unit)

    def best_prices(self, symbols: Collection[str]) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give the best bid and ask of symbols; what was read within the last second is not read again."""
        now_ms = self._clock.monotonic_ms()
        old = [symbol for symbol in symbols if now_ms - self._priced_ms.get(symbol, -PRICE_AGE_MS - 1) > PRICE_AGE_MS]
        if old:
            self._prices.update(self.client.best_prices(old))
            self._priced_ms.update(dict.fromkeys(old, self._clock.monotonic_ms()))
        return {symbol: self._prices[symbol] for symbol in symbols}

    def look_ahead(self, symbols: Collection[str]) -> None:
        """Ask for prices that orders will want; where that fails, each order asks itself."""
        with suppress(MarketError):
            self.best_prices(symbols)

    def _price(self, order: LiveOrder) -> Decimal:
        bid, ask = self.best_prices([order.symbol])[order.symbol]
        return ask if order.side is Side.BUY else bid

    def coin_prices(self, order: LiveOrder, trades: Sequence[ExchangeTrade]) -> dict[str, Decimal]:
        """Give what a coin that is neither base nor quote is worth, of those that fees were paid in."""
        coins = {trade.fee_coin for trade in trades if trade.fee} - {base_of(order.symbol), self._quote}
        prices = {}
        for coin in sorted(coins):
            symbol = f"{coin}/{self._quote}"
            bid, ask = self.best_prices([symbol])[symbol]
            prices[coin] = (bid + ask) / 2
        return prices


def _request(order: LiveOrder, price: Decimal) -> OrderRequest:
    return OrderRequest(
        order.client_order_id,
        order.symbol,
        order.side,
        order.quantity,
        order.kind,
        price,
        order.limit_price if order.kind is not OrderKind.MARKET else None,
        reduce_only=order.reduce_only,
    )
