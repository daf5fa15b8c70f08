"""Run the quick tests of what decides against one changed copy of the tree after another."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shared.clock import SystemClock
from tests.conftest import ROOT
from tests.mutants.mutations import Mutant, changed_source

# The compiled loop takes longer to compile than all of these to run, and is held to the plain form elsewhere.
COMPILED = ("test_parity.py", "test_recompile.py")
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "state", "logs", "run", "out", "dashboard")
PLUGINS = ("-p", "tests.mutants.interpreted", "-p", "no:cacheprovider", "-p", "no:xdist")
# A mutant may loop for ever.
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
    """A copy of the tree in which one file at a time is changed."""

    def __init__(self, folder: Path, tests: list[str]) -> None:
        self.root, self.tests, self.limit_seconds = folder, tests, float("inf")
        shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND, dirs_exist_ok=True)

    def measure(self) -> None:
        """Run the tests on the unchanged copy, which must pass; a mutant may take some times as long."""
        verdict = self._run(self.tests, keep_bytecode=True)
        if verdict.outcome != Outcome.SURVIVED:
            raise SystemExit(f"the tests must pass before anything is changed, {verdict.test} did not")
        self.limit_seconds = PATIENCE * verdict.seconds

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the tests on a mutant."""
        path = self.root / mutant.file
        source = path.read_text()
        try:
            path.write_text(changed_source(source, mutant))
            _forget_bytecode(path)
            return self._run(nearest_first(self.tests, mutant.file))
        finally:
            path.write_text(source)

    def _run(self, tests: list[str], keep_bytecode: bool = False) -> Verdict:
        clock = SystemClock()
        began_ms = clock.now_ms()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-rfE",
            "-m",
            "not slow",
            "-o",
            "addopts=",
            *PLUGINS,
            *tests,
        ]
        code, said = _said(command, self.root, self._environment(keep_bytecode), self.limit_seconds)
        seconds = (clock.now_ms() - began_ms) / 1000.0
        if code is None:
            return Verdict(Outcome.TIMED_OUT, "", seconds)
        if code == 0:
            return Verdict(Outcome.SURVIVED, "", seconds)
        if code not in (1, 2, 3):
            raise RuntimeError(f"pytest must run, ended with {code}:\n{said}")
        first = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
        return Verdict(Outcome.KILLED, first[1] if first else "import", seconds)

    def _environment(self, keep_bytecode: bool) -> dict[str, str]:
        own = {"PYTHONPATH": str(self.root), "FLOTILLA_CACHE": str(self.root / "cache")}
        return os.environ | own | ({} if keep_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"})


def _forget_bytecode(path: Path) -> None:
    """Python takes old bytecode for new where a file of the same size was written in the same second."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def _said(command: list[str], root: Path, environment: dict[str, str], limit_seconds: float) -> tuple[int | None, str]:
    running = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=None if limit_seconds == float("inf") else limit_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        return None, ""
    return running.returncode, said
