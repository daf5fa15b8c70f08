"""Who signed in and who tried to, and who had supervisor stop or start the worker: JSON lines in `logs/signin.log`.

The dashboard writes nothing but commands into the database, so this stands in a file of its own.
"""

import functools
import json
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from shared.clock import Clock
from shared.units import to_datetime

LOG = logging.getLogger(__name__)
FILE = Path("logs") / "signin.log"
MOST_BYTES = 1_000_000
KEPT_FILES = 5

SIGNED_IN = "signed in"
SIGNED_OUT = "signed out"
WRONG = "wrong name or password"
WRONG_LINK = "wrong, used or old sign-in link"
SLOWED = "too many tries"
NOT_LISTED = "known to the provider, not listed here"
NOT_VERIFIED = "known to the provider, without a verified address"
# What was asked of supervisor.
STOP_ASKED = "asked supervisor to stop the worker"
KILL_ASKED = "asked supervisor to kill the worker"
START_ASKED = "asked supervisor to start the worker"
_ORDINARY = (SIGNED_IN, SIGNED_OUT)


class _PrivateFile(RotatingFileHandler):
    _failed = False

    def put(self, line: str) -> bool:
        self.acquire()
        try:
            self._failed = False
            self.handle(logging.LogRecord("signin", logging.INFO, "", 0, line, (), None))
            return not self._failed
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        self._failed = True
        super().handleError(record)

    def _open(self):  # noqa: ANN202
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


class SigninRecord:
    """The record of one project; all records of a project in this process share its file."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._clock = clock
        self._file = _file(root / FILE)

    def close(self) -> None:
        """Let go of the file; it is opened again where somebody writes."""
        self._file.close()

    def write(self, what: str, name: str | None, address: str, reason: str | None = None) -> bool:
        """Record what happened, and tell whether the line stands in the file.

        `name` is None for an unknown one, for it may be a password in the wrong field; `reason` is that of an act.
        """
        time = to_datetime(self._clock.now_ms()).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": time, "what": what, "name": name, "address": address}
        line = json.dumps(fields if reason is None else {**fields, "reason": reason})
        LOG.log(
            logging.INFO if what in _ORDINARY else logging.WARNING,
            "%s: %s from %s",
            what,
            name or "a name that is not known",
            address,
        )
        return self._file.put(line)


@functools.cache
def _file(path: Path) -> _PrivateFile:
    # Two of them would write on into a file that the other has put aside.
    file = _PrivateFile(path, maxBytes=MOST_BYTES, backupCount=KEPT_FILES, delay=True)
    file.setFormatter(logging.Formatter("%(message)s"))
    return file
