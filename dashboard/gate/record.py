"""Who tried to sign in and could not: JSON lines in `logs/signin.log`. Who could stands in `logs/acts.log`.

Whoever likes may cause these lines, so they are few: within a window each kind, name and place is one line at once and
one with the count of the others, and the places there is no room for are one line together.
"""

import functools
import json
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, NamedTuple

from dashboard.gate.acts import LONGEST_NAME, Acts, iso, times
from dashboard.gate.counting import Counting
from dashboard.gate.places import place_of
from shared.clock import Clock
from shared.printable import one_line
from shared.private_files import make_folders

LOG = logging.getLogger(__name__)
FILE = Path("logs") / "signin.log"
MOST_BYTES = 1_000_000
KEPT_FILES = 5
# Told apart within a window; each is two lines at most.
MOST_KEYS = 30

SIGNED_IN = "signed in"
SIGNED_OUT = "signed out"
WRONG = "wrong name or password"
WRONG_LINK = "wrong, used or old sign-in link"
SLOWED = "too many tries"
CROWDED = "too many tries of all together"
NOT_LISTED = "known to the provider, not listed here"
NOT_VERIFIED = "known to the provider, without a verified address"
OTHERS = "other addresses"
_ACTS = (SIGNED_IN, SIGNED_OUT)


class _Failure(NamedTuple):
    what: str
    name: str | None
    place: str


class _PrivateFile(RotatingFileHandler):
    def put(self, line: str) -> None:
        self.handle(logging.LogRecord("signin", logging.INFO, "", 0, line, (), None))

    def _open(self):  # noqa: ANN202
        make_folders(Path(self.baseFilename).parent)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


class SigninRecord:
    """The record of one project; all records of a project in this process share its file."""

    def __init__(self, root: Path, clock: Clock, acts: Acts | None = None) -> None:
        self._clock = clock
        self._acts = acts or Acts(root, clock)
        self._file = _file(root / FILE)
        self._failures: Counting[_Failure] = Counting(clock, MOST_KEYS)

    def close(self) -> None:
        """Write what was counted, and let go of the file; it is opened again where somebody writes."""
        self.settle(at_once=True)
        self._file.close()

    def write(self, what: str, name: str | None, address: str) -> None:
        """Record what happened; `name` is None for an unknown one, for it may be a password in the wrong field."""
        self.settle()
        place, short = place_of(address), None if name is None else one_line(name)[:LONGEST_NAME]
        if what in _ACTS:
            self._acts.signed(what, short or "", place)
        elif self._failures.is_first(_Failure(what, short, place), place):
            self._put(what, name=short, address=place)

    def settle(self, at_once: bool = False) -> None:
        """Write what was counted in windows that are over, or in all."""
        self._acts.settle(at_once)
        ended = self._failures.ended(at_once)
        if ended is None:
            return
        for failure, tally in ended.again.items():
            self._put(failure.what, name=failure.name, address=failure.place, **times(tally))
        if ended.rest.count:
            self._put(OTHERS, addresses_at_least=ended.sources, **times(ended.rest))

    def _put(self, what: str, **more: Any) -> None:
        line = json.dumps({"time": iso(self._clock.now_ms()), "what": what, **more})
        LOG.warning("%s", line)
        self._file.put(line)


@functools.cache
def _file(path: Path) -> _PrivateFile:
    # Two of them would write on into a file that the other has put aside.
    file = _PrivateFile(path, maxBytes=MOST_BYTES, backupCount=KEPT_FILES, delay=True)
    file.setFormatter(logging.Formatter("%(message)s"))
    return file
