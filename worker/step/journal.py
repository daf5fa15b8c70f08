"""The records a step leaves behind: what was filled, what a brake did, and how much of their room is used."""

from dataclasses import dataclass


@dataclass(slots=True)
class Fill:
    """One bot's leg of an execution: average price, fee, slippage, the part that crossed in house, what that saved."""

    time_ms: int = 0
    step: int = 0
    bot: int = 0
    market: int = 0
    leg: int = 0
    trigger: int = 0
    units: int = 0
    quantity: float = 0.0
    price: float = 0.0
    fee: float = 0.0
    slippage: float = 0.0
    crossed_units: int = 0
    crossed: float = 0.0
    saved: float = 0.0
    best_price: float = 0.0
    worst_price: float = 0.0


@dataclass(slots=True)
class Notice:
    """A brake that warned, tripped or released.

    `scope_kind` is 0 for the portfolio, 1 a sleeve, 2 a bot (the order of `ScopeKind`); `scope` is the index of it.
    """

    time_ms: int = 0
    scope_kind: int = 0
    scope: int = 0
    cause: int = 0
    kind: int = 0
    value: float = 0.0
    limit: float = 0.0


@dataclass(slots=True)
class Journal:
    """How much of `fills` and `notices` is used, and the orders that reached the exchange."""

    fills: int = 0
    notices: int = 0
    orders: int = 0
