"""One bot: candles with what its strategy looks at, entries, exits and protection; band and exposure beneath."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame
from plotly.subplots import make_subplots

from dashboard.figures.theme import (
    CENTS,
    GAIN,
    LOSS,
    NEUTRAL,
    PALETTE,
    PRICE,
    QUANTITY,
    TIME,
    WARNING,
    empty_figure,
    faded,
    milliseconds,
    plain,
    style,
    time_axis,
)
from shared.enums import Leg
from shared.money import Money
from shared.words import words

# How each kind of fill looks: shape tells entries from exits, direction and colour long from short. A reversal is an
# exit and an entry at one price: a triangle in a circle.
_SOLID = {"size": 11, "line": {"width": 1, "color": "white"}}
_RING = {"size": 18, "line": {"width": 2.5}}
MARKERS = {
    "EXIT_LONG": ("exit of a long", {"symbol": "circle-open", "color": GAIN, **_RING}),
    "EXIT_SHORT": ("exit of a short", {"symbol": "circle-open", "color": LOSS, **_RING}),
    "ENTRY_LONG": ("entry, long", {"symbol": "triangle-up", "color": GAIN, **_SOLID}),
    "ENTRY_SHORT": ("entry, short", {"symbol": "triangle-down", "color": LOSS, **_SOLID}),
}
# Of the lines of a strategy; two that are the ends of one band have one colour.
_LINE_COLOURS = (PALETTE[2], PALETTE[7], PALETTE[10], PALETTE[3])
_ENDS = ("_high", "_low")
_HEIGHT_PX = 520


def candles_figure(
    candles: DataFrame,
    fills: DataFrame,
    protection: DataFrame,
    decisions: DataFrame,
    lines: DataFrame,
    counted: Money = CENTS,
    trade: tuple[int, int] | None = None,
) -> go.Figure:
    """Draw a bot's candles, its strategy's lines, fills and protective levels, and beneath its band and exposure.

    Frames are those of `load_candles`, `load_bot_fills`, `load_protection`, `load_decisions` and `load_lines`. Without
    candles the fills are drawn alone, and the figure says what is missing. `trade` is shaded, from its opening to its
    close in ms.
    """
    if not len(candles) and not len(fills) and not len(decisions):
        return empty_figure(
            "This bot has neither candles, fills nor decisions yet: they come with its steps.", "candles"
        )
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.04)
    style(figure, "candles", _HEIGHT_PX, hovermode="closest")
    add_candles(figure, candles)
    _add_lines(figure, lines)
    _add_protection(figure, _within(protection, candles))
    _add_fills(figure, _within(fills, candles), counted)
    _add_exposure(
        figure, _within(decisions, candles, "until_ms"), int(candles["open_ms"].iloc[0]) if len(candles) else None
    )
    if trade is not None:
        shade = {"xref": "x", "x0": float(trade[0]), "x1": float(trade[1]), "y0": 0.0, "y1": 1.0, "yref": "paper"}
        figure.add_shape(type="rect", layer="below", line={"width": 0}, fillcolor=faded(NEUTRAL, 0.18), **shade)
    if not len(candles):
        missing = "No candles of this market are kept: only fills are drawn."
        figure.add_annotation(text=missing, x=0.5, y=1.0, xref="paper", yref="paper", showarrow=False)
    figure.update_layout(
        xaxis=time_axis(title={"text": ""}, rangeslider={"visible": False}),
        xaxis2=time_axis(),
        yaxis={"title": {"text": "price"}, "automargin": True, "tickformat": ",~r"},
        yaxis2={"title": {"text": "exposure"}, "range": [-1.1, 1.1], "tickvals": [-1, 0, 1]},
    )
    return figure


def add_candles(figure: go.Figure, candles: DataFrame) -> None:
    """Add candles to the first, or only, plot of a figure."""
    if not len(candles):
        return
    figure.add_trace(
        go.Candlestick(
            x=milliseconds(candles["open_ms"]),
            **{name: candles[name].to_numpy() for name in ("open", "high", "low", "close")},
            name="candles",
            increasing={"line": {"color": GAIN, "width": 1}, "fillcolor": "rgba(0,0,0,0)"},
            decreasing={"line": {"color": NEUTRAL, "width": 1}, "fillcolor": NEUTRAL},
            xhoverformat=TIME,
            showlegend=False,
            xaxis="x",
            yaxis="y",
        )
    )


def _add_lines(figure: go.Figure, lines: DataFrame) -> None:
    colours: dict[str, str] = {}
    for name, own in lines.groupby("line", sort=False):
        stem = next((str(name).removesuffix(end) for end in _ENDS if str(name).endswith(end)), str(name))
        colour = colours.setdefault(stem, _LINE_COLOURS[len(colours) % len(_LINE_COLOURS)])
        figure.add_trace(
            go.Scatter(
                x=milliseconds(own["time_ms"]),
                y=own["price"].to_numpy(),
                name=plain(str(name).replace("_", " ")),
                mode="lines",
                line={"color": colour, "width": 1.1},
                xhoverformat=TIME,
                hovertemplate=f"%{{fullData.name}} %{{y:{PRICE}}}<br>%{{x}}<extra></extra>",
            ),
            row=1,
            col=1,
        )


def _add_protection(figure: go.Figure, protection: DataFrame) -> None:
    lines = (
        ("stop_price", "stop", LOSS, "dot"),
        ("trailing_price", "trailing stop", WARNING, "dash"),
        ("target_price", "target", GAIN, "dot"),
    )
    for column, name, colour, dash in lines:
        if not len(protection) or protection[column].isna().all():
            continue
        times, values = _broken(protection, column)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=values,
                name=name,
                mode="lines",
                line={"color": colour, "width": 1.3, "dash": dash, "shape": "hv"},
                xhoverformat=TIME,
                hovertemplate=f"%{{fullData.name}} %{{y:{PRICE}}}<br>%{{x}}<extra></extra>",
            ),
            row=1,
            col=1,
        )


def _broken(protection: DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Give the line of each position with a gap before the next."""
    ends = np.flatnonzero(np.diff(protection["position"].to_numpy())) + 1
    times = np.insert(milliseconds(protection["time_ms"]), ends, np.nan)
    return times, np.insert(protection[column].to_numpy(np.float64), ends, np.nan)


