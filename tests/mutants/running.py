"""Run the quick tests of what decides against one changed copy of the tree after another."""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shared.clock import SystemClock
from tests.conftest import ROOT
from tests.mutants.mutations import Mutant, changed_source

# The compiled loop takes longer to compile than all of these to run, and is held to the plain form elsewhere.
COMPILED = ("test_parity.py", "test_recompile.py")
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "state", "logs", "run", "out", "dashboard")
PYTEST = (
    *("-x", "-q", "-rfE", "-m", "not slow", "-o", "addopts=", "--assert=plain"),
    *("-p", "tests.mutants.interpreted", "-p", "no:cacheprovider", "-p", "no:xdist"),
)
# How long the unchanged tree may take; a mutant, which may loop for ever, so many times what that took.
LONGEST_SECONDS = 600.0
PATIENCE = 4.0


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant's outcome, the test that failed first, and how long that took."""

    outcome: Outcome
    test: str
    seconds: float


def quick_tests(root: Path = ROOT) -> list[str]:
    """Name the files of tests that are run."""
    rooms = [path for room in ("kernel", "ledger") for path in sorted((root / "tests" / room).glob("test_*.py"))]
    paths = [path for path in rooms if path.name not in COMPILED] + [root / "tests" / "oracle" / "test_kernel.py"]
    return [str(path.relative_to(root)) for path in paths]


def nearest_first(tests: list[str], file: str) -> list[str]:
    """Put those first that are named like the changed file or its room."""
    names = {part[:3] for part in Path(file).with_suffix("").parts}
    return sorted(
        tests, key=lambda test: not {Path(test).stem.removeprefix("test_")[:3], Path(test).parts[1][:3]} & names
    )


class Copy:
    """A copy of the tree in which one file at a time is changed, and a process that runs the tests there."""

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self.root, self.tests, self.limit_seconds = folder, list(tests), LONGEST_SECONDS
        shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND)
        compileall.compile_dir(folder, quiet=2)
        own = {"PYTHONPATH": str(folder), "FLOTILLA_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        self._runner = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.forking"],
            cwd=folder,
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Copy":
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.communicate()

    def measure(self) -> None:
        """Run the tests on the unchanged copy, which must pass."""
        verdict = self._run(self.tests)
        if verdict.outcome != Outcome.SURVIVED:
            raise SystemExit(f"the tests must pass before anything is changed, {verdict.test} did not")
        self.limit_seconds = PATIENCE * verdict.seconds

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the tests on a mutant."""
        path = self.root / mutant.file
        source = path.read_text()
        # Python takes old bytecode for new where a file of the same size was written in the same second.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        path.write_text(changed_source(source, mutant))
        try:
            return self._run(nearest_first(self.tests, mutant.file))
        finally:
            path.write_text(source)

    def _run(self, tests: Sequence[str]) -> Verdict:
        clock, said = SystemClock(), self.root / "said"
        began_ms = clock.now_ms()
        asked = {"arguments": [*PYTEST, *tests], "said": str(said), "limit_seconds": self.limit_seconds}
        self._runner.stdin.write(json.dumps(asked) + "\n")
        self._runner.stdin.flush()
        code = json.loads(self._runner.stdout.readline())
        return _verdict(code, said.read_text(), (clock.now_ms() - began_ms) / 1000.0)


def _verdict(code: int | None, said: str, seconds: float) -> Verdict:
    if code is None:
        return Verdict(Outcome.TIMED_OUT, "", seconds)
    if code == 0:
        return Verdict(Outcome.SURVIVED, "", seconds)
    # A test failed, or a file could not be read, or a plugin could not.
    if code not in (1, 2, 3):
        raise RuntimeError(f"pytest must run, ended with {code}:\n{said}")
    first = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return Verdict(Outcome.KILLED, first[1] if first else "import", seconds)
