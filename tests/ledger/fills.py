"""Runs of fills as one bot's step makes them: no leg crosses zero by more than dust."""

from dataclasses import dataclass

from hypothesis import strategies as st

from shared.enums import Trigger
from shared.quantities import Unit
from worker.ledger.lots import Execution

UNIT = Unit()
MIN_UNITS = UNIT.count(1e-4)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to happen next: open so much more, close a share of what is held, turn around, or dust."""

    kind: str
    size: float
    price: float
    fee_rate: float


wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(["long", "short", "part", "all", "dust", "least", "over", "turn", "crumb"]),
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
    held = 0
    for number, wish in enumerate(asked):
        for units in _legs(wish, held):
            if units != 0:
                fee = UNIT.coins(abs(units)) * wish.price * wish.fee_rate
                trigger = int(list(Trigger)[number % len(Trigger)])
                legs.append(Execution(number, units, wish.price, fee, trigger))
                held += units
    return legs


def _legs(wish: Wish, held: int) -> list[int]:
    is_flat = abs(held) < MIN_UNITS
    direction, size = 1 if held > 0 else -1, UNIT.count(wish.size)
    match wish.kind:
        case "crumb":
            return [MIN_UNITS // 3 * (-1 if wish.size < 2.5 else 1)] if is_flat else []
        case "long":
            return [size] if is_flat or held > 0 else [-held, size]
        case "short":
            return [-size] if is_flat or held < 0 else [-held, -size]
        case "part":
            return [] if is_flat else [-round(held * (wish.size / 5.0))]
        case "all":
            return [] if is_flat else [-held]
        case "dust":
            return [] if is_flat else [-direction * (abs(held) - MIN_UNITS // 3)]
        case "least":
            return [] if is_flat else [-direction * (abs(held) - MIN_UNITS)]
        case "over":
            return [] if is_flat else [-direction * (abs(held) + MIN_UNITS // 3)]
        case _:
            return [] if is_flat else [-held, -direction * size]
