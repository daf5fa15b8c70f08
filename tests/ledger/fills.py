"""Runs of fills as one bot's step makes them: no leg crosses zero by more than dust."""

from dataclasses import dataclass

from hypothesis import strategies as st

from shared.enums import Trigger
from shared.units import STEP_TOLERANCE
from worker.ledger.lots import Execution

MIN_QUANTITY = 1e-4
FLAT_BELOW = MIN_QUANTITY * (1.0 - STEP_TOLERANCE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to happen next: open so much more, close a share of what is held, or turn around."""

    kind: str
    size: float
    price: float
    fee_rate: float


wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(["long", "short", "part", "all", "dust", "least", "over", "turn"]),
        st.floats(0.001, 5.0),
        st.floats(0.5, 500.0),
        st.sampled_from([0.0, 0.001]),
    ),
    min_size=1,
    max_size=40,
)


def executions(asked: list[Wish]) -> list[Execution]:
    """Turn wishes into legs, closes before opens."""
    legs: list[Execution] = []
    held = 0.0
    for number, wish in enumerate(asked):
        for quantity in _legs(wish, held):
            if quantity != 0.0:
                fee = abs(quantity) * wish.price * wish.fee_rate
                trigger = int(list(Trigger)[number % len(Trigger)])
                legs.append(Execution(number, quantity, wish.price, fee, trigger))
                held += quantity
    return legs


def _legs(wish: Wish, held: float) -> list[float]:
    is_flat = abs(held) < FLAT_BELOW
    direction = 1.0 if held > 0.0 else -1.0
    match wish.kind:
        case "long":
            return [wish.size] if is_flat or held > 0.0 else [-held, wish.size]
        case "short":
            return [-wish.size] if is_flat or held < 0.0 else [-held, -wish.size]
        case "part":
            return [] if is_flat else [-held * (wish.size / 5.0)]
        case "all":
            return [] if is_flat else [-held]
        case "dust":
            return [] if is_flat else [-direction * (abs(held) - MIN_QUANTITY / 3.0)]
        case "least":
            # Float noise alone says whether this is flat.
            return [] if is_flat else [-direction * (abs(held) - FLAT_BELOW)]
        case "over":
            return [] if is_flat else [-direction * (abs(held) + MIN_QUANTITY / 3.0)]
        case _:
            return [] if is_flat else [-held, -direction * wish.size]
