"""What the worker answered, for people: a sentence, where the answer itself is for a program."""

import json
import re
from typing import Any

from dashboard.components.words import many, words
from shared.enums import Cause, CommandKind, CommandStatus, Level

_NAMES = re.compile(rf"\b({'|'.join(name.name for kind in (Level, Cause) for name in kind)})\b")


def in_words(command: dict[str, Any]) -> str:
    """Give the answer to a command as a sentence; empty before there is one. It is stored text, so not yet plain.

    That of an EXPLAIN counts the verdicts: they are drawn as a table where they were asked for, and are whole in the
    downloads.
    """
    answer = command["answer"] if isinstance(command["answer"], str) else ""
    if command["kind"] != CommandKind.EXPLAIN.name or command["status"] != CommandStatus.DONE.name:
        return names_in_words(answer)
    try:
        verdicts = json.loads(answer)
        stopping = [words(str(row["reason"])) for row in verdicts["rows"] if row["stops"]]
        counted = f"verdicts of {many(len(verdicts['rows']), 'row')} after step {verdicts['step']:,}"
    except (ValueError, KeyError, TypeError):
        return answer
    return f"{counted}; {' and '.join(stopping) or 'none'} stopped it"


def names_in_words(sentence: str) -> str:
    """Write the levels and causes that the worker names in a sentence as the pages write them."""
    return _NAMES.sub(lambda found: words(found.group()), sentence)
