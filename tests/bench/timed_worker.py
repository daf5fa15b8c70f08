"""The worker as it runs, which also writes down how long each step took: `python -m tests.bench.timed_worker FILE`.

A line of milliseconds per step goes to the file, signals, decision and commit included.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from shared.settings import FILE_NAME, Settings, load_settings
from worker.build import make_worker
from worker.live.worker import LiveWorker
from worker.process.service import serve


class TimedWorker:
    """Passes every call on to a worker and measures its steps."""

    def __init__(self, worker: LiveWorker, out: TextIO) -> None:
        self._worker = worker
        self._out = out

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        """Step what is due; of a call that caught up on several steps, each is written down with their mean.

        What the worker answers and beats meanwhile is no part of them.
        """
        meanwhile = 0.0

        def timed() -> bool:
            nonlocal meanwhile
            asked = time.perf_counter()
            stop = interrupted()
            meanwhile += time.perf_counter() - asked
            return stop

        began = time.perf_counter()
        made = self._worker.step_due(timed)
        if made:
            self._out.write(f"{1000.0 * (time.perf_counter() - began - meanwhile) / made:.3f}\n" * made)
        return made

    def __getattr__(self, name: str) -> object:
        return getattr(self._worker, name)


def main() -> int:
    """Run the worker of the current folder until it is told to stop."""
    place = Path(FILE_NAME)

    def load() -> Settings:
        return load_settings(place)

    with Path(sys.argv[1]).open("a", buffering=1) as out:
        return serve(load, lambda settings: TimedWorker(make_worker(settings, Path.cwd(), load), out), Path.cwd())


if __name__ == "__main__":
    sys.exit(main())
