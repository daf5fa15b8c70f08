"""Profit of each UTC day, week and month: as bars, and as a calendar."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.returns import MONTHS
from dashboard.figures.theme import (
    CENTS,
    DIVERGING,
    day_axis,
    empty_figure,
    milliseconds,
    money_axis,
    new_figure,
    signed_colours,
)
from shared.money import Money
from shared.units import DAY_MS, to_datetime

NOTHING = "No day of this period has a mark yet."
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Of each stretch the row and the column of its cell, and what the stretch is called.
_CELLS: dict[str, Callable[[datetime], tuple[str, str, str]]] = {
    "day": lambda day: (WEEKDAYS[day.weekday()], _week(day), f"{day:%Y-%m-%d}"),
    "week": lambda day: (f"{day.isocalendar().year}", f"{day.isocalendar().week:02d}", f"week of {day:%Y-%m-%d}"),
    "month": lambda day: (f"{day.year}", MONTHS[day.month - 1], f"{MONTHS[day.month - 1]} {day.year}"),
}
_BAR_DAYS = {"day": 0.8, "week": 5.6, "month": 24.0}


def profit_bars_figure(frame: DataFrame, by: str, counted: Money = CENTS) -> go.Figure:
    """Draw a bar for each stretch of `load_profit_by_time`; `by` is day, week or month."""
    if not len(frame):
        return empty_figure(NOTHING, "profit_bars", 240)
    figure = new_figure("profit_bars", 240, xaxis=day_axis(), yaxis=money_axis("profit", counted), showlegend=False)
    names = [_CELLS[by](to_datetime(from_ms))[2] for from_ms in frame["from_ms"].tolist()]
    figure.add_trace(
        go.Bar(
            # In the middle of its stretch, so that the bar stands over it.
            x=milliseconds(frame["from_ms"]) + _BAR_DAYS[by] / 1.6 * DAY_MS,
            y=frame["profit"].to_numpy(),
            width=_BAR_DAYS[by] * DAY_MS,
            name="profit",
            marker={"color": signed_colours(frame["profit"])},
            customdata=_said(frame, names),
            hovertemplate=_hover(counted),
        )
    )
    return figure


def profit_calendar_figure(frame: DataFrame, by: str, counted: Money = CENTS) -> go.Figure:
    """Draw a cell for each stretch of `load_profit_by_time`: days by week and weekday, others by year."""
    if not len(frame):
        return empty_figure(NOTHING, "profit_calendar", 200)
    cells = [_CELLS[by](to_datetime(from_ms)) for from_ms in frame["from_ms"].tolist()]
    rows = list(WEEKDAYS) if by == "day" else sorted({row for row, _, _ in cells})
    columns = list(MONTHS) if by == "month" else _columns(frame, by)
    shown = np.full((len(rows), len(columns)), np.nan)
    said = np.full((len(rows), len(columns), 5), None, dtype=object)
    for (row, column, _), profit, about in zip(
        cells, frame["profit"].tolist(), _said(frame, [name for _, _, name in cells]), strict=True
    ):
        place = rows.index(row), columns.index(column)
        shown[place], said[place] = profit, about
    reach = max(float(np.nanmax(np.abs(shown))), 1e-9)
    figure = new_figure("profit_calendar", 110 + 26 * len(rows), hovermode="closest")
    figure.add_trace(
        go.Heatmap(
            z=shown, x=columns, y=rows, customdata=said.tolist(), colorscale=DIVERGING, zmin=-reach, zmax=reach,
            showscale=False, xgap=2, ygap=2, hoverongaps=False, hovertemplate=_hover(counted, "z"),
        )
    )  # fmt: skip
    figure.update_layout(
        yaxis={"type": "category", "autorange": "reversed"}, xaxis={"type": "category", "side": "top", "nticks": 14}
    )
    return figure


def _columns(frame: DataFrame, by: str) -> list[str]:
    if by == "week":
        return [f"{week:02d}" for week in range(1, 54)]
    first_ms, last_ms = int(frame["from_ms"].iloc[0]), int(frame["from_ms"].iloc[-1])
    # Weeks in which nothing was marked have their place, too.
    return list(dict.fromkeys(_week(to_datetime(time_ms)) for time_ms in range(first_ms, last_ms + 1, DAY_MS)))


def _week(day: datetime) -> str:
    year, week, _ = day.isocalendar()
    return f"{year} W{week:02d}"


def _said(frame: DataFrame, names: list[str]) -> list[list[object]]:
    others = (frame[name].tolist() for name in ("return_fraction", "fees", "fills"))
    return [list(row) for row in zip(frame["days"].tolist(), names, *others, strict=True)]


def _hover(counted: Money, axis: str = "y") -> str:
    return (
        f"%{{customdata[1]}}: %{{{axis}:{counted.signed_form}}}, %{{customdata[2]:+.2%}}<br>after "
        f"%{{customdata[3]:{counted.form}}} of fees, %{{customdata[4]}} fills, n = %{{customdata[0]}} days"
        "<extra></extra>"
    )
