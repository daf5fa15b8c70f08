"""Charts in the zone of the switch: figures are made in UTC, and browsers draw times as they are written."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.components.zone import UTC
from dashboard.figures.theme import UTC_DAYS


def in_zone(figure: go.Figure, name: str) -> go.Figure:
    """Give a figure whose time axes, made in ms UTC, show another zone; axes of UTC days stay as they are.

    Each point is where a clock of the zone stood. In the hour in which clocks are set back, two hours lie over one
    another, as they do on the clock.
    """
    dated = {
        axis.plotly_name.replace("axis", ""): axis
        for axis in figure.select_xaxes()
        if axis.type == "date" and axis.title.text != UTC_DAYS
    }
    for axis in dated.values():
        axis.title.text = name if axis.title.text in (None, UTC) else axis.title.text
        axis.hoverformat = _said(axis.hoverformat, name)
    if name == UTC:
        return figure
    for axis in dated.values():
        if axis.range is not None:
            axis.range = clock_ms(axis.range, name).tolist()
    for trace in figure.data:
        if "x" in trace and trace.x is not None and (trace.xaxis or "x") in dated:
            trace.x = clock_ms(trace.x, name)
            trace.xhoverformat = _said(trace.xhoverformat, name)
            if "hovertemplate" in trace:
                trace.hovertemplate = _said(trace.hovertemplate, name)
    for drawn in (*figure.layout.shapes, *figure.layout.annotations):
        for end in ("x", "x0", "x1"):
            if drawn.xref in dated and end in drawn and isinstance(drawn[end], int | float):
                drawn[end] = float(clock_ms([drawn[end]], name)[0])
    return figure


def clock_ms(times_ms: Any, name: str) -> np.ndarray:
    """Give what a clock of the zone shows at times in ms, as if that were UTC; NaN stays NaN."""
    asked = np.asarray(times_ms, np.float64)
    known = ~np.isnan(asked)
    shown = np.full(len(asked), np.nan)
    times = pd.to_datetime(asked[known].astype(np.int64), unit="ms", utc=True).tz_convert(name).tz_localize(None)
    shown[known] = times.to_numpy().astype("datetime64[ms]").astype(np.int64)
    return shown


def _said(text: str | None, name: str) -> str | None:
    return text.replace(UTC, name) if text else text
