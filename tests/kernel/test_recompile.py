"""A changed rule takes effect in the compiled replay, and an unchanged kernel is not compiled again."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from worker.jit import KERNEL_FOLDERS, kernel_digest

SCRIPT = """
import hashlib, json
import worker.jit
from tests.kernel.random_runs import Case, calm_rules
from tests.kernel.test_parity import step_compiled
from tests.kernel.random_runs import random_columns, random_fleet
from worker.step.replay import replay_bars

case = Case(2, calm_rules(edge_to_cost=0.0, min_notional=20.0), bars=300)
fleet, _ = step_compiled(random_fleet(case), random_columns(case))
print(json.dumps({
    "file": worker.jit.__file__,
    "fills": hashlib.sha256(fleet.fills.tobytes()).hexdigest(),
    "count": int(fleet.journal["fills"]),
    "hits": sum(replay_bars.stats.cache_hits.values()),
    "misses": sum(replay_bars.stats.cache_misses.values()),
}))
"""


class Answer(NamedTuple):
    file: str
    fills: str
    count: int
    hits: int
    misses: int


def replay_in(folder: Path) -> Answer:
    """Replay a random fleet in a fresh process that sees the copy in a folder, with a cache of its own."""
    environment = os.environ | {"PYTHONPATH": str(folder), "FLOTILLA_CACHE": str(folder / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return Answer(**json.loads(done.stdout))


def copy_kernel(folder: Path) -> Path:
    for package in ("worker", "shared", "tests/kernel"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ("__init__.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / module, folder / "tests" / module)
    return folder


def edit_rule(file: Path, name: str, expression: str) -> None:
    """Let a rule return another expression of its arguments {0}, {1} …, whatever they are called."""
    tree = ast.parse(file.read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    arguments = [argument.arg for argument in function.args.args]
    function.body = ast.parse(f"return {expression.format(*arguments)}").body
    file.write_text(ast.unparse(tree))


@pytest.mark.slow
def test_a_changed_rule_takes_effect_and_an_unchanged_kernel_is_not_compiled_again(tmp_path: Path) -> None:
    folder = copy_kernel(tmp_path)
    protection = folder / "worker" / "risk" / "protection.py"
    written = protection.read_text()

    first = replay_in(folder)
    assert Path(first.file).is_relative_to(folder)
    assert (first.hits, first.misses) == (0, 1)
    assert first.count > 10

    again = replay_in(folder)
    assert (again.hits, again.misses) == (1, 0)
    assert again.fills == first.fills

    edit_rule(protection, "stop_level", "{0} * (1.0 - 0.4 * {1} * {2})")
    changed = replay_in(folder)
    assert (changed.hits, changed.misses) == (0, 1)
    assert changed.fills != first.fills

    protection.write_text(written)
    back = replay_in(folder)
    assert (back.hits, back.misses) == (1, 0)
    assert back.fills == first.fills


def test_the_digest_covers_every_source_the_compiled_loop_calls(tmp_path: Path) -> None:
    for folder in KERNEL_FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = kernel_digest(tmp_path)
    for file in sorted(file for folder in KERNEL_FOLDERS for file in (tmp_path / folder).glob("*.py")):
        written = file.read_bytes()
        file.write_bytes(written + b"\n# changed\n")
        assert kernel_digest(tmp_path) != before, file.relative_to(tmp_path)
        file.write_bytes(written)
    assert kernel_digest(tmp_path) == before


def test_every_rule_lives_in_a_folder_that_the_digest_reads() -> None:
    homes = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "worker").rglob("*.py") if has_rule(path)}
    assert {"worker/step", "worker/risk", "worker/allocation", "worker/brokers"} <= homes
    # The loops of strategies are compiled anew by what stands beside them, and the kernel calls none of them.
    assert homes - {"worker/strategies"} <= set(KERNEL_FOLDERS)
    sources = [path for folder in KERNEL_FOLDERS for path in (ROOT / folder).glob("*.py")]
    assert [path for path in sources if "worker.strategies" in path.read_text()] == []


def has_rule(path: Path) -> bool:
    return any(line.startswith("@rule") for line in path.read_text().splitlines())
