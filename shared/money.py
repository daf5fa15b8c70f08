"""Money and prices as people read them: which quotes are dollars, and the digits a number needs to say anything."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard

# Quotes worth about a dollar: defaults of settings that are amounts of money are meant in these.
DOLLARS = frozenset(
    ("USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI", "USDP", "PYUSD", "USDE", "USD1", "USDS", "USDD", "GUSD")
)
DOLLAR_DIGITS = 2
UNKNOWN = "–"
# A hundred-thousandth of what a bot starts with is seen: 1,000 has 2 decimals, 0.01 has 7.
_SEEN_DIGITS = 5
_MOST_DIGITS = 18
PRICE_DIGITS = 8
# The smallest unit there can be is 1e-12.
MOST_QUANTITY_DECIMALS = 12
# From here on a number is nobody's money: a power of ten says it better than its digits.
BEYOND_MONEY = 1e18


class Money(NamedTuple):
    """The quote a fleet counts in and the decimals its amounts are written with: the one place that decides them."""

    quote: str = ""
    digits: int = DOLLAR_DIGITS

    @property
    def form(self) -> str:
        """Give how an amount is written, as Python and plotly take it: `,.2f`."""
        return f",.{self.digits}f"

    @property
    def signed_form(self) -> str:
        """Give how a gain or loss is written: `+,.2f`."""
        return f"+{self.form}"

    @property
    def smallest(self) -> float:
        """Give the smallest amount that is written as other than nothing."""
        return float(f"1e-{self.digits}")

    def amount(self, value: float | None) -> str:
        """Write an amount with thousands set apart; a dash where it is not known."""
        return _written(value, self.form) if is_known(value) else UNKNOWN

    def gain(self, value: float | None) -> str:
        """Write an amount with its sign; a dash where it is not known."""
        return _written(value, self.signed_form) if is_known(value) else UNKNOWN

    def finer(self, digits: int) -> "Money":
        """Give the same money with so many decimals more, or fewer where negative."""
        return self._replace(digits=max(self.digits + digits, 0))

    def is_nothing(self, value: float) -> bool:
        """Say whether an amount is written as nothing."""
        return abs(value) < self.smallest / 2.0


def _written(value: float, form: str) -> str:
    if abs(value) >= BEYOND_MONEY:
        return f"{value:g}"
    # `z`: no amount is less than nothing by less than can be written.
    sign = form[:1].strip(",.")
    return f"{value:{sign}z{form[len(sign) :]}}"


def is_known(value: float | None) -> TypeGuard[float]:
    """Say whether a figure can be written."""
    return value is not None and math.isfinite(value)


def money_of_books(quote: str, settings: Mapping[str, Any]) -> Money:
    """Give how amounts of books are written, by the settings that ran last; with cents where they tell nothing."""
    return money_of(quote, settings.get("portfolio", {}).get("capital_per_bot", 0.0))


def money_of(quote: str, capital_per_bot: float) -> Money:
    """Give how amounts are written where a bot starts with so much: dollars with cents, others by that scale."""
    if quote in DOLLARS or not 0.0 < capital_per_bot < math.inf:
        return Money(quote)
    digits = _SEEN_DIGITS - math.floor(math.log10(capital_per_bot))
    return Money(quote, min(max(digits, 0), _MOST_DIGITS))


def price_text(price: float, digits: int = PRICE_DIGITS) -> str:
    """Write a price with so many significant digits at most, no price by powers of ten: `65,000`, `0.0000012`."""
    if not price or not abs(price) < BEYOND_MONEY:
        return f"{price:g}"
    places = max(digits - 1 - math.floor(math.log10(abs(price))), 0)
    text = f"{price:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def price_decimals(prices: Iterable[float]) -> int:
    """Give the decimals a symbol's prices are written with: those of its prices, of which the largest has 8 digits."""
    known = [abs(price) for price in prices if math.isfinite(price) and price]
    if not known:
        return 0
    most = max(PRICE_DIGITS - 1 - math.floor(math.log10(max(known))), 0)
    return max(_decimals(round(price, most)) for price in known)


def fixed_price(price: float, decimals: int) -> str:
    """Write a price with the decimals of its symbol: `65,000.10`."""
    return f"{price:,.{decimals}f}" if abs(price) < BEYOND_MONEY else f"{price:g}"


def quantity_text(quantity: float) -> str:
    """Write a quantity to its last step: the fewest digits of this float64, by powers of ten only beyond all money."""
    if not quantity or not abs(quantity) < BEYOND_MONEY:
        return f"{quantity:g}"
    text = f"{_shortest(quantity):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity_decimals(quantities: Iterable[float]) -> int:
    """Give the decimals that write every one of some quantities to its last step; finer than any step is noise."""
    known = (round(quantity, MOST_QUANTITY_DECIMALS) for quantity in quantities if math.isfinite(quantity))
    return max((_decimals(quantity) for quantity in known), default=0)


def _decimals(quantity: float) -> int:
    return len(quantity_text(quantity).partition(".")[2])


def _shortest(quantity: float) -> Decimal:
    return Decimal(repr(float(quantity)))
