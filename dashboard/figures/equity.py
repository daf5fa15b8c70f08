"""Curves of equity, of drawdown, and of the day."""

from typing import Any

import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    CENTS,
    LOSS,
    NEUTRAL,
    PALETTE,
    PERCENT,
    SIGNED_PERCENT,
    TIME,
    empty_figure,
    faded,
    milliseconds,
    money_axis,
    new_figure,
    percent_axis,
    plain,
    time_axis,
)
from shared.money import Money
from shared.units import DAY_MS

NO_MARKS = "No equity has been marked yet: it comes with the worker's first step (make run)."
# A limit so many times further than the curve went would press it flat.
FAR = 1.5
HELD = "holding in equal parts"
MEASURES = {
    "equity": "equity",
    "profit": "profit (deposits left out)",
    "return_fraction": "return (deposits left out)",
}


def equity_figure(
    frame: DataFrame,
    measure: str = "profit",
    counted: Money = CENTS,
    portfolio_name: str = "portfolio",
    open_profit: bool = True,
    held: DataFrame | None = None,
) -> go.Figure:
    """Draw a line per scope of `load_equity`; of the first one also what is not open profit, dotted.

    `measure` is equity, profit or return_fraction. `held` is what holding would have made instead (`load_held`), drawn
    dashed.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, was {measure!r}")
    if not len(frame):
        return empty_figure(NO_MARKS, "equity")
    figure = new_figure("equity", xaxis=time_axis(), yaxis=_measure_axis(measure, counted))
    for place, (name, own) in enumerate(_scopes(frame, portfolio_name)):
        colour = PALETTE[place % len(PALETTE)]
        line = {"color": colour, "width": 2.4 if place == 0 else 1.4}
        figure.add_trace(_line(own["time_ms"], own[measure], name, line, measure, counted))
        if place == 0 and open_profit and measure != "return_fraction" and (own["open_profit"] != 0.0).any():
            dotted = {"color": faded(colour, 0.7), "width": 1.2, "dash": "dot"}
            without = own[measure] - own["open_profit"]
            figure.add_trace(_line(own["time_ms"], without, f"{name}, open profit left out", dotted, measure, counted))
    if held is not None and len(held):
        dashed = {"color": NEUTRAL, "width": 1.6, "dash": "dash"}
        figure.add_trace(_line(held["time_ms"], held[measure], HELD, dashed, measure, counted))
    return figure


def drawdown_figure(
    frame: DataFrame, limit_fraction: float | None = None, portfolio_name: str = "portfolio", is_zoomed: bool = False
) -> go.Figure:
    """Draw the drawdown of each scope of `load_equity` downwards from 0, and the brake's limit.

    `is_zoomed` gives the curve all the room: a limit far below it is named, not drawn.
    """
    if not len(frame):
        return empty_figure(NO_MARKS, "drawdown", 200)
    axis = percent_axis("drawdown", rangemode="tozero")
    figure = new_figure(f"drawdown {is_zoomed}", 240, xaxis=time_axis(), yaxis=axis)
    for place, (name, own) in enumerate(_scopes(frame, portfolio_name)):
        colour = PALETTE[place % len(PALETTE)]
        trace = _line(
            own["time_ms"], -own["drawdown_fraction"], name, {"color": colour, "width": 1.4}, "drawdown_fraction"
        )
        if place == 0:
            trace.update(fill="tozeroy", fillcolor=faded(colour, 0.2))
        figure.add_trace(trace)
    if limit_fraction is not None:
        reach = float(frame["drawdown_fraction"].max())
        _limit(figure, -limit_fraction, f"brake at {limit_fraction:.1%}", is_zoomed and limit_fraction > FAR * reach)
    return figure


def day_figure(
    frame: DataFrame,
    day_start_equity: float,
    daily_loss_limit: float | None = None,
    counted: Money = CENTS,
    is_zoomed: bool = False,
) -> go.Figure:
    """Draw the portfolio's equity since 00:00 UTC against where the day began and where the daily brake trips.

    `is_zoomed` gives the curve all the room: a limit far below it is named, not drawn.
    """
    if not len(frame):
        return empty_figure("Nothing has been marked today yet.", "day", 240)
    axis = money_axis("equity", counted, is_short=False)
    # The whole day, for an axis of the one point at its start has no extent of its own.
    begin_ms = float(frame["time_ms"].min() // DAY_MS * DAY_MS)
    span = time_axis(range=[begin_ms, begin_ms + DAY_MS])
    figure = new_figure(f"day {is_zoomed}", 240, xaxis=span, yaxis=axis, showlegend=False)
    line = {"color": PALETTE[0], "width": 2}
    figure.add_trace(_line(frame["time_ms"], frame["equity"], "equity", line, "equity", counted))
    figure.add_hline(day_start_equity, line={"color": NEUTRAL, "width": 1, "dash": "dash"})
    if daily_loss_limit is not None:
        lost = day_start_equity - float(frame["equity"].min())
        is_far = is_zoomed and daily_loss_limit * day_start_equity > FAR * lost
        _limit(figure, day_start_equity * (1.0 - daily_loss_limit), f"daily brake at −{daily_loss_limit:.1%}", is_far)
    return figure


def benchmark_figure(frame: DataFrame, benchmark: DataFrame, portfolio_name: str = "portfolio") -> go.Figure:
    """Draw the return of the scopes of `load_equity` against holding the symbols (`load_benchmark`)."""
    if not len(frame):
        return empty_figure(NO_MARKS, "benchmark")
    figure = new_figure("benchmark", xaxis=time_axis(), yaxis=percent_axis("return"))
    for place, (name, own) in enumerate(_scopes(frame, portfolio_name)):
        line = {"color": PALETTE[place % len(PALETTE)], "width": 2}
        figure.add_trace(_line(own["time_ms"], own["return_fraction"], name, line, "return_fraction"))
    for place, (symbol, own) in enumerate(benchmark.groupby("symbol", sort=False), start=5):
        name = f"holding {plain(symbol)}" if symbol else "holding all in equal parts"
        dash = {"color": PALETTE[place % len(PALETTE)], "width": 2 if not symbol else 1, "dash": "dash"}
        figure.add_trace(_line(own["time_ms"], own["return_fraction"], name, dash, "return_fraction"))
    if not len(benchmark):
        missing = "no candles are kept, so there is nothing to compare with"
        figure.add_annotation(text=missing, x=1, y=1, xref="paper", yref="paper", xanchor="right", showarrow=False)
    return figure


def _scopes(frame: DataFrame, portfolio_name: str) -> list[tuple[str, DataFrame]]:
    groups = frame.groupby(["scope_kind", "scope"], sort=False)
    return [(plain(scope or portfolio_name), own) for (_, scope), own in groups]


def _measure_axis(measure: str, counted: Money) -> dict[str, Any]:
    if measure == "return_fraction":
        return percent_axis(MEASURES[measure])
    return money_axis(MEASURES[measure], counted, is_short=False)


def _line(
    times_ms: Any, values: Any, name: str, line: dict[str, Any], measure: str, counted: Money = CENTS
) -> go.Scatter:
    forms = {"return_fraction": SIGNED_PERCENT, "drawdown_fraction": PERCENT, "profit": counted.signed_form}
    shown = forms.get(measure, counted.form)
    return go.Scatter(
        x=milliseconds(times_ms),
        y=values.to_numpy(),
        name=name,
        mode="lines",
        line=line,
        xhoverformat=TIME,
        hovertemplate=f"%{{fullData.name}}: %{{y:{shown}}}<extra></extra>",
    )


def _limit(figure: go.Figure, value: float, text: str, is_far: bool = False) -> None:
    if is_far:
        # Above the plot: within it the curve may go anywhere.
        above = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        figure.add_annotation(text=f"{text}, further down", x=0.0, y=1.0, **above)
        return
    # What `add_hline` makes, without its search for subplots, which takes longer than all the rest of the figure.
    across = {"xref": "x domain", "yref": "y"}
    line = {"color": LOSS, "width": 1.5, "dash": "dash"}
    figure.add_shape(type="line", x0=0, x1=1, y0=value, y1=value, line=line, **across)
    figure.add_annotation(text=text, x=0, y=value, xanchor="left", yanchor="top", showarrow=False, **across)
