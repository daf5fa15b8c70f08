"""The supervisor this process belongs to: with it gone, a page left behind would keep the port from the next."""

import ctypes
import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.5


def end_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` once the process that started this one is gone.

    Linux sends SIGTERM by itself; elsewhere, and for a supervisor that died before this call, a thread looks.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent, stop), name="parent", daemon=True).start()


def _watch(parent: int, stop: Callable[[], None]) -> None:
    waiting = threading.Event()
    while os.getppid() == parent and not _pipe_from_parent_broken():
        waiting.wait(LOOK_SECONDS)
    stop()


def _pipe_from_parent_broken() -> bool:
    """Tell whether standard input, whose other end the supervisor holds, has lost it."""
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return False
        poll = select.poll()
        poll.register(0, select.POLLIN)
        return any(events & select.POLLHUP for _, events in poll.poll(0))
    except OSError:
        return False
