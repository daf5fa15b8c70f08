"""Every table and chart of every page has its rows as CSV and JSON, and what these give is what is on show."""

import ast
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pandas import DataFrame
from starlette.datastructures import QueryParams
from streamlit.testing.v1 import AppTest

from dashboard.components import downloads, live_chart, tables
from dashboard.components.answers import in_words
from dashboard.components.downloads import Books, Source, equity_books
from dashboard.components.pickers import Period
from dashboard.components.rows import COLUMNS, Rows
from dashboard.queries.allocations import load_weights
from dashboard.queries.bot import load_candles
from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.serving.exports import parse_filters
from dashboard.serving.shown import PATH
from shared.database import open_reader
from shared.enums import ScopeKind
from shared.tables.exports import KINDS, check_names, columns, stream
from shared.units import DAY_MS
from tests.conftest import ROOT
from tests.dashboard import seeding
from tests.dashboard.shown_files import follow
from tests.dashboard.views.conftest import Folder, OpenPage

BEGIN_MS = 1_767_225_600_000
BOT = "bo_eth_usdt_1h_p2"
ALL = {"period": "All"}
# Every page, and each of its parts that stands behind a choice.
PLACES: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("overview", {"held": "true", **ALL}),
    ("symbol", {"symbol": "ETH/USDT", **ALL}),
    ("bots", {}),
    *(("bot", {"bot": BOT, "tab": tab, **ALL}) for tab in ("Profit", "Trades", "Reasons")),
    ("allocations", ALL),
    ("allocations", {"of": "BOT", **ALL}),
    *(("trades", {"rows": rows, **ALL}) for rows in ("Round trips", "Fills", "Orders", "Open positions")),
    ("trades", {"rows": "Fills", "period": "7d", "sleeves": "breakout", "sides": "short", "exits": "SIGNAL"}),
    *(
        ("analytics", {"tab": tab})
        for tab in ("Round trips", "Win rates", "Profit by day", "Returns", "Benchmark", "Costs", "Correlation")
    ),
    ("risk", {}),
    ("decisions", {"bot": BOT, **ALL}),
    ("control", {}),
]
# What else could draw a table or a chart.
DRAWS = re.compile(r"^(dataframe|table|data_editor|map|pyplot|\w+_chart)$")
# The last two draw nothing: they count seconds and follow links.
OUR_OWN = {f"dashboard/components/{name}.py" for name in ("grid", "live_chart", "watch", "places")}
DRAWN_BY = ("flotilla_grid", "flotilla_live_chart")


@dataclass
class Drawn:
    """A table or chart that was drawn: under which key, from what, with which downloads."""

    key: str
    shown: DataFrame | None
    sources: tuple[Source, ...]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    """Write down what pages draw while they draw it."""
    found: list[Drawn] = []
    table, chart = tables.table, live_chart.live_chart

    def watched_table(frame: DataFrame, names: Any, key: str, *sources: Source, **options: Any) -> Any:
        found.append(Drawn(key, frame, sources))
        return table(frame, names, key, *sources, **options)

    def watched_chart(figure: Any, key: str, label: str, *sources: Source, **options: Any) -> None:
        found.append(Drawn(key, None, sources))
        chart(figure, key, label, *sources, **options)

    monkeypatch.setattr(tables, "table", watched_table)
    monkeypatch.setattr(live_chart, "live_chart", watched_chart)
    return found


def taken(folder: Path, books: Books) -> list[dict[str, Any]]:
    """Give what the address of a download gives, as the route does."""
    filters = parse_filters(QueryParams(urlsplit(books.url("json")).query))
    engine = open_reader(f"sqlite:///{folder / seeding.FILE}")
    with engine.connect() as connection:
        check_names(connection, 1, filters)
        batches = stream(connection, books.name, 1, filters)
        rows = [dict(zip(columns(books.name), row, strict=True)) for batch in batches for row in batch]
    engine.dispose()
    return rows


def blocks(node: Any) -> Iterator[list[Any]]:
    """Give the children of every block of a page, in order."""
    inner = list(getattr(node, "children", {}).values())
    yield inner
    for child in inner:
        yield from blocks(child)


