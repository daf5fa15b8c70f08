"""Returns over days and months, rolling Sharpe ratio, correlation of bots, costs against what was made."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    CENTS,
    DIVERGING,
    GAIN,
    LOSS,
    NEUTRAL,
    PALETTE,
    TIME,
    WARNING,
    day_axis,
    empty_figure,
    milliseconds,
    money_axis,
    new_figure,
    plain_all,
)
from shared.money import Money
from shared.units import DAY_MS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def monthly_figure(frame: DataFrame) -> go.Figure:
    """Draw the return of each month, a row per year (`monthly_returns`)."""
    if not len(frame):
        return empty_figure("No month has a day with a return yet.", "monthly", 200)
    years = sorted(set(frame["year"].tolist()))
    shown = np.full((len(years), 12), np.nan)
    days = np.full((len(years), 12), np.nan)
    for year, month, value, count in frame[["year", "month", "return_fraction", "days"]].itertuples(index=False):
        shown[years.index(year), month - 1] = value
        days[years.index(year), month - 1] = count
    reach = max(float(np.nanmax(np.abs(shown))), 1e-9)
    figure = new_figure("monthly", 110 + 40 * len(years), hovermode="closest")
    figure.add_trace(
        go.Heatmap(
            z=shown,
            x=list(MONTHS),
            y=[str(year) for year in years],
            customdata=days,
            colorscale=DIVERGING,
            zmin=-reach,
            zmax=reach,
            showscale=False,
            xgap=2,
            ygap=2,
            texttemplate="%{z:+.2%}",
            hoverongaps=False,
            hovertemplate="%{x} %{y}: %{z:+.2%}, n = %{customdata:.0f} days<extra></extra>",
        )
    )
    figure.update_layout(yaxis={"type": "category", "autorange": "reversed"}, xaxis={"side": "top"})
    return figure


def sharpe_figure(frame: DataFrame, days: int = 30) -> go.Figure:
    """Draw the rolling Sharpe ratio of so many days each (`rolling_sharpe`)."""
    known = frame[frame["sharpe_ratio"].notna()] if len(frame) else frame
    if not len(known):
        return empty_figure(f"A rolling Sharpe ratio needs {days} daily returns that vary.", "sharpe")
    days = int(known["days"].iloc[0])
    time_ms, values = milliseconds(known["time_ms"]), known["sharpe_ratio"].to_numpy(np.float64)
    # An axis of one point has no extent of its own.
    span = {"range": [time_ms[0] - DAY_MS, time_ms[0] + DAY_MS]} if len(known) == 1 else {}
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    room = 0.1 * max(high - low, 1.0)
    figure = new_figure("sharpe", xaxis=day_axis(**span), showlegend=False)
    figure.add_trace(
        go.Scatter(
            x=time_ms,
            y=values,
            name="Sharpe ratio",
            mode="lines" if len(known) > 1 else "markers",
            marker={"color": PALETTE[0], "size": 8},
            line={"color": PALETTE[0], "width": 2},
            xhoverformat=TIME,
            hovertemplate="%{y:.2f}<extra></extra>",
        )
    )
    figure.add_hline(0.0, line={"color": NEUTRAL, "width": 1})
    title = {"text": f"Sharpe ratio, n = {days} days each"}
    figure.update_layout(yaxis={"title": title, "tickformat": ".1f", "range": [low - room, high + room]})
    return figure


def correlation_figure(frame: DataFrame) -> go.Figure:
    """Draw how much the daily returns of bots move together (`load_correlations`)."""
    if not len(frame) or frame.isna().all(axis=None):
        return empty_figure("Correlations need at least 5 days on which two bots moved.", "correlation", 460)
    names = plain_all(frame.index)
    figure = new_figure("correlation", 200 + 18 * len(names), hovermode="closest")
    figure.add_trace(
        go.Heatmap(
            z=frame.to_numpy(np.float64),
            x=names,
            y=names,
            colorscale=DIVERGING,
            zmin=-1.0,
            zmax=1.0,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="%{y} with %{x}: %{z:+.2f}<extra></extra>",
        )
    )
    said = f"daily returns, n = {frame.attrs.get('days', 0):,} days"
    if frame.attrs.get("left_out"):
        said += f"; {frame.attrs['left_out']:,} more bots are not shown"
    figure.update_layout(
        xaxis={"type": "category", "title": {"text": said}, "automargin": True},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def costs_figure(
    frame: DataFrame, by: str = "sleeve", counted: Money = CENTS, title: str = "since the books began"
) -> go.Figure:
    """Draw gross profit, fees and funding side by side, and what was left (`load_costs`), by sleeve, bot or symbol."""
    if not len(frame):
        return empty_figure("The books are not open yet: start the worker (make run).", "costs")
    sums = frame.groupby(by, sort=False)[["gross_profit", "fees", "funding", "profit"]].sum()
    figure = new_figure("costs", barmode="group")
    columns = (
        ("gross_profit", "gross profit", GAIN, 1.0),
        ("fees", "fees", LOSS, -1.0),
        ("funding", "funding", WARNING, 1.0),
        ("profit", "profit", NEUTRAL, 1.0),
    )
    for column, name, colour, sign in columns:
        figure.add_trace(
            go.Bar(
                x=plain_all(sums.index),
                y=sign * sums[column].to_numpy(),
                name=name,
                marker={"color": colour},
                hovertemplate=f"%{{fullData.name}}: %{{y:{counted.signed_form}}}<extra></extra>",
            )
        )
    figure.update_layout(xaxis={"type": "category", "automargin": True}, yaxis=money_axis(title, counted))
    return figure
