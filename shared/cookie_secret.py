"""The secret of a fleet's page: cookies are signed with it, and it proves to the terminal that the page is its own."""

import os
import secrets
from pathlib import Path

from shared.errors import ConfigurationError
from shared.passwords import require_private, write_private
from shared.regular_file import NotAFile, read_regular

LENGTH = 64


def secret_path(passwords: Path) -> Path:
    """Give where the secret is kept: beside the password file."""
    return passwords.with_name("cookie-secret")


def load_secret(path: Path) -> str:
    """Read the secret; the first who asks makes it."""
    try:
        while (secret := find_secret(path)) is None:
            _make_secret(path)
    except OSError as error:
        raise ConfigurationError(f"cookie secret {path} must be a file that can be made, was not: {error}") from error
    return secret


def find_secret(path: Path) -> str | None:
    """Read the secret; None where nobody has made it yet."""
    try:
        require_private(path)
        secret = read_regular(path, "ascii").strip()
    except FileNotFoundError:
        return None
    except NotAFile as error:
        raise ConfigurationError(f"cookie secret {path} {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cookie secret {path} must be readable, was not: {error}") from error
    if len(secret) != LENGTH:
        raise ConfigurationError(
            f"cookie secret {path} must have {LENGTH} characters, had {len(secret)}; remove it and everybody "
            "signs in anew"
        )
    return secret


def forget_secret(path: Path) -> None:
    """Remove the secret: no cookie of before counts once the page was restarted."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cookie secret {path} must be a file that can be removed: {error.strerror}"
        ) from error


def _make_secret(path: Path) -> None:
    own = path.with_name(f"{path.name}.{os.getpid()}")
    write_private(own, secrets.token_hex(LENGTH // 2) + "\n")
    try:
        # Of two processes that start at once one secret counts.
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
