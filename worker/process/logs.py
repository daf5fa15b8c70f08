"""What a process has written into its log since somebody began to look."""

import re
from pathlib import Path

from shared.printable import INDENT, one_line

# As `worker.process.service`, the page and its server write their records; the server leaves the level out.
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ][\d:,.]+Z? (?:(DEBUG|INFO|WARNING|ERROR|CRITICAL) )?")
TROUBLE = ("WARNING", "ERROR", "CRITICAL")
_POINTS_ABOVE = "the lines above say why"


class Log:
    """A log, read from where it ended when this object was made; one that cannot be read says nothing."""

    def __init__(self, path: Path, from_start: bool = False) -> None:
        self.path = path
        self._start = 0 if from_start else self._size()
        self._told = self._size()

    def said(self) -> str:
        """Give everything written since."""
        return self._since(self._start)

    def news(self, only_trouble: bool = False) -> list[str]:
        """Give the whole lines written since the last call, without their times; tracebacks are left out.

        `only_trouble` gives warnings and errors alone.
        """
        told = self._told if self._size() >= self._told else 0
        whole, line_end, _ = self._since(told).rpartition("\n")
        self._told = told + len((whole + line_end).encode(errors="surrogateescape"))
        lines = [line for line in whole.splitlines() if line.strip() and not line.startswith(INDENT)]
        return [_STAMP.sub("", line) for line in lines if not only_trouble or _level(line) in TROUBLE]

    def last_word(self) -> str:
        """Give the sentence that says why the process ended: its last error, or its last line."""
        lines = [line for line in self.said().splitlines() if line.strip() and _POINTS_ABOVE not in line]
        errors = [line for line in lines if _level(line) == "ERROR"]
        telling = errors or lines
        return one_line(_STAMP.sub("", telling[-1].strip())) if telling else f"see {self.path.name}"

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _since(self, start: int) -> str:
        try:
            with self.path.open(errors="surrogateescape") as file:
                # A log that became shorter was put away for a new one.
                file.seek(start if self._size() >= start else 0)
                return file.read()
        except OSError:
            return ""


def _level(line: str) -> str:
    stamp = _STAMP.match(line)
    return (stamp[1] or "INFO") if stamp else ""
