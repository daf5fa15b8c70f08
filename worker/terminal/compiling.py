"""The first run of a version compiles its rules: that is said, with the time it takes; nothing where they are there."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from worker.jit import compiling, kernel_cache
from worker.terminal.output import say

BEGINS = "Compiling the rules, once per version: about 20 s"

log = logging.getLogger(__name__)


@contextmanager
def compiling_said() -> Iterator[None]:
    """Say on standard error that rules are compiled meanwhile, and how long it took; on a terminal the seconds run."""
    began: list[float] = []
    with ExitStack() as shown:

        def begin() -> None:
            began.append(time.monotonic())
            if kernel_cache().trouble:
                say(f"{kernel_cache().trouble}.")
            shown.enter_context(_seconds_shown()) if sys.stderr.isatty() else say(f"{BEGINS}.")

        with compiling(begin):
            yield
    if began:
        say(f"Compiled the rules in {time.monotonic() - began[0]:.0f} s.")


@contextmanager
def compiling_logged() -> Iterator[None]:
    """Log that rules are compiled meanwhile."""
    with compiling(lambda: log.info("compiling rules, once per version")):
        yield


def _seconds_shown() -> Progress:
    columns = (SpinnerColumn(), TextColumn(BEGINS), TimeElapsedColumn())
    shown = Progress(*columns, console=Console(stderr=True), transient=True)
    shown.add_task(BEGINS)
    return shown
