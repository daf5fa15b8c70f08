"""The first run of a version compiles its rules: that is said, with the time it takes; nothing where they are there."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from worker.jit import compiling, kernel_cache
from worker.terminal.output import say

BEGINS = "Compiling the rules, once per version: about 12 s"
WAITS = "Another command is compiling the rules, once per version; waiting for it"

log = logging.getLogger(__name__)


@contextmanager
def compiling_said() -> Iterator[None]:
    """Say on standard error that rules are compiled meanwhile, and how long it took; on a terminal the seconds run."""
    began: list[float] = []
    with ExitStack() as shown:

        def begin(words: str) -> None:
            if began:
                return
            began.append(time.monotonic())
            if kernel_cache().trouble:
                say(f"{kernel_cache().trouble}.")
            shown.enter_context(_seconds_shown(words)) if sys.stderr.isatty() else say(f"{words}.")

        with compiling(partial(begin, BEGINS), partial(begin, WAITS)):
            yield
    if began:
        say(f"The rules were ready after {time.monotonic() - began[0]:.0f} s.")


@contextmanager
def compiling_logged() -> Iterator[None]:
    """Log that rules are compiled meanwhile."""
    with compiling(partial(log.info, "compiling rules, once per version"), partial(log.info, WAITS)):
        yield


def _seconds_shown(words: str) -> Progress:
    columns = (SpinnerColumn(), TextColumn(words), TimeElapsedColumn())
    shown = Progress(*columns, console=Console(stderr=True), transient=True)
    shown.add_task(words)
    return shown
