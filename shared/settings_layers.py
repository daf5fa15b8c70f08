"""Layers of settings as people write them outside a file, and how one is laid over another."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from shared.errors import ConfigurationError
from shared.settings_file import is_deep, shown

ENVIRONMENT_PREFIX = "FLOTILLA_"
# The accounts that may trade, typed at the start: no file can say it, so that none that was copied does.
LIVE_VARIABLE = "FLOTILLA_LIVE"
# What the environment says besides settings: where compiled code is kept, and what tests may use and must have.
NO_SETTINGS = ("FLOTILLA_CACHE", "FLOTILLA_TEST_DATA", "FLOTILLA_REQUIRE_ALL", LIVE_VARIABLE)
# The keys of an account, whose name follows: they belong in no setting, which files, digests and pages repeat.
KEY_PREFIXES = ("FLOTILLA_KEY_", "FLOTILLA_SECRET_", "FLOTILLA_PASSPHRASE_")


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Give what an environment sets: `FLOTILLA_RISK__STOP=0.05` is `risk.stop`. Raises ConfigurationError."""
    settings: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in NO_SETTINGS or name.startswith(KEY_PREFIXES):
            continue
        dotted = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        if "." not in dotted and dotted != "profile":
            raise ConfigurationError(
                f"{shown(name)} in the environment must be a setting like {ENVIRONMENT_PREFIX}RISK__STOP "
                "(two underscores between section and name), was not"
            )
        merge(settings, _nested(dotted, text))
    return settings


def from_override(override: str) -> dict[str, Any]:
    """Give what an override like `risk.stop=0.05` sets. Raises ConfigurationError."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted.strip():
        raise ConfigurationError(f"an override must be like risk.stop=0.05, was {shown(override)}")
    return _nested(dotted.strip(), text.strip())


def _nested(dotted: str, text: str) -> dict[str, Any]:
    value = _toml_value(text)
    if dotted.count(".") > 2 or is_deep(value):
        raise ConfigurationError(f"a setting must be like risk.stop or strategies.breakout.grid, was {shown(dotted)}")
    for part in reversed(dotted.split(".")):
        value = {part: value}
    return value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Lay settings over others, which are changed, section by section."""
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(name), dict):
            merge(below[name], value)
        else:
            below[name] = json.loads(json.dumps(value, default=str)) if isinstance(value, Mapping) else value
