"""What an account on an exchange is to those who send orders there: calls, and answers that have been checked.

Quantities are base units, prices and amounts quote, all exact decimals; times are milliseconds UTC. Symbols are those
of the settings, `BTC/USDT`, whatever the exchange calls them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, auto
from typing import Protocol

from shared.enums import Side
from worker.exchange.budget import RateBudget


class OrderKind(StrEnum):
    """How an order asks to be filled."""

    MARKET = auto()
    LIMIT = auto()
    # a limit order that may only rest: the exchange refuses what would fill at once
    MAKER = auto()


class Fate(StrEnum):
    """What is known of an order once it was sent."""

    # it is on the exchange; the answer has it
    ACCEPTED = auto()
    # the exchange said no, provably: it never was an order
    REJECTED = auto()
    # it never arrived, provably: the same may be sent again
    NOT_PLACED = auto()
    # an order of this name exists already: it must be looked up
    DUPLICATE = auto()
    # all that does not prove itself
    UNKNOWN = auto()


class Refusal(StrEnum):
    """What a refusal is about; it decides what the worker does next."""

    NONE = auto()
    FUNDS = auto()
    # step, minimum, price band …
    RULES = auto()
    # an order that may only rest would have filled at once
    POST_ONLY = auto()
    # unknown, closed for trading, delisted
    SYMBOL = auto()
    # key, signature, rights, address
    KEY = auto()
    CLOCK = auto()
    # told to wait, or banned
    RATE = auto()
    # overloaded, in maintenance
    BUSY = auto()


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to be sent. `reference_price` is the price at sending, for exchanges that size market buys in quote.

    `reduce_only` is an exit or a reduction on spot accounts too, where the exchange is not told: it may use what the
    rate budget keeps back.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    kind: OrderKind
    reference_price: Decimal
    price: Decimal | None = None
    reduce_only: bool = False


class Status(StrEnum):
    """Where an order stands on the exchange."""

    OPEN = auto()
    FILLED = auto()
    # by us, by the exchange, or expired: with or without fills, and nothing more will be filled
    CANCELLED = auto()
    REJECTED = auto()


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange has it; `client_order_id` is as we named it, without what an exchange puts before it."""

    client_order_id: str
    exchange_id: str
    symbol: str
    side: Side
    status: Status
    quantity: Decimal
    filled: Decimal
    time_ms: int
    price: Decimal | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeTrade:
    """One execution of one order; `fee` ≥ 0 is what it cost, in `fee_coin`, a rebate is below 0."""

    id: str
    exchange_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_coin: str
    time_ms: int
    is_maker: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending an order; `text` is for people and holds no secret."""

    fate: Fate
    order: ExchangeOrder | None = None
    refusal: Refusal = Refusal.NONE
    text: str = ""
    # nothing may be asked of this account before (wall time of this machine)
    silent_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class LookUp:
    """What was found of an order by all the ways the exchange has: by name, in open and closed orders, in trades.

    `order` is None where it was not found, which says nothing where `complete` is false: a way could not be asked.
    """

    order: ExchangeOrder | None
    trades: Sequence[ExchangeTrade]
    complete: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A deposit (amount > 0) or withdrawal (< 0) in the exchange's own ledger."""

    id: str
    coin: str
    amount: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """What the exchange demands of orders of a symbol; None where it does not say. `per_contract` is base units."""

    step: Decimal | None
    min_quantity: Decimal | None
    min_notional: Decimal | None
    tick: Decimal | None = None
    max_market_quantity: Decimal | None = None
    # an order's price must lie between these shares of the last price
    low_band: Decimal | None = None
    high_band: Decimal | None = None
    per_contract: Decimal = Decimal(1)
    is_trading: bool = True
    # a position may be reduced by less than `min_notional`
    has_positions: bool = False


@dataclass(frozen=True, slots=True)
class Finality:
    """When an order that cannot be found is proved never to have been.

    Where the exchange refuses what arrives later than `window_ms` after its time stamp, at `sent + window_ms` and 5 s;
    else where `window_ms` is None: not found twice, 30 s apart, and balances agree. `bound_ms` is how long who takes
    over must wait before sending where there is no window. Where the exchange forgets an id of ours after `named_ms`,
    one that was sent longer ago wants both proofs.
    """

    window_ms: int | None
    bound_ms: int
    named_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What the exchange says of the key; None where it does not say."""

    may_trade: bool | None
    may_withdraw: bool | None
    is_bound_to_addresses: bool | None


class AccountClient(Protocol):
    """One account on one exchange. Reads raise MarketError; nothing is sent twice by itself.

    An answer that does not validate is never an empty account, a zero position or a missing order: it raises.
    """

    name: str
    finality: Finality
    budget: RateBudget

    def connect(self, symbols: Collection[str], may_be_gone: Collection[str] = ()) -> None:
        """Read the exchange's time and listing; a symbol that is not listed is refused, unless it may be gone."""
        ...

    def close(self) -> None:
        """Close the connections that are kept."""
        ...

    def now_ms(self) -> int: ...

    def skew_ms(self) -> int: ...

    def rules(self, symbol: str) -> SymbolRules: ...

    def best_prices(self, symbols: Collection[str]) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give best bid and ask of all the symbols, connected or not; where one has none it raises."""
        ...

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Send an order once; it leaves by the monotonic time `leave_by_ms` or not at all (NOT_PLACED)."""
        ...

    def cancel(self, symbol: str, client_order_id: str, exchange_id: str | None) -> Answer:
        """Cancel an order once.

        REJECTED without a refusal is an order that is not open: filled, cancelled before, or never there.
        """
        ...

    def look_up(self, symbol: str, client_order_id: str, exchange_id: str | None, sent_ms: int) -> LookUp: ...

    def open_orders(self, symbols: Collection[str]) -> Sequence[ExchangeOrder]: ...

    def trades(self, symbol: str, since_ms: int) -> Sequence[ExchangeTrade]: ...

    def trades_of(self, symbol: str, exchange_id: str, since_ms: int) -> Sequence[ExchangeTrade]: ...

    def balances(self) -> Mapping[str, Decimal]: ...

    def positions(self, symbols: Collection[str]) -> Mapping[str, Decimal]: ...

    def flows(self, since_ms: int) -> Sequence[Flow] | None: ...

    def set_up(self, symbols: Collection[str], leverage: int, isolated: bool, hedge: bool) -> None: ...

    def rights(self) -> Rights: ...
