"""Tables, and the sections of `docs/benchmarks.md` and other pages that are written by a program."""

from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; columns after the first are aligned right."""
    marks = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, marks, *rows))


def write_section(name: str, title: str, text: str, page: Path | None = None, by: str = "make bench") -> None:
    """Put a section between its markers, over what was there; a new one goes to the end."""
    page = page or DOCUMENT
    begin, end = f"<!-- {name} begins: written by {by} -->", f"<!-- {name} ends -->"
    section = f"{begin}\n## {title}\n\n{text.strip()}\n{end}"
    document = page.read_text() if page.exists() else "# Benchmarks\n"
    if begin in document:
        before, _, rest = document.partition(begin)
        document = before + section + rest.partition(end)[2]
    else:
        document = f"{document.rstrip()}\n\n{section}\n"
    page.write_text(document)
