"""What an exchange demands of an order before it takes it."""

from decimal import Decimal

from tests.exchange.accounts import Account
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Refused, Ticket, Why


def check_ticket(ticket: Ticket, listing: Listing, price: Decimal, account: Account) -> None:
    """Raise Refused where a rule of the market speaks against an order."""
    if listing.status != "TRADING":
        raise Refused(Why.CLOSED, listing.symbol)
    _check_quantity(ticket, listing)
    if ticket.price is not None:
        _check_price(ticket.price, listing, price)
    _check_notional(ticket, listing, price)
    if ticket.trigger is not None and ticket.is_met(price):
        raise Refused(Why.TRIGGER, f"{ticket.trigger} is met at {price}")
    if ticket.product is Product.SWAP:
        _check_position(ticket, account)


def is_whole(quantity: Decimal, unit: Decimal) -> bool:
    """Say whether a quantity is made of whole units."""
    return quantity % unit == 0


def _check_quantity(ticket: Ticket, listing: Listing) -> None:
    quantity = ticket.quantity
    if quantity is None:
        if ticket.quote_quantity is None and ticket.trigger is None:
            raise Refused(Why.PARAMETER, "quantity")
        return
    if not is_whole(quantity, listing.step):
        raise Refused(Why.STEP, f"{quantity} by {listing.step}")
    if not listing.smallest <= quantity <= listing.max_quantity:
        raise Refused(Why.SIZE, str(quantity))
    if ticket.price is None and quantity > listing.max_market_quantity:
        raise Refused(Why.MARKET_SIZE, str(quantity))


def _check_price(asked: Decimal, listing: Listing, price: Decimal) -> None:
    if asked <= 0 or not is_whole(asked, listing.tick):
        raise Refused(Why.TICK, f"{asked} by {listing.tick}")
    if not listing.low_band * price <= asked <= listing.high_band * price:
        raise Refused(Why.BAND, f"{asked} at {price}")


def _check_notional(ticket: Ticket, listing: Listing, price: Decimal) -> None:
    if ticket.reduces or (ticket.quantity is None and ticket.quote_quantity is None):
        return
    worth = ticket.quote_quantity if ticket.quantity is None else ticket.quantity * (ticket.price or price)
    if worth is not None and worth < listing.min_notional:
        raise Refused(Why.NOTIONAL, f"{worth} < {listing.min_notional}")


def _check_position(ticket: Ticket, account: Account) -> None:
    if (ticket.position_side == "BOTH") == account.hedge:
        raise Refused(Why.POSITION_SIDE, f"{ticket.position_side} while hedge mode is {account.hedge}")
    position = account.position(ticket.symbol, ticket.position_side)
    if ticket.reduces and ticket.trigger is None and not position.reducible(ticket.direction):
        raise Refused(Why.REDUCE_ONLY, f"position is {position.quantity}")
