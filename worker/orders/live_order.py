"""An order on its way to an exchange and back, as the worker holds it between two looks at the books."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shared.enums import OrderStatus, Purpose, Side, Trigger
from shared.quantities import Unit
from worker.exchange.protocol import ExchangeTrade, OrderKind

# A step is worth this long to decide and to commit; what waited longer is of another price.
REASON_EXPIRED = "EXPIRED_INTENT"


@dataclass(slots=True)
class LiveOrder:
    """One order to one account. Counts are positive whole units; `shares` and `filled` are by bot index, positive."""

    client_order_id: str
    account: str
    symbol: str
    side: Side
    units: int
    unit: Unit
    purpose: Purpose
    trigger: Trigger
    kind: OrderKind
    step: int
    fencing: int
    # whether a bot holds more by it; whether the account's own position can only get smaller by it
    increases: bool
    reduce_only: bool
    shares: dict[int, int]
    # when it was intended, by the time that only moves on
    intended_ms: int
    status: OrderStatus = OrderStatus.INTENT
    filled: dict[int, int] = field(default_factory=dict)
    trade_ids: set[str] = field(default_factory=set)
    filled_units: int = 0
    filled_quote: Decimal = Decimal(0)
    fee_quote: Decimal = Decimal(0)
    exchange_id: str | None = None
    sent_ms: int = 0
    # the price it was decided at, and the one when it left
    decided_price: float | None = None
    reference_price: float | None = None
    limit_price: Decimal | None = None
    reason: str | None = None
    # the how manieth for what one decision wants; until when it may rest, by the time that only moves on
    attempt: int = 0
    rests_until_ms: int = 0
    # looking it up: how often, when next and since when nothing is known, by the time that only moves on
    looks: int = 0
    look_at_ms: int | None = None
    unknown_since_ms: int | None = None
    first_absent_ms: int | None = None
    is_alarmed: bool = False
    # sent, and provably not there: the same may leave again
    never_arrived: bool = False

    @property
    def quantity(self) -> Decimal:
        """Give the base quantity ordered, exactly."""
        return exact(self.units, self.unit)

    @property
    def is_over(self) -> bool:
        """Say whether nothing more comes of it."""
        return self.status in (OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.ABSENT)

    @property
    def is_resting(self) -> bool:
        """Say whether it waits on the exchange for somebody to take it."""
        is_open = self.status in (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)
        return is_open and self.kind is not OrderKind.MARKET


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became known of an order: where it stands, trades of it, and words for people.

    `status` is none where nothing new is known of it. `filled_units` is what the exchange says was filled of it, of
    which `trades` may tell a part only. `coin_prices` is what other coins that fees were paid in are worth in quote.
    """

    order: LiveOrder
    status: OrderStatus | None
    trades: Sequence[ExchangeTrade] = ()
    filled_units: int = 0
    exchange_id: str | None = None
    text: str = ""
    # where it provably never arrived: it may leave again after so long
    again_in_ms: int | None = None
    # what a look-up did not find, by all ways the exchange has
    is_absent: bool = False
    # an order that rested is over by the exchange's own word: what it left may go on
    may_go_on: bool = False
    # the cause of a level that this sets (KEY, RUNAWAY, FIRST_ORDERS), CLOCK where it is only told, or nothing
    alarm: str = ""
    coin_prices: dict[str, Decimal] = field(default_factory=dict)


def base_of(symbol: str) -> str:
    """Give the coin that a symbol trades."""
    return symbol.partition("/")[0]


def exact(units: int, unit: Unit) -> Decimal:
    """Give the base quantity of so many units as a decimal."""
    return Decimal(units) * Decimal(unit.coins_per_unit) / Decimal(unit.units_per_coin)


def whole_units(quantity: Decimal, unit: Unit) -> int:
    """Count a base quantity. Raises ValueError where it is not a whole number of the asset's smallest unit."""
    count = quantity * Decimal(unit.units_per_coin) / Decimal(unit.coins_per_unit)
    if count != count.to_integral_value():
        size = Decimal(unit.coins_per_unit) / Decimal(unit.units_per_coin)
        raise ValueError(f"quantity must be a whole number of {size:f}, was {quantity:f}")
    return int(count)
