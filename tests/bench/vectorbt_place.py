"""vectorbt in an environment of its own, made on request and kept in the cache folder until what is in it changes."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from worker.jit import cache_folder

# The row of its symbol, its strategy and parameters.
Bot = tuple[int, str, Sequence[float]]

REQUIREMENTS = Path(__file__).with_name("vectorbt.txt")
RUNS = Path(__file__).with_name("vectorbt_runs.py")


class NotInstalledError(Exception):
    """There is no vectorbt to measure; the sentence says why."""


class Ran(NamedTuple):
    """A run of all bots: CPU seconds, trades, and the money all had at the end."""

    seconds: float
    trades: int
    money: float


class Peer:
    """A process that runs the same bots over the same prices whenever it is asked."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def run(self) -> Ran:
        """Run them once; raises RuntimeError where the process has ended."""
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"vectorbt must answer with a run, ended with {self._process.wait()}")
        return Ran(*json.loads(answer))


def interpreter(requirements: Path = REQUIREMENTS) -> Path:
    """Give the Python that has what is required, after making its environment; raises NotInstalledError."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = cache_folder() / "bench" / f"vectorbt-{digest}"
    python, made = place / "bin" / "python", place / "made"
    if not made.exists():
        _call([sys.executable, "-m", "venv", "--clear", str(place)])
        _call([str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", str(requirements)])
        made.touch()
    return python


def _call(words: Sequence[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [f"ended {done.returncode}"]
        raise NotInstalledError(f"vectorbt could not be installed: {said[-1]}")


@contextmanager
def start(
    python: Path, folder: Path, prices: np.ndarray, bots: Sequence[tuple[int, str, Sequence[float]]]
) -> Iterator[Peer]:
    """Start a process that runs bots (row of prices, strategy, parameters) over (open … close, symbols, bars)."""
    np.save(folder / "prices.npy", prices)
    (folder / "bots.json").write_text(json.dumps(bots))
    # Isolated, so that no module beside the script is taken for one that vectorbt needs.
    words = [str(python), "-I", str(RUNS), str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Peer(process)
        finally:
            process.kill()
