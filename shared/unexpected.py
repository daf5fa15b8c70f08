"""What nobody expected to go wrong, said as one harmless sentence wherever in a process it comes up.

Its traceback follows, on the terminal of a command and in the log of a service, with control characters written out and
without the secrets of addresses. It shows lines of the program and the error's words, and no value of a variable.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import FlotillaError
from shared.printable import make_logs_harmless, one_line
from shared.secret_url import without_held_secrets

EXIT_CODE = FlotillaError.exit_code
INTERRUPTED_CODE = 130
LONGEST_SAID = 500
BEGINS = "unexpected error"

log = logging.getLogger(__name__)


def tell(error: BaseException, service: str | None = None, where: str = "") -> int:
    """Log an error nobody expected, and give the exit code it ends a process with.

    A service is named by its program under supervisor, which keeps its log.
    """
    report = f"logs/{service}.log" if service and "SUPERVISOR_ENABLED" in os.environ else "the lines below"
    log.error("%s%s: %s (please report it with %s)", BEGINS, where, _words(error), report, exc_info=error)
    return EXIT_CODE


@contextmanager
def telling(service: str | None = None) -> Iterator[None]:
    """Tell of every unexpected error of a process: what leaves the block ends it with exit code 70.

    Errors of threads, and those that Python can only ignore, are told of and end nothing.
    """
    factory, threads, ignored = logging.getLogRecordFactory(), threading.excepthook, sys.unraisablehook

    def of_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
            tell(found.exc_value, service, f" in thread {getattr(found.thread, 'name', 'unknown')}")

    def of_nobody(found: Any) -> None:
        if found.exc_value is not None:
            tell(found.exc_value, service, f" ignored in {_shown(found.object)}")

    make_logs_harmless()
    threading.excepthook, sys.unraisablehook = of_thread, of_nobody
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_CODE)
    except Exception as error:
        sys.exit(tell(error, service))
    finally:
        logging.setLogRecordFactory(factory)
        threading.excepthook, sys.unraisablehook = threads, ignored


def _words(error: BaseException) -> str:
    said = "".join(traceback.TracebackException.from_exception(error, limit=0).format_exception_only())
    words = one_line(without_held_secrets(said.strip()))
    return words if len(words) <= LONGEST_SAID else f"{words[:LONGEST_SAID]}…"


def _shown(thing: Any) -> str:
    # Its own `repr` may fail, and may be what failed.
    return getattr(thing, "__qualname__", None) or type(thing).__qualname__
