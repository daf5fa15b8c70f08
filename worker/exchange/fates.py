"""What an exception says of the order that was sent: one table, read from above; what it does not name is UNKNOWN."""

import re
from dataclasses import dataclass

import ccxt
from requests.exceptions import ConnectTimeout

from worker.exchange.budget import TooLate, Withheld, WrongPlace
from worker.exchange.protocol import Fate, Refusal


@dataclass(frozen=True, slots=True)
class Row:
    """An exception of these classes, with this in its text and this cause where they are named, and what it means."""

    classes: tuple[type[BaseException], ...]
    fate: Fate
    refusal: Refusal
    text: str = ""
    exchange: str = ""
    cause: type[BaseException] | None = None

    def fits(self, exchange: str, error: BaseException) -> bool:
        """Say whether the row speaks of this exception."""
        return (
            isinstance(error, self.classes)
            and self.exchange in ("", exchange)
            and (not self.text or re.search(self.text, str(error)) is not None)
            and (self.cause is None or isinstance(error.__cause__, self.cause))
        )


_NO_ORDER = (
    ccxt.InvalidOrder,
    ccxt.BadRequest,
    ccxt.OperationRejected,
    ccxt.ArgumentsRequired,
    ccxt.NotSupported,
)

TABLE = (
    # ours: it never left
    Row((TooLate,), Fate.NOT_PLACED, Refusal.BUSY),
    Row((WrongPlace,), Fate.REJECTED, Refusal.KEY),
    Row((Withheld,), Fate.NOT_PLACED, Refusal.RATE),
    # an id that is taken: no exchange of the table maps it to the class that ccxt has for it
    Row((ccxt.DuplicateOrderId,), Fate.DUPLICATE, Refusal.NONE),
    Row((ccxt.InvalidOrder,), Fate.DUPLICATE, Refusal.NONE, r'Duplicate order sent|"code":\s*-4116\b', "binance"),
    Row((ccxt.InvalidOrder,), Fate.DUPLICATE, Refusal.NONE, r'"retCode":\s*"?(170141|110072)\b', "bybit"),
    Row((ccxt.InvalidOrder,), Fate.DUPLICATE, Refusal.NONE, r'"51016"', "okx"),
    # overloaded, before the order was looked at
    Row((ccxt.InvalidOrder,), Fate.NOT_PLACED, Refusal.BUSY, r'"retCode":\s*"?170005\b', "bybit"),
    Row((ccxt.OperationFailed,), Fate.NOT_PLACED, Refusal.BUSY, r'"code":\s*-1008\b', "binance"),
    # who asks
    Row((ccxt.DDoSProtection,), Fate.REJECTED, Refusal.KEY, r'"code":\s*-2015\b', "binance"),
    Row((ccxt.AuthenticationError,), Fate.REJECTED, Refusal.CLOCK, "REQUEST_EXPIRED", "gate"),
    Row((ccxt.AuthenticationError, ccxt.RestrictedLocation), Fate.REJECTED, Refusal.KEY),
    # when it was asked
    Row((ccxt.RateLimitExceeded, ccxt.DDoSProtection), Fate.NOT_PLACED, Refusal.RATE),
    Row((ccxt.InvalidNonce,), Fate.NOT_PLACED, Refusal.CLOCK),
    Row((ccxt.RequestTimeout,), Fate.NOT_PLACED, Refusal.BUSY, cause=ConnectTimeout),
    # what was asked
    Row((ccxt.OrderNotFound,), Fate.UNKNOWN, Refusal.NONE),
    Row((ccxt.BadSymbol, ccxt.MarketClosed, ccxt.ContractUnavailable), Fate.REJECTED, Refusal.SYMBOL),
    Row((ccxt.InsufficientFunds,), Fate.REJECTED, Refusal.FUNDS),
    Row((ccxt.OrderImmediatelyFillable,), Fate.REJECTED, Refusal.POST_ONLY),
    Row((ccxt.OrderNotFillable,), Fate.REJECTED, Refusal.POST_ONLY, r'"code":\s*-5022\b', "binance"),
    Row(_NO_ORDER, Fate.REJECTED, Refusal.RULES),
)


def fate_of(exchange: str, error: BaseException) -> tuple[Fate, Refusal]:
    """Give what is known of an order after an exception, and what a refusal is about."""
    for row in TABLE:
        if row.fits(exchange, error):
            return row.fate, row.refusal
    return Fate.UNKNOWN, Refusal.NONE
