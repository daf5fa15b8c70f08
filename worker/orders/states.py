"""The states of an order, and the only ways from one to the next.

INTENT → SUBMITTED → OPEN → PARTLY_FILLED → FILLED
            ↘ REJECTED (the exchange said no, provably)   ↘ CANCELLED (with or without fills)
            ↘ UNKNOWN → (looked up) → any of the above, or ABSENT (proved never to have existed)

A paper order is filled as it is made, or waits as INTENT for its price.
"""

from shared.enums import OrderStatus

_ON_THE_EXCHANGE = frozenset({OrderStatus.OPEN, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELLED})
LEGAL: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.INTENT: frozenset({OrderStatus.SUBMITTED, OrderStatus.CANCELLED, OrderStatus.FILLED}),
    OrderStatus.SUBMITTED: _ON_THE_EXCHANGE | {OrderStatus.REJECTED, OrderStatus.UNKNOWN},
    # a lookup after the answer was lost finds what an order had become meanwhile
    OrderStatus.UNKNOWN: _ON_THE_EXCHANGE | {OrderStatus.REJECTED, OrderStatus.ABSENT},
    OrderStatus.OPEN: frozenset({OrderStatus.PARTLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELLED}),
    OrderStatus.PARTLY_FILLED: frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED}),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.ABSENT: frozenset(),
}
FINAL = frozenset(status for status, next_ones in LEGAL.items() if not next_ones)


def is_legal(before: OrderStatus, after: OrderStatus) -> bool:
    """Say whether an order may go from one state to another; staying is no transition and always may be."""
    return before is after or after in LEGAL[before]


def is_final(status: OrderStatus) -> bool:
    """Say whether nothing more comes of an order."""
    return status in FINAL
