"""The directions of imports that pyproject.toml draws hold, and the checker sees one that is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINTER = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command; lint_imports_command()",
    "--no-cache",
]


def lint(project: Path) -> tuple[int, str]:
    checked = subprocess.run(
        [*LINTER, "--config", str(project / "pyproject.toml")], cwd=project, capture_output=True, text=True, check=False
    )
    return checked.returncode, checked.stdout + checked.stderr


def test_every_import_goes_in_an_allowed_direction() -> None:
    code, said = lint(ROOT)
    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("shared/units.py", "import worker.jit"),
        ("worker/risk/gate.py", "import shared.clock"),
        ("worker/risk/gate.py", "import logging"),
        ("worker/market/gaps.py", "import worker.store"),
        ("worker/exchange/listing.py", "import worker.market.gaps"),
        ("worker/exchange/listing.py", "import shared.database"),
        ("worker/risk/gate.py", "import worker.exchange.listing"),
        ("worker/strategies/bars.py", "import numba"),
        ("worker/process/loop.py", "import dashboard"),
        ("worker/process/loop.py", "import worker.live.worker"),
        ("worker/fleet/plan.py", "import worker.live.books"),
        ("dashboard/actions.py", "import dashboard.components.words"),
        ("dashboard/queries/seen.py", "import worker.risk.gate"),
        ("dashboard/queries/bot.py", "import worker.strategies.registry"),
        ("dashboard/queries/bots.py", "import dashboard.serving.health"),
    ],
)
def test_a_forbidden_import_is_seen(tmp_path: Path, module: str, line: str) -> None:
    for package in ("shared", "worker", "dashboard"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / module).write_text(f"{line}\n{(tmp_path / module).read_text()}")
    code, said = lint(tmp_path)
    assert code == 1, said
    assert any(f"{broken} broken" in said for broken in (1, 2, 3))
