"""A report as a reader has it: its words, tiles, tables, figures, and all it would fetch."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from dashboard.queries.filters import Filters
from dashboard.report.document import write_report
from dashboard.report.facts import Facts, load_facts
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected

MADE_MS = 1_768_300_000_000
# Attributes by which a document makes a browser fetch or go somewhere.
FETCHING = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "ping", "xlink:href"}


@dataclass
class Read(HTMLParser):
    """What is in a document."""

    text: str
    headings: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    tiles: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    figures: list[dict[str, Any]] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    scripts: int = 0
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._label = ""
        self._table: list[list[str]] = []
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        kept = dict(attributes)
        self.tags.add(tag)
        self.fetches += [f"{tag} {name}={value}" for name, value in attributes if name in FETCHING]
        self.fetches += [f"{tag} {name}" for name in kept if name.startswith("on")]
        if tag not in ("meta", "link", "br"):
            self._open.append((tag, kept))
        if tag == "script" and kept.get("type") != "application/json":
            self.scripts += 1
        if tag == "table":
            self._table = self.tables.setdefault(self._in("div", "aria-label"), [])
        if tag == "tr":
            self._table.append([])
        if tag in ("td", "th"):
            self._table[-1].append("")
        if tag in ("h2", "h3"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            raise AssertionError(f"</{tag}> closes what was not open")

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        tag, attributes = self._open[-1]
        inside = {name for name, _ in self._open}
        if tag == "script":
            if attributes.get("type") == "application/json":
                self.figures.append(json.loads(data))
            return
        if tag == "style":
            return
        self.words += data + " "
        if tag == "h2":
            self.sections.append(data)
        if inside & {"h2", "h3"}:
            self.headings[-1] += data
        if inside & {"td", "th"}:
            self._table[-1][-1] += data
        if tag == "dt":
            self._label = data
        if tag == "dd" and self._in("dl", "class") == "tiles":
            (self.about if attributes.get("class") == "about" else self.tiles)[self._label] = data

    def _in(self, tag: str, attribute: str) -> str:
        return next((kept.get(attribute) or "" for name, kept in reversed(self._open) if name == tag), "")

    def rows(self, label: str) -> list[dict[str, str]]:
        """Give the rows of a table by the titles of its columns."""
        head, *rows = self.tables[label]
        return [dict(zip(head, row, strict=True)) for row in rows]


def facts_of(books: seeding.Books, filters: Filters) -> Facts:
    """Load what a report of some books says."""
    for connection in connected(books):
        facts = load_facts(connection, seeding.PORTFOLIO_ID, filters)
    assert facts is not None
    return facts


def read(books: seeding.Books, filters: Filters = Filters()) -> Read:  # noqa: B008 - frozen
    """Make a report of some books and read it, without plotly's script."""
    before, _, after = write_report(facts_of(books, filters), "flotilla", MADE_MS)
    return Read((before + after).decode())


def file_of(books: seeding.Books, file: Path, filters: Filters = Filters()) -> str:  # noqa: B008 - frozen
    """Write a report of some books into a file and give its address."""
    file.write_bytes(b"".join(write_report(facts_of(books, filters), "flotilla", MADE_MS)))
    return file.as_uri()


def number(text: str) -> float:
    """Read a figure as it is written: `+1,234.50`, `-3.2%`."""
    found = re.fullmatch(r"([+-]?[\d,]*\.?\d+)(%?)", text.strip())
    assert found, f"{text!r} is no figure"
    value = float(found[1].replace(",", ""))
    return value / 100 if found[2] else value
