"""A loop compiled to write in place counts no references and makes no array; rules are code only within a loop."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba.core import event
from numba.core.errors import NumbaRuntimeError

from worker import jit
from worker.jit import KernelCache, compile_in_place, compile_loop, rule
from worker.jit_rules import PASSES

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


@rule
def _share(part: float, whole: float) -> float:
    return part / whole


@rule
def _most(rows, whole: float) -> float:
    most = -1.0
    for row in range(len(rows.even)):
        most = max(most, _share(rows.even[row], whole) if rows.odd[row] > 0.0 else _share(rows.odd[row], whole))
    return most


def _fill(rows, whole: float) -> None:
    for row in range(len(rows.even)):
        rows.even[row] += _most(rows, whole)


def _rows() -> Rows:
    return Rows(np.array([1.0, 2.0, 4.0]), np.array([0.0, 5.0, -3.0]))


def test_rules_in_a_loop_do_what_they_do_in_python() -> None:
    plain, compiled, loop = _rows(), _rows(), compile_in_place(_fill)
    _fill(plain, 3.0)
    loop(compiled, 3.0)
    assert compiled.even.tolist() == plain.even.tolist()
    loop(compiled, 0.0)
    assert compiled.even.tolist() == [np.inf] * 3, "a division by zero is as numpy's"


def test_a_rule_is_neither_optimised_nor_made_into_code_by_itself() -> None:
    """Nothing is done to it but its own passes, and the code of the loop calls none."""

    @rule
    def halved(part: float) -> float:
        return part / 2.0

    def halve(rows) -> None:
        for row in range(len(rows.even)):
            rows.even[row] = halved(rows.even[row])

    loop, rows = compile_in_place(halve), _rows()
    with event.install_recorder("numba:run_pass") as recorded:
        loop(rows)
    assert rows.even.tolist() == [0.5, 1.0, 2.0]
    done = [one.data for _, one in recorded.buffer if one.is_start]
    assert sum(one["qualname"].endswith("halved") for one in done) == len(PASSES)
    (code,) = loop.inspect_asm().values()
    assert not [line for line in code.splitlines() if "call" in line and "halved" in line]
