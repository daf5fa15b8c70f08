"""Links that sign in whoever is at the machine, as long as no password is set: each works once and for a short time.

The page and `flotilla dashboard link` share a folder of their owner alone; a file in it is named after the hash of a
token, so that the token itself is in the terminal that printed it and nowhere else.
"""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from shared.errors import ConfigurationError
from shared.own_page import find_own_page, page_address
from shared.passwords import is_guarded, password_path, write_private
from shared.private_files import make_folders
from shared.settings import DashboardSettings

FOLDER = Path("run") / "links"
SIGN_IN_PATH = "/login"
PARAMETER = "link"
LIFETIME_MINUTES = 10
_LIFETIME_MS = LIFETIME_MINUTES * 60 * 1000
# A link goes to somebody who opens it; what is longer was made by nobody here.
_LONGEST_TOKEN = 100


def way_in(root: Path, dashboard: DashboardSettings, now_ms: int) -> str:
    """Give what to open: the page's address, as a link that signs in as long as no password is set.

    Raises NoOwnPage where the page does not answer as this project's own, for whoever does would learn the link; and
    ConfigurationError where the folder of the links cannot be used.
    """
    if signs_in_by_name(root, dashboard):
        return page_address(dashboard.address, dashboard.port)
    return make_link(root, find_own_page(root, dashboard), now_ms)


def signs_in_by_name(root: Path, dashboard: DashboardSettings) -> bool:
    """Tell whether anybody has a name, or had one, and so nobody signs in by a link."""
    return is_guarded(password_path(dashboard.password_file, root))


def make_link(root: Path, page: str, now_ms: int) -> str:
    """Give a link to a page of a project that signs in once, and forget those that are too old.

    `page` is its address. Raises ConfigurationError where the folder of the links cannot be used.
    """
    folder = root / FOLDER
    try:
        make_folders(folder)
    except OSError as error:
        raise ConfigurationError(f"{folder} must be a folder that can be written, was not: {error.strerror}") from error
    _require_own(folder)
    _forget_old(folder, now_ms)
    token = secrets.token_urlsafe(32)
    write_private(_file(folder, token), f"{now_ms}\n")
    return f"{page}{SIGN_IN_PATH}?{PARAMETER}={token}"


def use_link(root: Path, token: str, now_ms: int) -> bool:
    """Tell whether a token is one that may sign in now; from then on it may not.

    Raises ConfigurationError where somebody else could have put it there.
    """
    folder = root / FOLDER
    if len(token) > _LONGEST_TOKEN or not folder.exists():
        return False
    _require_own(folder)
    file = _file(folder, token)
    try:
        made_ms = int(file.read_text(encoding="ascii"))
        # Of two that come at once one finds it.
        file.unlink()
    except (FileNotFoundError, ValueError):
        return False
    return _is_young(made_ms, now_ms)


def token_of(text: str) -> str:
    """Give the token of a link as somebody pastes it, whole or only its end."""
    text = text.strip()
    with suppress(ValueError):
        found = parse_qs(urlsplit(text).query).get(PARAMETER)
        return found[-1] if found else text
    return text


def _file(folder: Path, token: str) -> Path:
    return folder / hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _is_young(made_ms: int, now_ms: int) -> bool:
    # A clock that was set back must not make a link last.
    return abs(now_ms - made_ms) < _LIFETIME_MS


def _forget_old(folder: Path, now_ms: int) -> None:
    for file in folder.iterdir():
        with suppress(OSError, ValueError):
            if not _is_young(int(file.read_text(encoding="ascii")), now_ms):
                file.unlink()


def _require_own(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigurationError(
            f"{folder} must be a folder of the one who runs the page and for its owner alone (chmod 700), was of user "
            f"{found.st_uid} with mode {stat.S_IMODE(found.st_mode):o}"
        )
