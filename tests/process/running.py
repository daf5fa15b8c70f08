"""Start a fake worker as a process and read what it wrote."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT

SCRIPT = ROOT / "tests" / "process" / "fake_worker.py"

_started: list[subprocess.Popen[str]] = []


def environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("FLOTILLA_", "SUPERVISOR_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def give_orders(root: Path, **orders: object) -> None:
    (root / "orders").write_text("".join(f"{name} {value}\n" for name, value in orders.items()))


def start_worker(root: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start a fake worker; its log comes by `communicate()`."""
    command = [sys.executable, "-u", str(SCRIPT), str(root), *arguments]
    process = subprocess.Popen(
        command,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what a failed test left behind."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def run_worker(root: Path, *arguments: str, **more: str) -> tuple[int, str]:
    """Run a fake worker to its end; give exit code and log."""
    process = start_worker(root, *arguments, **more)
    log, _ = process.communicate(timeout=30)
    return process.returncode, log


def journal(root: Path) -> list[str]:
    """Give what the workers wrote, without the process ids."""
    return [line.partition(" ")[2] for line in _journal_lines(root)]


def workers_in(root: Path) -> list[int]:
    """Give the process ids that wrote into the journal, in order, each once."""
    return list(dict.fromkeys(int(line.partition(" ")[0]) for line in _journal_lines(root)))


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true; fail where it never is."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"nothing happened in {seconds} s"
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has buried yet does not."""
    status = Path(f"/proc/{process}/stat")
    if status.parent.parent.joinpath("self").exists():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _journal_lines(root: Path) -> list[str]:
    path = root / "journal"
    return path.read_text().splitlines() if path.exists() else []