def formats_of(element: Any) -> set[str]:
    """Give the formats that a block offers: the first word of its links."""
    if not hasattr(element, "get"):
        return set()
    return {link.proto.label.partition(",")[0] for link in element.get("link_button")}


def shown_links(app: AppTest) -> list[str]:
    """Give the addresses of what a page works out, in order."""
    links = [link.proto.url for inner in blocks(app._tree) for link in inner if link.type == "link_button"]
    return [url for url in links if url.startswith(PATH)]


def is_shown(element: Any) -> bool:
    """Tell whether an element is a table or a chart."""
    return element.type == "bidi_component" and element.proto.component_name.endswith(DRAWN_BY)


def without_download(app: AppTest) -> list[str]:
    """Name the tables and charts of a page that have no CSV and JSON right beneath them."""
    missing = []
    for inner in blocks(app._tree):
        for at, element in enumerate(inner):
            if is_shown(element):
                after = inner[at + 1] if at + 1 < len(inner) else None
                missing += [] if formats_of(after) == {"CSV", "JSON"} else [f"{element.type} {at}"]
    return missing


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query"), PLACES)
def test_every_table_and_chart_has_a_download_of_what_it_shows(
    page: str, query: dict[str, str], folder: Folder, open_page: OpenPage, drawn: list[Drawn]
) -> None:
    app = open_page(folder("seeded"), page, **query)
    assert [error.message for error in app.exception] == []
    assert sum(is_shown(element) for inner in blocks(app._tree) for element in inner) == len(drawn) > 0
    assert without_download(app) == []
    for one in drawn:
        for source in one.sources:
            if isinstance(source, Rows):
                assert_rows(source, one.shown)
            else:
                rows = taken(folder("seeded"), source)
                if one.shown is not None and source is one.sources[0]:
                    # On the page an answer is a sentence; the download has it as it is stored.
                    worded = [{**row, "answer": in_words(row)} for row in rows] if source.name == "commands" else rows
                    assert_same(worded, one.shown)


def assert_rows(rows: Rows, shown: DataFrame | None) -> None:
    """Hold what is written against the frame it is written from, and that against the one in the table."""
    names = COLUMNS[rows.name]
    table = list(csv.reader(io.StringIO(rows.write("csv").decode(), newline="")))
    objects = json.loads(rows.write("json"))
    assert tuple(table[0]) == names
    assert len(table) - 1 == len(objects) == len(rows.frame)
    for name in names:
        if name == "time":
            continue
        kept = [None if value != value else value for value in rows.frame[name].tolist()]
        assert [row[name] for row in objects] == kept, name
    if shown is not None:
        assert len(shown) == len(rows.frame)
        for name in set(shown.columns) & set(names):
            assert shown[name].astype(str).tolist() == rows.frame[name].astype(str).tolist(), name


def assert_same(rows: list[dict[str, Any]], shown: DataFrame) -> None:
    """Hold a streamed export against a table on show, in every column both have, whatever their order."""
    both = [name for name in shown.columns if rows and name in rows[0]]
    assert len(both) > 4

    def said(value: Any) -> str:
        return "" if value is None or value != value or value == "" else f"{value:.12g}" if _is_number(value) else value

    wanted = Counter(tuple(map(said, row)) for row in shown[both].itertuples(index=False))
    got = Counter(tuple(said(row[name]) for name in both) for row in rows)
    assert got >= wanted if sum(wanted.values()) < len(rows) else got == wanted
    # A page shows the newest; nothing less than all of a short list.
    assert len(shown) == len(rows) or len(shown) in (10, 12, 200, 500, 2_000)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def test_the_links_of_a_page_give_what_is_on_it_and_hold_still(
    folder: Folder, open_page: OpenPage, drawn: list[Drawn]
) -> None:
    app = open_page(folder("seeded"), "risk")
    links = shown_links(app)
    worked_out = [source for one in drawn for source in one.sources if isinstance(source, Rows)]
    assert len(links) == 2 * len(worked_out) > 4
    given = Counter(follow(url).content for url in links)
    assert given == Counter(rows.write(form) for rows in worked_out for form in ("csv", "json"))
    assert shown_links(app.run()) == links
    assert not set(shown_links(app.switch_page("views/control.py").run())) & set(links)


