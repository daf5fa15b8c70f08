"""What the worker answered, in the words of the pages."""

import re
from typing import Any

from dashboard.components.words import words
from shared.enums import Cause, Level

_NAMES = re.compile(rf"\b({'|'.join(name.name for kind in (Level, Cause) for name in kind)})\b")


def in_words(command: dict[str, Any]) -> str:
    """Give the answer to a command; empty before there is one. It is stored text, so not yet plain."""
    return names_in_words(command["answer"]) if isinstance(command["answer"], str) else ""


def names_in_words(sentence: str) -> str:
    """Write the levels and causes that the worker names in a sentence as the pages write them."""
    return _NAMES.sub(lambda found: words(found.group()), sentence)
