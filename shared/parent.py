"""The supervisor a process belongs to: what it leaves behind would keep its port and its lease from the next."""

import ctypes
import os
import select
import signal
import stat
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def watch_parent() -> Callable[[], bool]:
    """Tie this process to the supervisor that started it and give a function that tells whether that is gone.

    Without this a supervisor killed by SIGKILL leaves its processes behind, and the next supervisor starts a second
    worker. Linux sends SIGTERM by itself; elsewhere, and for a supervisor that died before this call, the process asks
    the function.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return lambda: os.getppid() != parent or _pipe_from_parent_broken()


def _pipe_from_parent_broken() -> bool:
    """The supervisor holds the only other end of standard input."""
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return False
        poll = select.poll()
        poll.register(0, select.POLLIN)
        return any(events & select.POLLHUP for _, events in poll.poll(0))
    except OSError:
        return False
