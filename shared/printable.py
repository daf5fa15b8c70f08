"""Text from outside as text that only says something: what would command a terminal or begin a line is written out.

Headers, answers of an exchange, names of files and the reasons people give may hold anything. Whatever writes them on a
terminal, into a log or into a cell goes through here; JSON escapes by itself.
"""

import logging
import re
from typing import Any

from shared.secret_url import without_held_secrets

# C0, DEL and C1; what turns the direction of writing; what ends a line in Unicode; halves of a character.
_COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
INDENT = "  "


def one_line(text: object) -> str:
    r"""Write text as one line: a line break becomes `\n`, an escape `\x1b`."""
    said = str(text)
    return said if said.isprintable() else _COMMANDS.sub(_written_out, said)


def lines(text: str) -> str:
    """Write text whose line breaks are meant as such."""
    return "\n".join(map(one_line, text.split("\n")))


class HarmlessRecord(logging.LogRecord):
    """A log record that is one line; a traceback follows it indented, so that none of its lines looks like a record.

    What is said of an error holds no secret of an address.
    """

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        if self.exc_info:
            self.exc_text = _indented(without_held_secrets(logging.Formatter().formatException(self.exc_info)))

    def getMessage(self) -> str:  # noqa: N802
        """Give the message as one line."""
        said = super().getMessage()
        return one_line(without_held_secrets(said) if self.exc_info else said)


def make_logs_harmless() -> None:
    """Let every record that is logged from now on be harmless, whoever logs and writes it, libraries too."""
    logging.setLogRecordFactory(HarmlessRecord)


def _indented(text: str) -> str:
    return "\n".join(f"{INDENT}{line}" for line in lines(text).split("\n"))


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
