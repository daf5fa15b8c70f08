"""What a fill moves: coins between an account and the market, fees, margins."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from tests.exchange.accounts import Account, Fees
from tests.exchange.exact import quotient
from tests.exchange.ledger import FEES, MARKET, ZERO, Ledger, Part, Pocket
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Order, Refused, Ticket, Why

COIN_UNIT = Decimal("1e-8")


class Settlement:
    """Books fills in a ledger. `coin_price` gives a coin's price in quote, `mark` a symbol's price."""

    def __init__(
        self, ledger: Ledger, coin_price: Callable[[str, str], Decimal], mark: Callable[[str], Decimal]
    ) -> None:
        self.ledger = ledger
        # what accounts could not pay: (owner, coin, amount)
        self.shortfalls: list[tuple[str, str, Decimal]] = []
        self._coin_price = coin_price
        self._mark = mark

    def free(self, account: Account, product: Product, coin: str) -> Decimal:
        """Give what an account may spend or withdraw; a loss not yet taken lowers it."""
        free = self.ledger.amount(account.pocket(product), coin)
        holds_contracts = product is Product.SWAP or account.unified
        return free + min(ZERO, self.unrealised(account, coin)) if holds_contracts else free

    def unrealised(self, account: Account, quote: str) -> Decimal:
        """Give what the positions in a quote have gained."""
        held = [position for position in account.held() if position.symbol.endswith(quote)]
        return sum((position.profit(self._mark(position.symbol)) for position in held), ZERO)

    def require(self, account: Account, listing: Listing, ticket: Ticket, quantity: Decimal, quote: Decimal) -> None:
        """Raise Refused where an account lacks what a fill of so much would take; `quote` with fees in quote."""
        if ticket.product is Product.SPOT:
            coin, amount = (listing.quote, quote) if ticket.is_buy else (listing.base, quantity)
        else:
            coin, amount = listing.quote, self._margin_needed(account, ticket, quantity, quote)
        free = self.free(account, ticket.product, coin)
        if amount > 0 and amount > free:
            raise Refused(Why.FUNDS, f"{amount} {coin} wanted, {free} free")

    def _margin_needed(self, account: Account, ticket: Ticket, quantity: Decimal, quote: Decimal) -> Decimal:
        position = account.position(ticket.symbol, ticket.position_side)
        opened = ZERO if ticket.reduces else max(ZERO, quantity - position.reducible(ticket.direction))
        return quotient(quote * opened, quantity * account.leverage_of(ticket.symbol)) if opened else ZERO

    def require_reserve(self, account: Account, listing: Listing, order: Order) -> None:
        """Raise Refused where an account lacks what an order would lock while it waits for its trigger."""
        ticket = order.ticket
        if ticket.product is Product.SPOT and not (ticket.is_buy and ticket.price is None):
            self.require(account, listing, ticket, order.quantity, self._worth(account, order, order.quantity))

    def reserve(self, account: Account, listing: Listing, order: Order, quantity: Decimal, back: bool = False) -> None:
        """Lock what a resting spot order may take, or give it back."""
        ticket = order.ticket
        if ticket.product is Product.SWAP or (ticket.is_buy and ticket.price is None):
            return
        coin, amount = (
            (listing.quote, self._worth(account, order, quantity)) if ticket.is_buy else (listing.base, quantity)
        )
        pockets = [account.pocket(Product.SPOT), account.pocket(Product.SPOT, Part.LOCKED)]
        source, target = reversed(pockets) if back else pockets
        self.ledger.move(coin, amount, source, target)

    def _worth(self, account: Account, order: Order, quantity: Decimal) -> Decimal:
        fees = account.fees[Product.SPOT]
        extra = max(fees.maker, fees.taker) if fees.coin == "quote" else ZERO
        return quantity * (order.ticket.price or ZERO) * (1 + extra)

    def fill(
        self, account: Account, listing: Listing, order: Order, quantity: Decimal, price: Decimal, fee: Decimal
    ) -> tuple[Decimal, str, Decimal]:
        """Book a fill whose fee is worth so much quote; give fee, its coin, and the profit realised."""
        if order.ticket.product is Product.SPOT:
            self._exchange_coins(account, listing, order.ticket.is_buy, quantity, quantity * price)
            return (*self._charge(account, listing, order.ticket, fee, price), ZERO)
        position = account.position(order.ticket.symbol, order.ticket.position_side)
        realised = position.apply(quantity * order.ticket.direction, price)
        self.pay(account, listing.quote, realised)
        return (*self._charge(account, listing, order.ticket, fee, price), realised)

    def _exchange_coins(
        self, account: Account, listing: Listing, is_buy: bool, quantity: Decimal, quote: Decimal
    ) -> None:
        pocket = account.pocket(Product.SPOT)
        gives = (listing.quote, quote) if is_buy else (listing.base, quantity)
        gets = (listing.base, quantity) if is_buy else (listing.quote, quote)
        self.ledger.move(*gives, pocket, MARKET)
        self.ledger.move(*gets, MARKET, pocket)

    def _charge(
        self, account: Account, listing: Listing, ticket: Ticket, fee: Decimal, price: Decimal
    ) -> tuple[Decimal, str]:
        fees, pocket = account.fees[ticket.product], account.pocket(ticket.product)
        amount, coin = self._fee_in_coin(fees, listing, fee)
        if coin is None or self.ledger.amount(pocket, coin) < amount:
            in_base = ticket.product is Product.SPOT and ticket.is_buy and fees.coin != "quote"
            amount, coin = (quotient(fee, price), listing.base) if in_base else (fee, listing.quote)
        if ticket.product is Product.SWAP and coin == listing.quote:
            self.pay(account, coin, -amount, FEES)
        else:
            self._charge_free(account, ticket.product, coin, amount)
        return amount, coin

    def _charge_free(self, account: Account, product: Product, coin: str, amount: Decimal) -> None:
        source, target = account.pocket(product), FEES
        self.ledger.move(coin, abs(amount), *((source, target) if amount >= 0 else (target, source)))

    def _fee_in_coin(self, fees: Fees, listing: Listing, fee: Decimal) -> tuple[Decimal, str | None]:
        if fees.coin in ("received", "quote"):
            return fee, None
        return quotient(fee, self._coin_price(fees.coin, listing.quote), COIN_UNIT), fees.coin

    def pay(self, account: Account, coin: str, amount: Decimal, other: Pocket = MARKET) -> None:
        """Book profit or loss of contracts; nobody is liquidated: what an account cannot pay, the market bears."""
        pocket = account.pocket(Product.SWAP)
        if amount >= 0:
            self.ledger.move(coin, amount, other, pocket)
            return
        self.release_margin(account, coin)
        paid = min(-amount, self.ledger.amount(pocket, coin))
        self.ledger.move(coin, paid, pocket, other)
        if paid < -amount:
            self.shortfalls.append((account.name, coin, -amount - paid))

    def release_margin(self, account: Account, coin: str) -> None:
        """Make the margin free; `hold_margin` takes it again."""
        margin = account.pocket(Product.SWAP, Part.MARGIN)
        self.ledger.move(coin, self.ledger.amount(margin, coin), margin, account.pocket(Product.SWAP))

    def hold_margin(self, account: Account, quote: str, orders: Iterable[Order]) -> None:
        """Set aside what positions and resting orders of contracts demand, as far as it is there."""
        self.release_margin(account, quote)
        held = [position for position in account.held() if position.symbol.endswith(quote)]
        needed = sum((position.margin(account.leverage_of(position.symbol)) for position in held), ZERO)
        needed += sum((self._order_margin(account, order) for order in orders), ZERO)
        pocket = account.pocket(Product.SWAP)
        there = self.ledger.amount(pocket, quote)
        self.ledger.move(quote, min(needed, there), pocket, account.pocket(Product.SWAP, Part.MARGIN))

    def _order_margin(self, account: Account, order: Order) -> Decimal:
        ticket = order.ticket
        if ticket.price is None or order.is_waiting:
            return ZERO
        return self._margin_needed(account, ticket, order.remaining, order.remaining * ticket.price)
