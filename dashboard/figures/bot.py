"""One bot: candles with entries, exits and protection, the band and confirmed exposure beneath."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame
from plotly.subplots import make_subplots

from dashboard.figures.theme import (
    CENTS,
    GAIN,
    LOSS,
    NEUTRAL,
    PRICE,
    QUANTITY,
    TIME,
    WARNING,
    empty_figure,
    faded,
    milliseconds,
    style,
    time_axis,
)
from shared.money import Money

# How each kind of fill looks: shape tells entries from exits, direction and colour long from short.
MARKERS = {
    "ENTRY_LONG": ("entry, long", "triangle-up", GAIN),
    "ENTRY_SHORT": ("entry, short", "triangle-down", LOSS),
    "EXIT_LONG": ("exit of a long", "x", GAIN),
    "EXIT_SHORT": ("exit of a short", "x", LOSS),
}
_HEIGHT_PX = 520


def candles_figure(
    candles: DataFrame, fills: DataFrame, protection: DataFrame, decisions: DataFrame, counted: Money = CENTS
) -> go.Figure:
    """Draw a bot's candles, fills and protective levels, and beneath its band and confirmed exposure.

    Frames are those of `load_candles`, `load_bot_fills`, `load_protection` and `load_decisions`. Without candles the
    fills are drawn alone, and the figure says what is missing.
    """
    if not len(candles) and not len(fills) and not len(decisions):
        return empty_figure(
            "This bot has neither candles, fills nor decisions yet: they come with its steps.", "candles"
        )
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.04)
    style(figure, "candles", _HEIGHT_PX, hovermode="closest")
    _add_candles(figure, candles)
    _add_protection(figure, _within(protection, candles))
    _add_fills(figure, _within(fills, candles), counted)
    _add_exposure(figure, _within(decisions, candles, "until_ms"))
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


def _add_candles(figure: go.Figure, candles: DataFrame) -> None:
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
        ),
        row=1,
        col=1,
    )


def _add_protection(figure: go.Figure, protection: DataFrame) -> None:
    lines = (("stop_price", "stop", LOSS, "dot"), ("trailing_price", "trailing stop", WARNING, "dash"))
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
    for kind, (name, symbol, colour) in MARKERS.items():
        own = fills[fills["kind"] == kind]
        if not len(own):
            continue
        figure.add_trace(
            go.Scatter(
                x=milliseconds(own["time_ms"]),
                y=own["price"].to_numpy(),
                name=name,
                mode="markers",
                marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1, "color": "white"}},
                customdata=np.stack([own["quantity"], own["fee"], own["trigger"]], axis=1).tolist(),
                xhoverformat=TIME,
                hovertemplate=(
                    f"%{{fullData.name}} at %{{y:{PRICE}}}<br>%{{x}}<br>quantity %{{customdata[0]:{QUANTITY}}}, "
                    f"fee %{{customdata[1]:{counted.finer(2).form}}}, %{{customdata[2]}}<extra></extra>"
                ),
            ),
            row=1,
            col=1,
        )


def _within(frame: DataFrame, candles: DataFrame, column: str = "time_ms") -> DataFrame:
    """Leave out what was before the first candle shown."""
    return frame[frame[column] >= candles["open_ms"].iloc[0]] if len(candles) else frame


def _add_exposure(figure: go.Figure, decisions: DataFrame) -> None:
    if not len(decisions):
        return
    # Decisions hold from the close of their bar on: the chart shows them where they were taken.
    times = milliseconds(np.stack([decisions["from_ms"], decisions["until_ms"]], axis=1).ravel())
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