def test_no_download_is_kept_for_nothing() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "dashboard").rglob("*.py"))
    assert set(re.findall(r'\bRows\("(\w+)"', pages)) == set(COLUMNS)
    # Orders are drawn by a name that is picked; funding has no table of its own: it is in the costs.
    assert set(re.findall(r'\bBooks\("(\w+)"', pages)) == set(KINDS) - {"orders", "funding"}


def test_equity_is_that_of_the_lines_on_show(folder: Folder) -> None:
    scopes = (PORTFOLIO, Scope(ScopeKind.SLEEVE, "breakout"), Scope(ScopeKind.BOT, BOT))
    period = Period(BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 5 * DAY_MS)
    engine = open_reader(f"sqlite:///{folder('seeded') / seeding.FILE}")
    for chosen in (scopes[:1], scopes[1:2], scopes[2:], scopes):
        with engine.connect() as connection:
            marks = load_equity(connection, 1, chosen, *period)
        books = equity_books(chosen, period, marks)
        rows = taken(folder("seeded"), books)
        kinds = {scope.kind.name for scope in chosen}
        assert {row["scope_kind"] for row in rows} == kinds
        if len(chosen) == 1:
            assert [(row["last_ms"], row["equity"]) for row in rows] == list(
                zip(marks["time_ms"].tolist(), marks["equity"].tolist(), strict=True)
            )
            assert len(rows) > 40
    engine.dispose()


def test_candles_and_weights_are_those_on_show(folder: Folder) -> None:
    start_ms, end_ms = BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 5 * DAY_MS
    engine = open_reader(f"sqlite:///{folder('seeded') / seeding.FILE}")
    with engine.connect() as connection:
        candles = load_candles(connection, 1, BOT, start_ms, end_ms)
        weights = load_weights(connection, 1, ScopeKind.SLEEVE)
    engine.dispose()
    rows = taken(folder("seeded"), Books("candles", Filters(start_ms, end_ms, bots=(BOT,))))
    # Without the bar that never came.
    assert len(rows) == len(candles) == 47
    assert_same(rows, candles)
    rows = taken(folder("seeded"), Books("allocations", scope_kinds=("SLEEVE",)))
    assert len(rows) == len(weights) == 3
    assert_same(rows, weights.drop(columns=["share", "sleeve"]))


def test_nothing_is_drawn_without_saying_what_its_rows_are() -> None:
    with pytest.raises(TypeError, match="source"):
        tables.table(DataFrame(), (), "key")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="source"):
        live_chart.live_chart(None, "key", "label")  # type: ignore[call-arg]


def drawn_past_us(source: str) -> list[str]:
    """Name what a module draws by itself that is a table or a chart."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and DRAWS.match(node.attr) and isinstance(node.value, ast.Name):
            found += [node.attr] if node.value.id in ("st", "streamlit") else []
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamlit"):
            found += [name.name for name in node.names if DRAWS.match(name.name)]
        elif isinstance(node, ast.Attribute) and node.attr == "component":
            found.append("component")
    return found


def test_no_page_draws_a_table_or_chart_of_its_own() -> None:
    modules = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "dashboard").rglob("*.py")}
    assert len(modules) > 50
    assert {
        name: found for name, text in modules.items() if (found := drawn_past_us(text)) and name not in OUR_OWN
    } == {}
    assert all(drawn_past_us(modules[name]) for name in OUR_OWN)


@pytest.mark.parametrize(
    "line",
    [
        "st.dataframe(frame)",
        "st.plotly_chart(figure)",
        "from streamlit import line_chart",
        "st.components.v2.component()",
    ],
)
def test_the_look_out_sees(line: str) -> None:
    assert drawn_past_us(f"import streamlit as st\n{line}")


def test_the_walk_finds_a_table_whose_download_is_not_drawn(
    folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "download", lambda key, source, *more: None)
    assert len(without_download(open_page(folder("seeded"), "control"))) == 4


def test_the_walk_finds_a_download_without_json(
    folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MEDIA_TYPES", {"csv": "text/csv"})
    assert len(without_download(open_page(folder("seeded"), "control"))) == 4
