"""How orders are taken, filled, left resting, triggered and cancelled."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.exchange.accounts import Account
from tests.exchange.checks import check_ticket
from tests.exchange.exact import whole
from tests.exchange.ledger import ZERO
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Order, Refused, Status, Terms, Ticket, TimeInForce, Trade, Unique, Why
from tests.exchange.prices import Level, Step

if TYPE_CHECKING:
    from tests.exchange.engine import Exchange

FIRST_ORDER = 1000


class Matching:
    """The orders of an exchange. `open` are those of which more may be filled, by id."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self.orders: dict[int, Order] = {}
        self.open: dict[int, Order] = {}
        self.trades: list[Trade] = []
        # by (owner, product, symbol), oldest first
        self.orders_of: dict[tuple[str, Product, str], list[Order]] = defaultdict(list)
        self.trades_of: dict[tuple[str, Product, str], list[Trade]] = defaultdict(list)
        self._named: dict[tuple[str, str], list[Order]] = {}

    def named(self, owner: str, client_id: str) -> list[Order]:
        """Give the orders of an account that bear a client id, oldest first."""
        return self._named.get((owner, client_id), [])

    def place(self, account: Account, ticket: Ticket, terms: Terms) -> Order:
        """Take an order. Raises Refused."""
        listing = self.exchange.require_listing(ticket.symbol, ticket.product)
        check_ticket(ticket, listing, self.exchange.price(listing.symbol), account)
        self._check_name(account, ticket.client_id, terms.unique)
        order = self._make(account, ticket)
        if order.is_waiting:
            self.exchange.settlement.require_reserve(account, listing, order)
            self.exchange.settlement.reserve(account, listing, order, order.quantity)
        elif ticket.time_in_force is TimeInForce.GTX and any(self._levels(listing, ticket)):
            if terms.refuses_post_only:
                raise Refused(Why.POST_ONLY, f"{ticket.price}")
            self._end(order, Status.CANCELED)
        else:
            self._execute(account, listing, order)
        self._register(order)
        self._hold_margin(account, listing, ticket)
        return order

    def cancel(self, order: Order, status: Status = Status.CANCELED) -> None:
        """Cancel what is left of an order. Raises Refused where nothing is."""
        if not order.status.is_open:
            raise Refused(Why.NOT_OPEN, str(order.id))
        listing = self.exchange.listing_of(order.ticket.symbol)
        account = self.exchange.accounts[order.owner]
        self.exchange.settlement.reserve(account, listing, order, order.remaining, back=True)
        self._end(order, status)
        self._hold_margin(account, listing, order.ticket)

    def walk(self, after_ms: int, until_ms: int) -> None:
        """Let resting orders meet the prices after one time until another."""
        for symbol in sorted({order.ticket.symbol for order in self.open.values()}):
            listing = self.exchange.listing_of(symbol)
            if not listing.listed or listing.status != "TRADING":
                continue
            for step in self.exchange.path(listing, after_ms, until_ms):
                self._meet(listing, step)

    def _meet(self, listing: Listing, step: Step) -> None:
        with self.exchange.at(step.time_ms):
            for order in [order for order in self.open.values() if order.ticket.symbol == listing.symbol]:
                if not order.status.is_open or order.updated_ms >= step.time_ms:
                    continue
                if not order.is_waiting:
                    self._meet_resting(listing, order, step.price)
                elif order.ticket.is_met(step.price):
                    self._trigger(listing, order, step)

    def _meet_resting(self, listing: Listing, order: Order, price: Decimal) -> None:
        """Fill at its price what rests, once the price went beyond it: at the price itself others stand before us."""
        account, ticket = self.exchange.accounts[order.owner], order.ticket
        if ticket.price is None or (ticket.price - price) * ticket.direction <= 0:
            return
        book = self.exchange.book(listing.symbol, price)
        levels = book.asks if ticket.is_buy else book.bids
        within = [level for level in levels if (ticket.price - level.price) * ticket.direction >= 0]
        offered = sum((level.quantity for level in within or levels[:1]), ZERO)
        quantity = min(order.remaining, whole(offered, listing.step), self._reducible(account, order))
        if quantity > 0:
            self.exchange.settlement.reserve(account, listing, order, quantity, back=True)
            self._fill(account, listing, order, Level(ticket.price, quantity), is_maker=True)
            self._hold_margin(account, listing, ticket)
        elif ticket.reduce_only and not self._reducible(account, order):
            self.cancel(order, Status.EXPIRED)

    def _trigger(self, listing: Listing, order: Order, step: Step) -> None:
        account, price = self.exchange.accounts[order.owner], step.price if step.jumped else order.ticket.trigger
        self.exchange.settlement.reserve(account, listing, order, order.remaining, back=True)
        order.triggered = True
        if order.ticket.quantity is None:
            order.quantity = account.position(listing.symbol, order.ticket.position_side).reducible(
                order.ticket.direction
            )
        try:
            self._execute(account, listing, order, price)
        except Refused:
            self._end(order, Status.EXPIRED)
        if not order.status.is_open:
            self.open.pop(order.id, None)
        self._hold_margin(account, listing, order.ticket)

    def _check_name(self, account: Account, client_id: str, unique: Unique) -> None:
        before = self.named(account.name, client_id) if client_id and unique is not Unique.NEVER else []
        if any(unique is Unique.ALWAYS or order.status.is_open for order in before):
            raise Refused(Why.DUPLICATE, client_id)

    def _make(self, account: Account, ticket: Ticket) -> Order:
        exchange, now_ms = self.exchange, self.exchange.now_ms()
        number = exchange.next_number("order") + FIRST_ORDER
        visible_ms = now_ms + exchange.query_lag_ms
        return Order(number, account.name, ticket, ticket.quantity or ZERO, now_ms, now_ms, visible_ms)

    def _register(self, order: Order) -> None:
        self.orders[order.id] = order
        self.orders_of[order.owner, order.ticket.product, order.ticket.symbol].append(order)
        if order.ticket.client_id:
            self._named.setdefault((order.owner, order.ticket.client_id), []).append(order)
        if order.status.is_open:
            self.open[order.id] = order

    def _execute(self, account: Account, listing: Listing, order: Order, price: Decimal | None = None) -> None:
        """Fill what can be filled at once, then rest or end. Raises Refused before anything has been booked."""
        ticket = order.ticket
        if ticket.quantity is None and ticket.quote_quantity is not None:
            order.quantity = self._size_in_base(listing, ticket, ticket.quote_quantity)
        fills = list(self._fills(account, listing, order, price))
        if ticket.time_in_force is TimeInForce.FOK and sum(level.quantity for level in fills) < order.quantity:
            self._end(order, Status.EXPIRED)
            return
        rests = ticket.price is not None and ticket.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
        self._require(account, listing, order, fills, rests)
        for level in fills:
            self._fill(account, listing, order, level, is_maker=False)
        if order.status is Status.FILLED:
            return
        if rests:
            self.exchange.settlement.reserve(account, listing, order, order.remaining)
        else:
            self._end(order, Status.EXPIRED)

    def _size_in_base(self, listing: Listing, ticket: Ticket, quote: Decimal) -> Decimal:
        """Give how much a market buy for so much quote is: what a book that is too short lacks counts at its end."""
        quantity, price = ZERO, self.exchange.price(listing.symbol)
        for price, offered in self._levels(listing, ticket):
            taken = min(offered, whole(quote / price, listing.step))
            quantity, quote = quantity + taken, quote - taken * price
            if taken < offered:
                return quantity
        return quantity + whole(quote / price, listing.step)

    def _require(self, account: Account, listing: Listing, order: Order, fills: list[Level], rests: bool) -> None:
        quantity = sum((level.quantity for level in fills), ZERO)
        quote = sum((level.quantity * level.price for level in fills), ZERO)
        if rests and order.ticket.price is not None:
            quote += (order.quantity - quantity) * order.ticket.price
            quantity = order.quantity
        fees = account.fees[order.ticket.product]
        if order.ticket.product is Product.SPOT and fees.coin == "quote" and order.ticket.is_buy:
            quote += self.exchange.prices.fee(quote, Decimal(1), max(fees.maker, fees.taker))
        if quantity:
            self.exchange.settlement.require(account, listing, order.ticket, quantity, quote)

    def _fills(self, account: Account, listing: Listing, order: Order, price: Decimal | None) -> Iterator[Level]:
        """Give what is taken from the book around a price, now's if none is given, best first."""
        named = self.exchange.fill_at(order) if self.exchange.fill_at else None
        left = min(order.quantity, self._reducible(account, order))
        for level in self._levels(listing, order.ticket, price) if named is None else [Level(named, left)]:
            quantity = min(left, level.quantity)
            if quantity <= 0:
                return
            yield Level(level.price, quantity)
            left -= quantity

    def _reducible(self, account: Account, order: Order) -> Decimal:
        ticket = order.ticket
        if not ticket.reduces:
            return order.remaining
        return account.position(ticket.symbol, ticket.position_side).reducible(ticket.direction)

    def _levels(self, listing: Listing, ticket: Ticket, price: Decimal | None = None) -> Iterator[Level]:
        """Give the other side of the book as far as the order's price reaches."""
        book = self.exchange.book(listing.symbol, price)
        for level in book.asks if ticket.is_buy else book.bids:
            if ticket.price is not None and (level.price - ticket.price) * ticket.direction > 0:
                return
            yield level

    def _fill(self, account: Account, listing: Listing, order: Order, level: Level, is_maker: bool) -> None:
        exchange, fees = self.exchange, account.fees[order.ticket.product]
        fee = exchange.prices.fee(level.quantity, level.price, fees.maker if is_maker else fees.taker)
        booked = exchange.settlement.fill(account, listing, order, level.quantity, level.price, fee)
        fee, coin, realised = booked
        now_ms, number = exchange.now_ms(), exchange.next_number("trade")
        trade = Trade(number, order, level.price, level.quantity, fee, coin, now_ms, is_maker, realised)
        self.trades.append(trade)
        self.trades_of[order.owner, order.ticket.product, order.ticket.symbol].append(trade)
        order.trades.append(trade)
        order.filled += level.quantity
        order.quote_filled += level.quantity * level.price
        order.updated_ms = now_ms
        order.status = Status.PARTIAL if order.remaining else Status.FILLED
        if not order.remaining:
            self.open.pop(order.id, None)

    def _end(self, order: Order, status: Status) -> None:
        order.status, order.updated_ms = status, self.exchange.now_ms()
        self.open.pop(order.id, None)

    def _hold_margin(self, account: Account, listing: Listing, ticket: Ticket) -> None:
        if ticket.product is Product.SWAP:
            own = [o for o in self.open.values() if o.owner == account.name and o.ticket.product is Product.SWAP]
            self.exchange.settlement.hold_margin(account, listing.quote, own)
