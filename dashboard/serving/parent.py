"""The page ends with the supervisor it belongs to."""

import threading
from collections.abc import Callable

from shared.parent import watch_parent

LOOK_SECONDS = 0.5


def end_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` once the process that started this one is gone; a thread looks."""
    threading.Thread(target=_watch, args=(watch_parent(), stop), name="parent", daemon=True).start()


def _watch(is_gone: Callable[[], bool], stop: Callable[[], None]) -> None:
    waiting = threading.Event()
    while not is_gone():
        waiting.wait(LOOK_SECONDS)
    stop()
