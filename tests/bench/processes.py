"""The worker and the page of a project folder as processes of their own, and what they use of the machine."""

import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.dashboard.browser.fleet import free_port, wait_for
from tests.dashboard.local import nobody

START_SECONDS = 90.0
STOP_SECONDS = 40.0
MIB = 2**20


@dataclass
class Process:
    """One that runs, with the file of what it says; `url` is that of a page."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path
    url: str = ""

    @property
    def log(self) -> str:
        """Give what it said so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """Give the time it has spent on a core."""
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mib(self) -> float:
        """Give its memory."""
        return int(self._read("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB

    def require_running(self) -> None:
        """Raise RuntimeError, with the end of its log, where it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the {self.name} must run, ended with {self.process.returncode}: {self.log[-2000:]}")

    def _read(self, what: str) -> str:
        self.require_running()
        return Path(f"/proc/{self.process.pid}/{what}").read_text()


def require_proc() -> None:
    """Skip where the system does not say what its processes use."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")


@contextmanager
def page_of(root: Path, refresh_seconds: float = 2.0) -> Iterator[Process]:
    """Serve the page of a folder."""
    port = free_port()
    more = {
        "FLOTILLA_DASHBOARD__PORT": str(port),
        "FLOTILLA_DASHBOARD__REFRESH_SECONDS": str(refresh_seconds),
        "FLOTILLA_DASHBOARD__PASSWORD_FILE": str(nobody()),
    }
    with _running(root, "page", ["-m", "dashboard.serving.serve"], more) as page:
        page.url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(page), START_SECONDS)
        yield page


@contextmanager
def worker_of(root: Path, bar_seconds: float, step_file: Path | None = None) -> Iterator[Process]:
    """Run the worker of a folder; where a `step_file` is named, the milliseconds of each step go there."""
    command = ["-m", "tests.bench.timed_worker", str(step_file)] if step_file else ["-m", "worker", "run"]
    with _running(root, "worker", command, {"FLOTILLA_MARKET__BAR_SECONDS": str(bar_seconds)}) as worker:
        yield worker


@contextmanager
def _running(root: Path, name: str, command: list[str], more: dict[str, str]) -> Iterator[Process]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("FLOTILLA_", "SUPERVISOR_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), **more}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        with file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-u", *command],
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Process(name, process, file)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(page: Process) -> bool:
    page.require_running()
    try:
        with urllib.request.urlopen(f"{page.url}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
