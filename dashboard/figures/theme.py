"""Colours that people with any colour vision tell apart, and what all figures have in common."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

# Okabe and Ito (2008) without black and yellow, which vanish on one of the two backgrounds; then the colours furthest
# from all before them for every kind of colour vision that are still seen on both (a test measures it).
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#8800FF",
    "#773311",
    "#5A5A68",
    "#99BB66",
    "#BB55FF",
    "#3333BB",
)
# Gain and loss, long and short differ in lightness and hue; where it matters in shape or side of the axis too.
GAIN, LOSS, NEUTRAL, WARNING = "#0072B2", "#D55E00", "#888888", "#E69F00"
# For maps around 0: loss, nothing, gain. The middle is opaque, so that the text plotly chooses for it is seen.
DIVERGING = ((0.0, LOSS), (0.5, "#C8C8C8"), (1.0, GAIN))
TIME = "%Y-%m-%d %H:%M UTC"
PERCENT = ".2%"
HEIGHT_PX = 320


def new_figure(revision: str, height_px: int = HEIGHT_PX, **layout: Any) -> go.Figure:
    """Make a figure without a theme; `revision` keeps zoom and selection while only the numbers change."""
    figure = go.Figure()
    style(figure, revision, height_px, **layout)
    return figure


def style(figure: go.Figure, revision: str, height_px: int = HEIGHT_PX, **layout: Any) -> None:
    """Give a figure what all have in common."""
    common = {
        "template": None,
        "uirevision": revision,
        "height": height_px,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE),
        "margin": {"l": 56, "r": 16, "t": 24, "b": 44},
        "hovermode": "x unified",
        "hoverlabel": {"namelength": -1},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0},
    }
    figure.update_layout({**common, **layout})


def time_axis(**more: Any) -> dict[str, Any]:
    """Describe an axis of times in float64 ms."""
    return {"type": "date", "title": {"text": "UTC"}, "hoverformat": TIME, **more}


def percent_axis(title: str, **more: Any) -> dict[str, Any]:
    """Describe an axis of fractions, shown as percent."""
    return {"title": {"text": title}, "tickformat": ".1~%", "hoverformat": PERCENT, "automargin": True, **more}


def money_axis(title: str, quote: str, **more: Any) -> dict[str, Any]:
    """Describe an axis of money."""
    name = f"{title}, {plain(quote)}" if quote else title
    return {"title": {"text": name}, "tickformat": "~s", "hoverformat": ",.2f", "automargin": True, **more}


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
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def signed_colours(values: Iterable[float]) -> list[str]:
    """Give gains and losses their colours."""
    return [GAIN if value > 0.0 else LOSS if value < 0.0 else NEUTRAL for value in values]
