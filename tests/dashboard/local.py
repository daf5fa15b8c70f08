"""The session of somebody who came in by a link, on any page that a test serves to nobody by name."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from dashboard.gate.people import LOCAL, People
from dashboard.gate.sessions import COOKIE, Sessions
from shared.clock import SystemClock

# One folder for a run and the processes it starts: what the pages sign their cookies with is in it, and no passwords.
_FOLDER = "TEST_PASSWORD_FOLDER"


def nobody() -> Path:
    """Give a password file that is not there, so that nobody has a name whatever the machine this runs on has."""
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="flotilla-test-")
        atexit.register(shutil.rmtree, os.environ[_FOLDER], ignore_errors=True)
    return Path(os.environ[_FOLDER]) / "nobody.json"


def session(passwords: Path | None = None) -> str:
    """Give the value of the cookie of a new session, on pages of `nobody()` or of another file that is not there."""
    return Sessions(People(passwords or nobody()), SystemClock()).begin(LOCAL)


def cookie(passwords: Path | None = None) -> str:
    """Give that session as the header `Cookie`."""
    return f"{COOKIE}={session(passwords)}"


def browser_cookie() -> dict[str, str]:
    """Give that session as Playwright takes it, for every port of this machine."""
    return {"name": COOKIE, "value": session(), "domain": "127.0.0.1", "path": "/"}
