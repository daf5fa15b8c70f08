"""Who may look at the dashboard and who may act: names, roles and scrypt hashes, in a file of their owner alone."""

import base64
import hashlib
import hmac
import json
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError
from shared.private_files import make_folders
from shared.regular_file import NotAFile, read_regular

VIEWER = "viewer"
OPERATOR = "operator"
ROLES = (VIEWER, OPERATOR)

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
FILE_VERSION = 1
# Memory of one hash is 128 × BLOCK × COST bytes: 32 MiB. OWASP gives these three numbers together.
COST, BLOCK, PARALLEL = 2**15, 8, 3
_MOST_MEMORY = 256 * 1024 * 1024

# Beside the password file, from the first name on: a file that is gone is then no file that never was.
_MARK = ".was-set"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in; without a hash, by an OIDC provider alone."""

    name: str
    role: str
    password: str | None


def password_path(file: Path, root: Path) -> Path:
    """Give the password file of the settings; ConfigurationError where it is inside the project."""
    path = (root / file.expanduser()).resolve()
    if path.is_relative_to(root.resolve()):
        raise ConfigurationError(f"dashboard.password_file must be outside the project {root.resolve()}, was {path}")
    return path


def is_guarded(path: Path) -> bool:
    """Tell whether people sign in by name: there is a password file, or was one; what cannot be looked at is there."""
    return any(map(_is_there, (path, _mark(path))))


def mark_guarded(path: Path) -> None:
    """Note for good that there is a password file; ConfigurationError where that cannot be written."""
    if not _is_there(_mark(path)):
        write_private(_mark(path), f"{path.name} was set; `flotilla dashboard unguard` takes that back\n")


def unguard(path: Path) -> None:
    """Take names and passwords back, with the note that there were any."""
    # The note last: whatever fails before leaves the door shut.
    for file in (path, _mark(path)):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{file} must be a file that can be removed: {error.strerror}") from error


def require_there(path: Path) -> None:
    """Raise ConfigurationError for a password file that is gone, though passwords were set."""
    if is_guarded(path) and not _is_there(path):
        raise ConfigurationError(
            f"password file {path} must be there, for passwords were set, was missing: put it back, or name people "
            "anew by `flotilla dashboard password NAME`, or go back to links by `flotilla dashboard unguard --yes`"
        )


def checked_name(text: str) -> str:
    """Give a name as it is kept, in small letters."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"a name must be at most 100 letters, digits and . _ @ + -, like anna or bo@example.com, was {text!r}"
        )
    return name


def checked_role(text: str) -> str:
    """Give a role that exists."""
    if text not in ROLES:
        raise ConfigurationError(f"a role must be one of {', '.join(ROLES)}, was {text!r}")
    return text


def hash_password(password: str) -> str:
    """Give what is kept of a password: `scrypt$cost$block$parallel$salt$hash`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigurationError(
            f"a password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, had {len(password)}"
        )
    if any(unicodedata.category(letter) == "Cc" for letter in password):
        raise ConfigurationError("a password must be of characters that can be seen or spaces, had a control character")
    salt = os.urandom(16)
    digest = _scrypt(password, salt, COST, BLOCK, PARALLEL)
    return "$".join(["scrypt", str(COST), str(BLOCK), str(PARALLEL), _encoded(salt), _encoded(digest)])


def can_be_password(text: str) -> bool:
    """Tell whether text is worth hashing: nobody's password is longer than the longest, or has a NUL in it."""
    return len(text) <= LONGEST_PASSWORD and "\0" not in text


def password_matches(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one kept; takes as long where nothing is kept."""
    if not can_be_password(password):
        return False
    if kept is None:
        _scrypt(password, b"nobody has this salt", COST, BLOCK, PARALLEL)
        return False
    cost, block, parallel, salt, digest = _parsed(kept)
    return hmac.compare_digest(_scrypt(password, salt, cost, block, parallel), digest)


def load_accounts(path: Path) -> dict[str, Account]:
    """Read the accounts by name.

    Raises FileNotFoundError where there is no file, and ConfigurationError for one that others may read or change, or
    that makes no sense.
    """
    require_private(path)
    try:
        return _accounts(json.loads(read_regular(path)))
    except FileNotFoundError:
        raise
    except NotAFile as error:
        raise ConfigurationError(f"password file {path} {error}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"password file {path} must be as `flotilla dashboard password` writes it, was not: {error}"
        ) from error
    except ConfigurationError as error:
        raise ConfigurationError(f"password file {path}: {error}") from error


def save_account(path: Path, account: Account) -> None:
    """Add an account, or change the one of its name."""
    accounts = _known(path)
    accounts[account.name] = account
    _save(path, accounts)


def remove_account(path: Path, name: str) -> None:
    """Take an account away; ConfigurationError where there is none of that name."""
    accounts = _known(path)
    if name not in accounts:
        raise ConfigurationError(f"name must be one of {', '.join(accounts) or 'none yet'}, was {name!r}")
    del accounts[name]
    _save(path, accounts)


def require_private(path: Path) -> None:
    """Raise ConfigurationError for a file that others than its user may read or change."""
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(f"{path} must belong to user {os.geteuid()}, belonged to {found.st_uid}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"{path} must be for its owner alone (chmod 600), its mode was {mode:o}")


def write_private(path: Path, text: str) -> None:
    """Put a file there whole, for its owner alone."""
    try:
        make_folders(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} must be writable, was not: {error.strerror}") from error


def _known(path: Path) -> dict[str, Account]:
    try:
        return load_accounts(path)
    except FileNotFoundError:
        return {}


def _save(path: Path, accounts: Mapping[str, Account]) -> None:
    # First: what was written half leaves the door shut.
    mark_guarded(path)
    people = {name: {"role": account.role, "password": account.password} for name, account in sorted(accounts.items())}
    write_private(path, json.dumps({"version": FILE_VERSION, "people": people}, indent=2) + "\n")


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}{_MARK}")


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def _accounts(written: Any) -> dict[str, Account]:
    if written["version"] != FILE_VERSION:
        raise ValueError(f"its version must be {FILE_VERSION}, was {written['version']!r}")
    accounts = {}
    for name, person in written["people"].items():
        if checked_name(name) != name:
            raise ValueError(f"a name must be in small letters, was {name!r}")
        if person["password"] is not None:
            _parsed(person["password"])
        accounts[name] = Account(name, checked_role(person["role"]), person["password"])
    return accounts


def _parsed(kept: str) -> tuple[int, int, int, bytes, bytes]:
    scheme, cost, block, parallel, salt, digest = kept.split("$")
    if scheme != "scrypt":
        raise ValueError(f"a hash must be scrypt, was {scheme!r}")
    return int(cost), int(block), int(parallel), base64.b64decode(salt), base64.b64decode(digest)


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    # One letter has several spellings in Unicode, and keyboards differ in which they send.
    spelt = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(spelt, salt=salt, n=cost, r=block, p=parallel, maxmem=_MOST_MEMORY, dklen=32)


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
