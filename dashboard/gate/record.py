"""Who signed in and who tried to: a line of JSON each in `logs/signin.log`.

The dashboard writes nothing but commands into the database, so this stands in a file of its own.
"""

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
SLOWED = "too many tries"
NOT_LISTED = "known to the provider, not listed here"
NOT_VERIFIED = "known to the provider, without a verified address"


class _PrivateFile(RotatingFileHandler):
    def _open(self):  # noqa: ANN202
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


class SigninRecord:
    """The record of sign-ins of one project."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._clock = clock
        self._file = _PrivateFile(root / FILE, maxBytes=MOST_BYTES, backupCount=KEPT_FILES, delay=True)
        self._file.setFormatter(logging.Formatter("%(message)s"))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def write(self, what: str, name: str | None, address: str) -> None:
        """Record what happened; `name` is None for an unknown one, for it may be a password in the wrong field."""
        time = to_datetime(self._clock.now_ms()).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": time, "what": what, "name": name, "address": address})
        self._file.emit(logging.LogRecord("signin", logging.INFO, "", 0, line, (), None))
        LOG.log(
            logging.INFO if what in (SIGNED_IN, SIGNED_OUT) else logging.WARNING,
            "%s: %s from %s",
            what,
            name or "a name that is not known",
            address,
        )
