"""Exact money: decimals wide enough that nothing the engine adds or multiplies is ever rounded unseen."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

CONTEXT = Context(prec=80)
# What a division leaves is cut here, once, before it is booked on both sides.
SMALLEST = Decimal("1e-18")


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function with 80 digits, whatever the thread's own context."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(CONTEXT):
            return function(*args, **kwargs)

    return run


def quotient(dividend: Decimal, divisor: Decimal, unit: Decimal = SMALLEST) -> Decimal:
    """Divide and cut to whole units towards zero."""
    return (dividend / divisor).quantize(unit, ROUND_DOWN)


def cut(amount: Decimal) -> Decimal:
    """Cut to the smallest amount that is booked."""
    return amount.quantize(SMALLEST, ROUND_DOWN)


def whole(quantity: Decimal, unit: Decimal) -> Decimal:
    """Cut to whole units towards zero."""
    return quantity // unit * unit


def text(number: Decimal) -> str:
    """Give digits without an exponent, as exchanges send them."""
    return f"{number.normalize(CONTEXT) + 0:f}"
