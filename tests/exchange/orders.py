"""Orders as they are asked for and as they stand, and their executions."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum, auto

from tests.exchange.ledger import ZERO
from tests.exchange.listings import Product


class Unique(Enum):
    """How long a client id keeps others of the same account from bearing it."""

    NEVER = auto()
    WHILE_OPEN = auto()
    ALWAYS = auto()


@dataclass(frozen=True)
class Terms:
    """What exchanges do differently with orders: a post-only that would fill is refused, or taken and cancelled."""

    unique: Unique = Unique.WHILE_OPEN
    refuses_post_only: bool = True


class Status(StrEnum):
    """Where an order stands; the words are Binance's."""

    NEW = "NEW"
    PARTIAL = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        """Say whether more may be filled."""
        return self in (Status.NEW, Status.PARTIAL)


class TimeInForce(StrEnum):
    """How long an order waits; GTX only ever waits."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


@dataclass(frozen=True)
class Ticket:
    """What is asked for. `price` None is a market order, `trigger` waits for a price first.

    Without `quantity`, a spot buy is for `quote_quantity` of quote, and a triggered order closes the whole position.
    """

    product: Product
    symbol: str
    is_buy: bool
    quantity: Decimal | None = None
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    trigger: Decimal | None = None
    triggers_above: bool = False
    # BOTH in one-way mode, LONG or SHORT in hedge mode
    position_side: str = "BOTH"
    client_id: str = ""
    # the exchange's own word for the kind of order
    kind: str = "MARKET"

    @property
    def direction(self) -> int:
        """Give 1 for a buy, -1 for a sale."""
        return 1 if self.is_buy else -1

    @property
    def reduces(self) -> bool:
        """Say whether it may only make a position smaller."""
        return self.reduce_only or self.position_side == ("SHORT" if self.is_buy else "LONG")

    def is_met(self, price: Decimal) -> bool:
        """Say whether a price meets the trigger."""
        trigger = self.trigger if self.trigger is not None else price
        return price >= trigger if self.triggers_above else price <= trigger


@dataclass
class Order:
    """A ticket that was taken. `quote_filled` is what the fills were worth."""

    id: int
    owner: str
    ticket: Ticket
    quantity: Decimal
    time_ms: int
    updated_ms: int
    visible_ms: int
    status: Status = Status.NEW
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    triggered: bool = False
    trades: list["Trade"] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        """Give what is not filled."""
        return self.quantity - self.filled

    @property
    def is_waiting(self) -> bool:
        """Say whether its trigger has not been met."""
        return self.ticket.trigger is not None and not self.triggered

    @property
    def average(self) -> Decimal:
        """Give the average price, 0 without fills."""
        return self.quote_filled / self.filled if self.filled else ZERO


@dataclass(frozen=True)
class Trade:
    """One execution; `fee` in `fee_coin`, `realised` the profit of what it closed, in quote."""

    id: int
    order: Order
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_coin: str
    time_ms: int
    is_maker: bool
    realised: Decimal = ZERO


class Why(StrEnum):
    """Why something is refused; each face says it in its own code."""

    SYMBOL = "symbol"
    CLOSED = "closed"
    STEP = "step"
    SIZE = "size"
    MARKET_SIZE = "market size"
    TICK = "tick"
    BAND = "band"
    NOTIONAL = "notional"
    FUNDS = "funds"
    DUPLICATE = "duplicate"
    POST_ONLY = "post only"
    REDUCE_ONLY = "reduce only"
    POSITION_SIDE = "position side"
    TRIGGER = "trigger"
    UNKNOWN_ORDER = "unknown order"
    NOT_OPEN = "not open"
    NO_CHANGE = "no change"
    HELD = "held"
    PARAMETER = "parameter"


class Refused(Exception):
    """The engine will not do it."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why = why
        self.detail = detail
