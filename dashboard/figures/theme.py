"""Colours that people with any colour vision tell apart, and what all figures have in common."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from shared.money import Money

# Each has a contrast of 3 or more with both of Streamlit's backgrounds, which leaves a narrow band of lightness; within
# it, these are as far from one another as a search found for all kinds of colour vision (tests measure both). The
# order is that of being furthest from those before, so that the first few differ most.
PALETTE = (
    "#1E88E5",
    "#C08A00",
    "#8808FF",
    "#775E5E",
    "#A24C33",
    "#8890C4",
    "#AA22B2",
    "#F600A2",
    "#DD774C",
    "#999077",
    "#4C6E88",
    "#BB4400",
)
# Gain and loss, long and short differ in lightness and hue; where it matters in shape or side of the axis too.
GAIN, LOSS, NEUTRAL, WARNING = "#1E88E5", "#BB4400", "#808080", "#C08A00"
# For maps around 0: loss, nothing, gain. The middle is opaque, so that the text plotly chooses for it is seen.
DIVERGING = ((0.0, LOSS), (0.5, "#C8C8C8"), (1.0, GAIN))
TIME = "%Y-%m-%d %H:%M UTC"
# What is told by UTC days stays so where the screen shows another zone: such an axis is called by this name.
UTC_DAYS = "UTC days"
PERCENT = ".2%"
SIGNED_PERCENT = "+.2%"
# The size of what is written behind bars, and how wide a letter of it is at most.
SMALL_PX, LETTER_PX = 11, 6.4
HEIGHT_PX = 320
# Of no name, written with two decimals.
CENTS = Money()
# A price in plain digits, never as a power of ten.
PRICE = ",.6~r"
# A signed quantity to its last step.
QUANTITY = "+.15~r"
# What every chart is drawn with, set in the script itself, so that none is forgotten. As plotly comes, a chart has a
# button that uploads it and a logo that leads to its maker, and fetches maps from there.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "plotlyServerURL": "",
    "showSendToCloud": False,
    "topojsonURL": "/app/static/",
}
# So many bars of a name each are read one by one, and drawn in a moment; the table beside them has all.
MOST_BARS = 40


def new_figure(revision: str, height_px: int = HEIGHT_PX, **layout: Any) -> go.Figure:
    """Make a figure without a theme; `revision` keeps zoom and selection while only the numbers change."""
    # Handed over at once: `update_layout` takes ten times as long, for each session that looks on.
    figure = go.Figure(layout={**_common(revision, height_px), **layout})
    figure.layout.template = None
    return figure


def style(figure: go.Figure, revision: str, height_px: int = HEIGHT_PX, **layout: Any) -> None:
    """Give a figure what all have in common."""
    figure.layout.template = None
    figure.layout = {**figure.layout.to_plotly_json(), **_common(revision, height_px), **layout}
    figure.layout.template = None


def _common(revision: str, height_px: int) -> dict[str, Any]:
    return {
        "uirevision": revision,
        "height": height_px,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE),
        "margin": {"l": 56, "r": 16, "t": 36, "b": 44},
        "hovermode": "x unified",
        "hoverlabel": {"namelength": -1},
        # Beneath the chart: above it, on a phone, its buttons would lie over the names.
        "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0.0, "x": 0.0},
    }


def time_axis(**more: Any) -> dict[str, Any]:
    """Describe an axis of times in float64 ms."""
    return {"type": "date", "title": {"text": "UTC"}, "hoverformat": TIME, **more}


def day_axis(**more: Any) -> dict[str, Any]:
    """Describe an axis of times in float64 ms that tell UTC days apart."""
    return time_axis(title={"text": UTC_DAYS}, **more)


def percent_axis(title: str, **more: Any) -> dict[str, Any]:
    """Describe an axis of fractions, shown as percent."""
    return {"title": {"text": title}, "tickformat": ".1~%", "hoverformat": PERCENT, "automargin": True, **more}


def money_axis(title: str, counted: Money, is_short: bool = True, **more: Any) -> dict[str, Any]:
    """Describe an axis of money; `is_short` writes thousands as 1k."""
    name = f"{title}, {plain(counted.quote)}" if counted.quote else title
    ticks = "~s" if is_short and counted.digits <= CENTS.digits else f",.{counted.digits}~f"
    return {"title": {"text": name}, "tickformat": ticks, "hoverformat": counted.form, "automargin": True, **more}


def among(shown: int, whole: int, which: str) -> str:
    """Say how many of the rows a chart shows, where it is not all of them: `, the 40 furthest off of 528`."""
    return f", the {shown:,} {which} of {whole:,}" if shown < whole else ""


def empty_figure(message: str, revision: str = "empty", height_px: int = HEIGHT_PX) -> go.Figure:
    """Make the figure of nothing: it says what is missing, and how to get it."""
    figure = new_figure(revision, height_px, hovermode=False)
    hidden = {"visible": False, "fixedrange": True, "range": [0, 1]}
    figure.update_layout(xaxis=hidden, yaxis=hidden)
    figure.add_annotation(
        text=plain(message), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14}
    )
    return figure


def plain(text: object) -> str:
    """Make stored text safe for names, labels and hover texts, which plotly reads as markup."""
    return html.escape(str(text), quote=False)


def plain_all(texts: Iterable[object]) -> list[str]:
    """Do `plain` for each."""
    return [plain(text) for text in texts]


def milliseconds(times_ms: Any) -> np.ndarray:
    """Give times as plotly packs them: int64 would be sent as text."""
    return np.asarray(times_ms, np.float64)


def colour_of(names: Sequence[str]) -> dict[str, str]:
    """Give each name a colour, by its place: the same names always look the same."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(names)}


def faded(colour: str, opacity: float) -> str:
    """Give a `#rrggbb` colour with an opacity."""
    red, green, blue = _channels(colour)
    return f"rgba({red},{green},{blue},{opacity})"


def write_behind(figure: go.Figure, ends: Iterable[float], rows: Sequence[str], texts: Sequence[str]) -> None:
    """Write a text to the right of each horizontal bar, in a margin made for the longest: never over names or bars."""
    common = {"showarrow": False, "xanchor": "left", "xshift": 6, "font": {"size": SMALL_PX}}
    notes = [{"x": end, "y": row, "text": text, **common} for end, row, text in zip(ends, rows, texts, strict=True)]
    room_px = 16 + LETTER_PX * max((len(text) for text in texts), default=0)
    figure.update_layout(annotations=[*figure.layout.annotations, *notes], margin={"r": room_px})


def diverging(value: float, reach: float) -> str:
    """Give the colour of a value between −reach and reach on the map around 0, as `#rrggbb`."""
    share = min(abs(value) / reach, 1.0) if reach > 0.0 else 0.0
    ends = zip(_channels(DIVERGING[1][1]), _channels(GAIN if value > 0.0 else LOSS), strict=True)
    return "#" + "".join(f"{round(middle + share * (end - middle)):02X}" for middle, end in ends)


def text_on(colour: str) -> str:
    """Give black or white, whichever is read better on a colour, whatever the theme of the page."""
    linear = [(channel / 255.0) ** 2.2 for channel in _channels(colour)]
    # At this luminance both have the same contrast.
    return "#000000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#FFFFFF"


def signed_colours(values: Iterable[float]) -> list[str]:
    """Give gains and losses their colours."""
    return [GAIN if value > 0.0 else LOSS if value < 0.0 else NEUTRAL for value in values]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
