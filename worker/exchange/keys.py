"""The keys of an account: where they are found, and an object that never shows them."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError

from shared.errors import ConfigurationError
from shared.private_files import OF_OTHERS
from shared.regular_file import NotAFile, open_regular
from shared.settings_layers import KEY_PREFIXES

LARGEST_BYTES = 2**16
PARTS = ("key", "secret", "passphrase")


def _of(pattern: str) -> AfterValidator:
    """What is no ASCII goes in no header."""

    def check(text: SecretStr) -> SecretStr:
        if not re.fullmatch(pattern, text.get_secret_value()):
            raise ValueError(f"must be like {pattern}")
        return text

    return AfterValidator(check)


class Keys(BaseModel):
    """What signs the requests of an account; printed, dumped or in an error it is stars."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: Annotated[SecretStr, _of("[!-~]+")]
    # some are a private key in several lines
    secret: Annotated[SecretStr, _of("[ -~\r\n]+")]
    passphrase: Annotated[SecretStr, _of("[ -~]+")] | None = None

    def texts(self) -> tuple[str, ...]:
        """Give all that must stand in no text, the longest first: one may hold another."""
        parts = (self.key, self.secret, self.passphrase)
        return tuple(sorted((part.get_secret_value() for part in parts if part is not None), key=len, reverse=True))


def load_keys(account: str, place: str = "environment", environment: Mapping[str, str] | None = None) -> Keys:
    """Read the keys of an account from where `accounts.NAME.keys` says: the environment, or a file.

    Raises ConfigurationError with one sentence where there are none, a part is missing, or others may read the file.
    """
    if place != "environment":
        return _whole(account, _written(account, Path(place)), place, {part: part for part in PARTS})
    environment = os.environ if environment is None else environment
    names = {part: f"{prefix}{account.upper()}" for part, prefix in zip(PARTS, KEY_PREFIXES, strict=True)}
    found = {part: environment[name] for part, name in names.items() if environment.get(name)}
    if not found:
        raise ConfigurationError(
            f"account {account} must have keys in {names['key']} and {names['secret']} of the environment, "
            f"or in a file that accounts.{account}.keys names, had none"
        )
    return _whole(account, found, "the environment", names)


def _whole(account: str, found: Mapping[str, object], place: str, names: Mapping[str, str]) -> Keys:
    for part in ("key", "secret"):
        if not found.get(part):
            raise ConfigurationError(f"keys of account {account} in {place} must have {names[part]}, had none")
    try:
        return Keys.model_validate(found)
    except ValidationError as error:
        # Its own words may repeat what was written.
        wrong = ".".join(str(part) for part in error.errors()[0]["loc"])
        wrong = wrong if wrong in PARTS else "another name"
    raise ConfigurationError(
        f"keys of account {account} in {place} must be the texts {', '.join(PARTS)} in ASCII, the key without blanks, "
        f"was not: {wrong}"
    )


def _written(account: str, file: Path) -> dict[str, object]:
    file = file.expanduser()
    try:
        with open_regular(file) as stream:
            _require_private(account, file, os.fstat(stream.fileno()))
            content = stream.read(LARGEST_BYTES)
    except FileNotFoundError:
        raise ConfigurationError(f"keys of account {account} must be in {file}, which was not found") from None
    except NotAFile as error:
        raise ConfigurationError(f"keys of account {account} in {file} {error}") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"keys of account {account} in {file} must be readable, was not: {reason}") from None
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        # Its words may repeat what was written.
        pass
    raise ConfigurationError(f'keys of account {account} in {file} must be TOML like key = "…", was not')


def _require_private(account: str, file: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"keys of account {account} in {file} must belong to user {os.geteuid()}, belonged to {found.st_uid}"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & OF_OTHERS:
        raise ConfigurationError(
            f"keys of account {account} in {file} must be readable by their owner alone (chmod 600), mode was {mode:o}"
        )