def _add_fills(figure: go.Figure, fills: DataFrame, counted: Money) -> None:
    said = _said(fills)
    for kind, (name, marker) in MARKERS.items():
        is_own = fills["kind"] == kind
        own = fills[is_own]
        if not len(own):
            continue
        shown = (own["quantity"], own["fee"], own["trigger"].map(words), said[is_own])
        figure.add_trace(
            go.Scatter(
                x=milliseconds(own["time_ms"]),
                y=own["price"].to_numpy(),
                name=name,
                mode="markers",
                marker=marker,
                customdata=np.stack(shown, axis=1).tolist(),
                xhoverformat=TIME,
                hovertemplate=(
                    f"%{{customdata[3]}} at %{{y:{PRICE}}}<br>%{{x}}<br>quantity %{{customdata[0]:{QUANTITY}}}, "
                    f"fee %{{customdata[1]:{counted.finer(2).form}}}, %{{customdata[2]}}<extra></extra>"
                ),
            ),
            row=1,
            col=1,
        )


def _said(fills: DataFrame) -> np.ndarray:
    """Name each fill; of a reversal, whose exit and entry lie one over the other, both."""
    said = np.array([MARKERS[kind][0] for kind in fills["kind"]], object)
    opens, times_ms = (fills["leg"] == Leg.OPEN.name).to_numpy(), fills["time_ms"].to_numpy()
    for at in np.flatnonzero(~opens[:-1] & opens[1:] & (times_ms[:-1] == times_ms[1:])):
        said[at] = said[at + 1] = f"reversal: {said[at]}, then {said[at + 1]}"
    return said


def _within(frame: DataFrame, candles: DataFrame, column: str = "time_ms") -> DataFrame:
    """Leave out what was before the first candle shown."""
    return frame[frame[column] >= candles["open_ms"].iloc[0]] if len(candles) else frame


def _add_exposure(figure: go.Figure, decisions: DataFrame, begin_ms: int | None) -> None:
    if not len(decisions):
        return
    # Decisions hold from the close of their bar on: the chart shows them where they were taken.
    times = milliseconds(np.stack([decisions["from_ms"].clip(lower=begin_ms), decisions["until_ms"]], axis=1).ravel())
    lines = (
        ("low", "band", {"color": GAIN, "width": 1}, None),
        ("high", "band", {"color": GAIN, "width": 1}, "tonexty"),
        ("confirmed", "confirmed exposure", {"color": LOSS, "width": 2.5}, None),
    )
    for column, name, line, fill in lines:
        values = np.repeat(decisions[column].to_numpy(np.float64), 2)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=values,
                name=name,
                mode="lines",
                line=line,
                fill=fill,
                fillcolor=faded(GAIN, 0.2),
                showlegend=column != "low",
                xhoverformat=TIME,
                hovertemplate=f"{name} {column if name == 'band' else ''} %{{y:.2f}}<br>%{{x}}<extra></extra>",
            ),
            row=2,
            col=1,
        )
