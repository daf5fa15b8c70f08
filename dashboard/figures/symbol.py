"""One symbol: its candles with the entries and exits of all bots."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.bot import MARKERS, add_candles
from dashboard.figures.theme import (
    CENTS,
    PRICE,
    QUANTITY,
    TIME,
    empty_figure,
    milliseconds,
    new_figure,
    plain_all,
    time_axis,
)
from shared.money import Money

_HEIGHT_PX = 440


def trades_figure(candles: DataFrame, fills: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw candles (`load_symbol_candles`) and the fills of all bots (`load_symbol_fills`); hovering names the bot."""
    if not len(candles) and not len(fills):
        return empty_figure("Nothing was traded here in this period, and no candles of it are kept.", "symbol")
    axes = {
        "xaxis": time_axis(rangeslider={"visible": False}),
        "yaxis": {"title": {"text": "price"}, "automargin": True, "tickformat": ",~r"},
    }
    figure = new_figure("symbol", _HEIGHT_PX, hovermode="closest", **axes)
    add_candles(figure, candles)
    for kind, (name, marker) in MARKERS.items():
        own = fills[fills["kind"] == kind]
        if len(own):
            figure.add_trace(_marks(own, name, marker, counted))
    return figure


def _marks(fills: DataFrame, name: str, marker: dict, counted: Money) -> go.Scatter:
    said = [plain_all(fills["bot"]), fills["quantity"], fills["fee"], fills["trigger"], fills["crossed"]]
    return go.Scatter(
        x=milliseconds(fills["time_ms"]),
        y=fills["price"].to_numpy(),
        name=name,
        mode="markers",
        marker=marker,
        customdata=np.stack([np.asarray(column, object) for column in said], axis=1).tolist(),
        xhoverformat=TIME,
        hovertemplate=(
            f"%{{customdata[0]}}: %{{fullData.name}} at %{{y:{PRICE}}}<br>%{{x}}<br>quantity "
            f"%{{customdata[1]:{QUANTITY}}}, of it crossed in house %{{customdata[4]:{QUANTITY}}}<br>fee "
            f"%{{customdata[2]:{counted.finer(2).form}}}, %{{customdata[3]}}<extra></extra>"
        ),
    )
