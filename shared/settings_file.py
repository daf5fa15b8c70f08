"""The settings file as it is written: which one is in force, its TOML, and the sentence of what is refused in it."""

import re
import reprlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails

from shared.errors import ConfigurationError
from shared.regular_file import NotAFile, open_regular
from shared.secret_url import without_secrets

LARGEST_BYTES = 2**20
# `strategies.NAME.grid` holds lists of lists.
DEEPEST = 8
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What may hold a password is not repeated.
UNSHOWN = ("database", "market.endpoint")

LONGEST_SHOWN = 200


class _Brief(reprlib.Repr):
    """A secret is left out before the middle is: half of one would not be known for what it is."""

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(without_secrets(x), level)


_brief = _Brief()
_brief.maxstring = _brief.maxother = 80


def existing(file: Path) -> Path | None:
    """Give the file where anything goes by its name, also what cannot be read; None where nothing does."""
    try:
        file.lstat()
    except FileNotFoundError:
        return None
    except OSError:
        # In a folder that may not be entered or is none: reading it says so.
        return file
    return file


def folder_of(file: Path) -> Path:
    """Give the folder of a settings file, links followed as far as they lead anywhere: reading it says where not."""
    try:
        return file.resolve().parent
    except (OSError, RuntimeError, ValueError):
        return file.absolute().parent


def read_toml(file: Path) -> dict[str, Any]:
    """Read a settings file, with a byte order mark or without; raises ConfigurationError with one sentence."""
    content = _content(file)
    try:
        text = content.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"settings file {file} must be UTF-8, was not: byte {error.object[error.start]:#04x} at {error.start}"
        ) from error
    try:
        written = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(_too_deep(file)) from error
    except ValueError as error:
        # Also a number of thousands of digits, which the reader of TOML passes on as it came.
        raise ConfigurationError(f"settings file {file} must be TOML: {error}") from error
    if is_deep(written):
        raise ConfigurationError(_too_deep(file))
    return written


def _content(file: Path) -> bytes:
    try:
        with open_regular(file) as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(f"settings file {file} must exist, was not found") from error
    except NotAFile as error:
        raise ConfigurationError(f"settings file {file} {error}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"settings file {file} must be readable, was not: {reason}") from error
    if len(content) > LARGEST_BYTES:
        raise ConfigurationError(f"settings file {file} must have at most {LARGEST_BYTES} bytes, had more")
    return content


def _too_deep(file: Path) -> str:
    return f"settings file {file} must nest at most {DEEPEST} deep, nested deeper"


def is_deep(value: Any) -> bool:
    """Say whether tables and lists nest deeper than any setting does."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def sentence(error: ErrorDetails) -> str:
    """Say in one sentence which setting was refused, what was expected and what was."""
    name = without_secrets(".".join(_word(part) for part in error["loc"] if part != "[key]"))
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"setting {name} is unknown; see docs/settings.md for the list"
    if kind == "missing":
        return f"setting {name} must be set, was not"
    if kind == "value_error" and len(error["loc"]) < 2:
        # Of several settings together; it says itself what they were.
        return f"setting {name}.{message}" if name else message
    was = "" if name.startswith(UNSHOWN) else f", was {shown(error['input'])}"
    return f"setting {name} {_expected(kind, message)}{was}"


def _expected(kind: str, message: str) -> str:
    if kind == "int_parsing_size":
        return "must be a whole number of fewer digits"
    if kind in ("model_type", "dict_type"):
        return "must be a table of settings"
    _, should, expected = message.partition(" should ")
    return f"must {expected.partition(' after validation')[0]}" if should else message


def _word(part: int | str) -> str:
    return str(part) if isinstance(part, int) or re.fullmatch("[A-Za-z0-9_-]{1,128}", part) else shown(part)


def shown(value: Any) -> str:
    """Write a value in one line, without secrets, its middle left out where it is long."""
    try:
        text = _brief.repr(value)
    except (ValueError, RecursionError):
        # A number of more digits than Python writes.
        return f"a {type(value).__name__} too long to write"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
