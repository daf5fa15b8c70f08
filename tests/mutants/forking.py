"""Run pytest in forks of a process that has loaded the libraries: they take longer to load than most mutants to die.

Reads a line of JSON for each run: the arguments of pytest, the file for what it says, and how many seconds it may take.
Answers with a line of JSON: the exit code, or null where the time was up. Nothing of ours is loaded before the fork.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence

import hypothesis.strategies  # noqa: F401
import numba  # noqa: F401
import numpy.testing  # noqa: F401
import pandas  # noqa: F401
import pydantic_settings  # noqa: F401
import pytest
import scipy.optimize  # noqa: F401
import talib  # noqa: F401


def run(arguments: Sequence[str], said: str, limit_seconds: float) -> int | None:
    """Run pytest in a fork."""
    child = os.fork()
    if child == 0:
        os.setsid()
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        os._exit(_tested(arguments))
    end = time.monotonic() + limit_seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _tested(arguments: Sequence[str]) -> int:
    """Whatever happens, a fork must not return to where its parent serves."""
    try:
        return int(pytest.main(list(arguments)))
    except BaseException:  # noqa: BLE001 - nor by an exception
        traceback.print_exc()
        return 1


def main() -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
