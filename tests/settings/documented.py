"""What docs/settings.md says of each setting, and what the code says of it, in the same words."""

import math
import re
from typing import Any, NamedTuple

from shared.accounts import AccountSettings
from shared.settings import Settings, StrategySettings
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "settings.md"
_RANGE = re.compile(r"([0-9.e-]+) to (below )?([0-9.e-]+)")


class Range(NamedTuple):
    """The numbers a setting may be."""

    lowest: float
    highest: float
    below: bool

    def holds(self, value: float) -> bool:
        """Say whether a number is within."""
        return self.lowest <= value and (value < self.highest if self.below else value <= self.highest)

    def words(self) -> str:
        """Write it as the page does."""
        return f"{_number(self.lowest)} to {'below ' if self.below else ''}{_number(self.highest)}"


def _number(value: float) -> str:
    return f"{value:.12g}".replace("e+", "e")


def documented() -> dict[str, tuple[str, str]]:
    """Give, by setting, its default and what it may be."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    return {name: (default, may_be) for name, default, may_be in rows}


def documented_ranges() -> dict[str, Range]:
    """Give the settings the page says a range of."""
    found = {name: _RANGE.fullmatch(may_be) for name, (_, may_be) in documented().items()}
    return {name: Range(float(match[1]), float(match[3]), bool(match[2])) for name, match in found.items() if match}


def ranges_in_code() -> dict[str, Range]:
    """Give the settings that are one number, with the numbers they may be; without a bound it is infinite."""
    schema = Settings.model_json_schema()
    parts = {name: schema["$defs"][place["$ref"].split("/")[-1]] for name, place in _sections(schema).items()}
    parts["strategies.NAME"] = StrategySettings.model_json_schema()
    parts["accounts.NAME"] = AccountSettings.model_json_schema()
    return {
        f"{section}.{name}": _range(choice)
        for section, part in parts.items()
        for name, written in part["properties"].items()
        for choice in written.get("anyOf", [written])
        if choice.get("type") in ("number", "integer") and "enum" not in choice
    }


def _sections(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: place for name, place in schema["properties"].items() if "$ref" in place and name != "strategies"}


def _range(choice: dict[str, Any]) -> Range:
    """A check before the bound makes pydantic write bounds by its own names where a setting may be left out."""
    named = {"ge": "minimum", "le": "maximum", "lt": "exclusiveMaximum"}
    bounds = {named.get(name, name): value for name, value in choice.items()}
    below = "exclusiveMaximum" in bounds
    highest = bounds["exclusiveMaximum"] if below else bounds.get("maximum", math.inf)
    return Range(float(bounds.get("minimum", -math.inf)), float(highest), below)
