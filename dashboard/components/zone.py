"""UTC, or the time of the person's own clock: one switch for every screen."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

KEY = "local_time"
UTC = "UTC"


def zone() -> str:
    """Give the zone times are shown in."""
    return _own() if st.session_state.get(KEY) else UTC


def zone_switch() -> None:
    """Draw the switch between UTC and local time."""
    own = _own()
    st.toggle(f"Local time ({own})", key=KEY, disabled=own == UTC, help="Times are UTC; exports always are.")


def in_zone(figure: go.Figure) -> go.Figure:
    """Give a figure whose time axes, made in ms UTC, show the zone of the switch."""
    name = zone()
    for axis in figure.select_xaxes():
        if axis.type == "date" and axis.title.text is None:
            axis.title.text = name
    if name == UTC:
        return figure
    dated = {axis.plotly_name.replace("axis", "") for axis in figure.select_xaxes() if axis.type == "date"}
    for trace in figure.data:
        if (getattr(trace, "xaxis", None) or "x") in dated and getattr(trace, "x", None) is not None:
            trace.x = _shifted(trace.x, name)
    for shape in (*figure.layout.shapes, *figure.layout.annotations):
        for end in ("x", "x0", "x1"):
            if shape.xref in dated and isinstance(getattr(shape, end, None), int | float):
                shape[end] = float(_shifted([shape[end]], name)[0])
    return figure


def _shifted(times_ms: Any, name: str) -> np.ndarray:
    """Give what a wall clock of the zone shows, as if it were UTC: browsers draw times as written."""
    times = pd.to_datetime(np.asarray(times_ms, dtype=float), unit="ms", utc=True).tz_convert(name).tz_localize(None)
    return times.to_numpy().astype("datetime64[ms]").astype(float)


def _own() -> str:
    name = st.context.timezone or UTC
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
    return name
