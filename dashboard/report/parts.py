"""What sections are made of: tiles, tables, charts, and sentences that say what is missing."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
import plotly.io

from dashboard.report.html import Html, element, joined


class Tile(NamedTuple):
    """One figure with what it is called and what it is measured against."""

    label: str
    value: str
    about: str = ""
    sign: float | None = None


class Column(NamedTuple):
    """A column of a table; numbers stand to the right."""

    title: str
    is_number: bool = True


def section(title: str, *children: object, about: str | None = None) -> Html:
    """Make a section under a heading."""
    said = element("p", about, class_="about") if about else None
    return element("section", element("h2", title), said, *children)


def tiles(title: str, *drawn: Tile) -> Html:
    """Make a row of figures under a small heading."""
    boxes = [
        element(
            "div",
            element("dt", tile.label),
            element("dd", tile.value, class_=_signed(tile.sign)),
            element("dd", tile.about, class_="about") if tile.about else None,
        )
        for tile in drawn
    ]
    return element("div", element("h3", title), element("dl", *boxes, class_="tiles"))


def chart(figure: go.Figure, label: str, caption: str | None = None) -> Html:
    """Make a place for a figure, drawn when the file is opened; `label` says what it shows."""
    drawn = plotly.io.to_json(figure, validate=False)
    # Within a script element nothing but the end of it has a meaning to HTML.
    safe = drawn.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    height = f"min-height:{figure.layout.height or 320:.0f}px"
    return element(
        "figure",
        element("div", class_="chart", role="img", aria_label=label, style=height),
        element("script", Html(safe), type="application/json"),
        element("figcaption", caption) if caption else None,
    )


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    label: str,
    total: bool = False,
    even: bool = False,
) -> Html:
    """Make a table, which scrolls within itself where it is too wide.

    `total` sets its last row apart; `even` makes columns of one width, so that tables below each other line up.
    """
    kinds = ["number" if column.is_number else None for column in columns]
    head = [element("th", column.title, scope="col", class_=kind) for column, kind in zip(columns, kinds, strict=True)]
    body = [joined(*(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows]
    last = len(body) - 1 if total else -1
    lines = [element("tr", row, class_="total" if at == last else None) for at, row in enumerate(body)]
    kind = "even" if even else None
    whole = element("table", element("thead", element("tr", *head)), element("tbody", *lines), class_=kind)
    return element("div", whole, class_="wide", role="region", aria_label=label, tabindex="0")


def signed(text: str, value: float) -> Html:
    """Write a figure in the colour of its sign, which the text carries too."""
    return element("span", text, class_=_signed(value))


def missing(title: str, how: str) -> Html:
    """Say what is not there, and why."""
    return element("p", element("strong", title), ". ", how, class_="missing")


def note(*children: object) -> Html:
    """Make a remark."""
    return element("p", *children, class_="note")


def interval(rate: float, low: float, high: float) -> Html:
    """Draw a rate within its interval, from 0 to 100%, with a mark at one half."""
    if not all(math.isfinite(value) for value in (rate, low, high)):
        return Html("")
    at, left, width = 100 * rate, 100 * low, max(100 * (high - low), 1.0)
    return element(
        "svg",
        element("rect", x=0, y=5.5, width=100, height=1, class_="track"),
        element("rect", x=49.7, y=2, width=0.6, height=8, class_="track"),
        element("rect", x=f"{left:.1f}", y=3.5, width=f"{width:.1f}", height=5, rx=2.5, class_="band"),
        element("circle", cx=f"{at:.1f}", cy=6, r=3, class_="rate"),
        viewBox="-4 0 108 12",
        class_="interval",
        aria_hidden="true",
    )


def _cell(cell: object, kind: str | None) -> Html:
    return element("td", cell, class_=kind)


def _signed(value: float | None) -> str | None:
    if value is None or not math.isfinite(value) or value == 0.0:
        return None
    return "gain" if value > 0.0 else "loss"
