"""A loop that is compiled to write in place counts no references, and may make no array."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba.core.errors import NumbaRuntimeError

from worker import jit
from worker.jit import KernelCache, compile_in_place, compile_loop

COUNTED = "NRT_incref"


@pytest.fixture(autouse=True)
def _without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    # numba's cache knows a function by its name and place, not by how it is compiled.
    monkeypatch.setattr(jit, "kernel_cache", lambda: KernelCache(None))


class Rows(NamedTuple):
    even: np.ndarray
    odd: np.ndarray


def count_up(rows, numbers: int) -> float:
    chosen = rows.even
    for number in range(numbers):
        chosen = rows.odd if number % 2 else rows.even
        chosen[0] += number
    return chosen[0]


def code_by(compile_: Callable[[Callable[..., Any]], Any]) -> str:
    """Compile the loop and run it; give the code it became."""
    loop = compile_(count_up)
    assert loop(Rows(np.zeros(1), np.zeros(1)), 4) == 4.0
    (code,) = loop.inspect_llvm().values()
    return code


def test_a_loop_in_place_counts_no_references() -> None:
    """numba's option for that is a private one; where it is ignored, the loop counts as any other does."""
    assert COUNTED in code_by(compile_loop)
    assert COUNTED not in code_by(compile_in_place)


def test_a_loop_in_place_that_makes_an_array_does_not_compile() -> None:
    def sum_of_copied(values):
        return values.copy().sum()

    values = np.arange(3.0)
    assert compile_loop(sum_of_copied)(values) == 3.0
    with pytest.raises(NumbaRuntimeError, match="NRT required but not enabled"):
        compile_in_place(sum_of_copied)(values)
