"""What is particular to an exchange: one row each, and no account on an exchange without one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from shared.errors import ConfigurationError
from worker.exchange.protocol import Finality

RECEIVE_WINDOW_MS = 5_000


class ByName(StrEnum):
    """How the exchange finds an order by the id we gave it."""

    # the id goes as a parameter
    PARAMETER = auto()
    # the id stands, with its prefix, where the exchange's own does
    ID = auto()
    # its lists are narrowed to the id
    LISTS = auto()
    # not at all: its lists are read, and its own id is used
    NOT = auto()


class Duplicates(StrEnum):
    """What happens to a second order with the id of another."""

    REFUSED = auto()
    # only while the first is open: later it is another order
    REFUSED_WHILE_OPEN = auto()
    # the first is the answer
    RETURNED = auto()
    NOT_SAID = auto()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The testnet: hosts of its own, or a header on the usual ones; `is_demo` where ccxt calls it demo trading."""

    hosts: tuple[str, ...]
    header: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """What may be spent in any `window_ms`; a call costs what ccxt's table says times `weight`, as the exchange counts.

    `used_header` is where the exchange says what was spent from this address.
    """

    limit: float
    window_ms: int
    weight: float = 1.0
    used_header: str = ""


@dataclass(frozen=True, slots=True)
class Quirks:
    """One exchange and kind of account. Names of calls, parameters and options are those of ccxt."""

    exchange: str
    kind: str
    hosts: tuple[str, ...]
    sandbox: Sandbox | None
    # where its answers hold their lists, and its balances: without one an answer that looks empty is none
    lists: tuple[tuple[str, ...], ...]
    balances: tuple[str, ...]
    finality: Finality
    rate: Rate
    # client ids
    id_on_the_wire: str
    id_form: str
    duplicates: Duplicates
    id_parameter: str = "clientOrderId"
    id_prefix: str = ""
    look_up_by: ByName = ByName.PARAMETER
    look_up_parameter: str = "clientOrderId"
    cancel_by: ByName = ByName.PARAMETER
    cancel_parameter: str = "clientOrderId"
    # what the body says of an order that is not there; where it does not, "not found" is not believed
    absent: str = ""
    # what a refusal to cancel says of an order that is over
    over: str = ""
    # orders
    has_passphrase: bool = False
    answers_in_full: bool = False
    buys_in_quote: bool = False
    # where an order itself says what was filled, which ccxt divides out of what it cost
    filled_at: str = ""
    margin_parameter: str = ""
    sends_leverage: bool = False
    leverage_takes_mode: bool = False
    fee_coins: tuple[str, ...] = ()
    fees_in_trades: bool = True
    # where a trade itself names the coin of its fee, which ccxt guesses from the side
    fee_coin_at: str = ""
    # its nonces must rise, whatever becomes of the clock
    nonce_rises: bool = False
    # where a cancellation's answer has no id: what it must hold instead
    cancel_proof: tuple[str, ...] = ()
    # lists
    # tables by id, or by coin
    lists_are_tables: bool = False
    balances_are_tables: bool = False
    # a list without rows is null
    empty_is_null: bool = False
    # what says that there are more balances than were told
    more_at: str = ""
    # what must be held by each of its orders, and by each row of its opens, history, trades, positions or balances:
    # else ccxt leaves it out, or guesses
    rows_hold: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    history: tuple[str, ...] = ("fetch_closed_orders",)
    history_page: int = 100
    opens_without_symbol: bool = True
    most_opens: int | None = None
    # its positions are asked for one symbol at a time
    positions_by_symbol: bool = False
    trades_by_order: str = ""
    trades_page: int = 100
    trades_window_ms: int | None = None
    trades_have_since: bool = True
    # its own list of deposits, withdrawals and transfers
    flows: tuple[str, ...] = ()
    flows_filter: Mapping[str, str] = field(default_factory=dict)
    flows_page: int = 100
    # of entries that name no coin
    flows_coin: str = ""
    # ccxt passes the time on as it is
    flows_in_seconds: bool = False
    # path to the list, name of the coin and of the amount without profit that is not realised
    wallet: tuple[tuple[str, ...], str, str] | None = None
    # the header that says until when a request is good, where it is none of ccxt's parameters
    expiry_header: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    # the address of its websocket on this machine, for the monitor that is to come
    websocket: str | None = None
    # what measurements or recorded requests support, and what nothing does
    verified: tuple[str, ...] = ()
    not_verified: tuple[str, ...] = ()

    def require_id(self, client_order_id: str) -> None:
        """Raise ValueError where the exchange would not take a client id."""
        if not re.fullmatch(self.id_form, client_order_id):
            raise ValueError(f"client id must be like {self.id_form} on {self.exchange}, was {client_order_id!r}")

    def says_absent(self, body: str) -> bool:
        """Say whether an answer's body proves that an order is not there."""
        return bool(self.absent) and re.search(self.absent, body) is not None

    def named(self, client_order_id: str) -> str:
        """Give a client id as the exchange writes it."""
        return f"{self.id_prefix}{client_order_id}"

    def ours(self, written: str) -> str:
        """Give a client id as we named it."""
        return written.removeprefix(self.id_prefix)


def find_quirks(exchange: str, kind: str, rows: tuple[Quirks, ...], of: str) -> Quirks:
    """Give the row of an exchange and kind of account; `of` names the account that wants it.

    Raises ConfigurationError.
    """
    kinds = {row.kind: row for row in rows if row.exchange == exchange}
    if not kinds:
        known = ", ".join(sorted({row.exchange for row in rows}))
        raise ConfigurationError(f"exchange of {of} must be one of {known}, was {exchange!r}")
    if kind not in kinds:
        raise ConfigurationError(f"type of {of} on {exchange} must be one of {', '.join(kinds)}, was {kind!r}")
    return kinds[kind]
