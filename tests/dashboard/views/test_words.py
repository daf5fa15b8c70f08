"""What a stranger reads: every tile is defined, every code has one word, and one of a thing is no plural."""

import ast
import re
from pathlib import Path

import pytest

from dashboard.components.columns import NUMBERS, TIMES, WALL_TIMES, WORDS
from dashboard.figures import decisions as decision_figures
from shared import enums
from shared.words import many, words
from tests.conftest import ROOT
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids

PAGES = ("overview", "bots", "bot", "symbol", "allocations", "trades", "analytics", "risk", "decisions", "control")
TABS = (("analytics", "Returns"), ("analytics", "Round trips"), ("bot", "Trades"), ("bot", "Parameters"))
CODES = sorted(
    {member.name for kind in vars(enums).values() if isinstance(kind, type) and hasattr(kind, "__members__")
     for member in kind if "_" in member.name}
)  # fmt: skip
# What is said only to those who know the code already.
JARGON = re.compile(r"float64|lately|stands still|of them here|…at (?:least|most)|NaN\b", re.IGNORECASE)
# A count with a plural after it that does not ask how many they are.
COUNTED = re.compile(r"[^}]\} (positions|bots|fills|orders|bars|trades|commands|round trips)\b")
# A percent sign apart from its number, in what a person reads.
APART = re.compile(r"[0-9}] %(?![\w(])")


def opened(open_page: OpenPage, folder: Folder, page: str, tab: str = "") -> object:
    asked = {"tab": tab} if tab else {}
    return open_page(folder("seeded"), page, **asked)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "tab"), [*((page, "") for page in PAGES), *TABS])
def test_every_number_on_a_tile_has_its_definition(page: str, tab: str, folder: Folder, open_page: OpenPage) -> None:
    app = opened(open_page, folder, page, tab)
    undefined = [metric.label for metric in app.main.metric if len(metric.help or "") < 30]
    assert undefined == []


def test_the_walk_sees_tiles(folder: Folder, open_page: OpenPage) -> None:
    assert len(opened(open_page, folder, "overview").main.metric) >= 8


@pytest.mark.slow
@pytest.mark.parametrize(("page", "tab"), [*((page, "") for page in PAGES), *TABS])
def test_no_page_shows_a_code_or_a_word_of_the_trade(page: str, tab: str, folder: Folder, open_page: OpenPage) -> None:
    app = opened(open_page, folder, page, tab)
    said = texts(app).replace("\\", "")
    columns = [column for grid in grids(app) for column in grid.columns.values()]
    shown = said + "\n".join(text for column in columns for text in column["texts"])
    titles = "\n".join(column["title"] for column in columns)
    assert [code for code in CODES if re.search(rf"\b{code}\b", shown)] == []
    assert JARGON.findall(shown + titles) == []
    assert not app.get("json"), "parameters are said, not dumped"


def test_a_chart_has_the_word_of_the_tables() -> None:
    assert words("REENTRY_LOCK") == "re-entry lock"
    assert len({words(reason) for reason in decision_figures.REASONS}) == len(decision_figures.REASONS)


def test_the_level_is_not_called_as_the_process_is(folder: Folder, open_page: OpenPage) -> None:
    app = opened(open_page, folder, "overview")
    said = texts(app).replace("\\", "")
    assert "trading allowed" in said and "The worker is running" in said
    assert not re.search(r"(?<!is )\brunning\b", said)


def test_one_is_no_plural() -> None:
    assert (many(1, "position"), many(0, "position"), many(1_200, "bar")) == ("1 position", "0 positions", "1,200 bars")
    assert (many(1, "bot", 1), many(1, "bot", 27)) == ("1 of 1 bot", "1 of 27 bots")


def formatted(path: Path) -> list[str]:
    """Give the texts of a module in which something is put in, as they are written."""
    tree = ast.parse(path.read_text())
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]


def test_counts_ask_how_many_they_are() -> None:
    modules = [*(ROOT / "dashboard").rglob("*.py"), ROOT / "worker" / "live" / "commands.py"]
    found = {path.name: said for path in modules for said in formatted(path) if COUNTED.search(said)}
    assert found == {}
    assert COUNTED.search(ast.unparse(ast.parse("f'{count} positions'")))


def written(path: Path) -> list[str]:
    """Give the texts of a module: with what is put in, as they are written, and without."""
    tree = ast.parse(path.read_text())
    return formatted(path) + [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_percent_has_one_form() -> None:
    modules = [path for room in ("dashboard", "worker", "shared") for path in (ROOT / room).rglob("*.py")]
    documents = {path.name: path.read_text() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}
    said = {path.name: "\n".join(written(path)) for path in modules} | documents
    assert len(modules) > 200 and len(documents) > 10
    assert {name: APART.findall(text) for name, text in said.items() if APART.search(text)} == {}
    assert APART.search("(95 %), n") and APART.search("f'{low} % of it'") and not APART.search("37% (95% interval)")


def test_every_column_of_numbers_says_what_it_means() -> None:
    assert [name for name, number in NUMBERS.items() if not number.note.endswith(".")] == []
    titles = [*WORDS.values(), *TIMES.values(), *(number.title for number in NUMBERS.values())]
    assert all(title[0].isupper() and "_" not in title for title in titles)


def test_wall_time_is_called_so(folder: Folder, open_page: OpenPage) -> None:
    app = opened(open_page, folder, "control")
    columns = {name: column for grid in grids(app) for name, column in grid.columns.items()}
    assert {name for name in columns if name in WALL_TIMES} >= {"asked_ms", "last_ms"}
    assert all("wall clock" in columns[name]["title"] for name in columns if name in WALL_TIMES)
    assert not any("wall" in columns[name]["title"] for name in columns if name not in WALL_TIMES)
