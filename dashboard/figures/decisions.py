"""Why bots did or did not trade: reasons over time, and counted."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    GAIN,
    LOSS,
    NEUTRAL,
    PALETTE,
    TIME,
    WARNING,
    empty_figure,
    milliseconds,
    new_figure,
    time_axis,
    write_behind,
)
from shared.enums import Reason
from shared.words import words

REASONS = [reason.name for reason in Reason]
# Seventeen colours cannot be told apart by colour alone: rows and labels say them, too. What is common is calm.
COLOURS = {
    "HALTED": LOSS,
    "FLATTEN": PALETTE[8],
    "CLOSE": "#C2185B",
    "STALE": PALETTE[9],
    "WARMUP": PALETTE[3],
    "NO_ENTRIES": WARNING,
    "RECONCILIATION": "#B8860B",
    "UNRESOLVED": "#6E7BD9",
    "REENTRY_LOCK": PALETTE[4],
    "HOLD": GAIN,
    "FLAT": NEUTRAL,
    "UNCONFIRMED": PALETTE[5],
    "COST": PALETTE[2],
    "COOLDOWN": PALETTE[6],
    "CAP": PALETTE[7],
    "MIN_NOTIONAL": PALETTE[10],
    "TRADE": "#009E73",
}
NO_DECISIONS = "No decisions in this period: choose a longer one, or a bot that has stepped."


def reasons_figure(decisions: DataFrame, begin_ms: int | None = None) -> go.Figure:
    """Draw a bot's reasons over time, from `begin_ms` on, a row for each that occurs (`load_decisions`)."""
    if not len(decisions):
        return empty_figure(NO_DECISIONS, "reasons", 220)
    # What was going on at the start of a period began before it.
    shown = decisions.assign(from_ms=decisions["from_ms"].clip(lower=begin_ms))
    rows = [reason for reason in REASONS if (decisions["reason"] == reason).any()]
    figure = new_figure("reasons", 80 + 26 * len(rows), hovermode="closest", showlegend=False)
    for reason in rows:
        own = shown[shown["reason"] == reason]
        gap = np.full(len(own), np.nan)
        times = np.stack([milliseconds(own["from_ms"]), milliseconds(own["until_ms"]), gap], axis=1).ravel()
        details = own[["steps", "first_value", "first_limit"]].to_numpy(np.float64)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=[words(reason)] * len(times),
                name=words(reason),
                mode="lines",
                line={"color": COLOURS[reason], "width": 14},
                customdata=np.repeat(details, 3, axis=0),
                xhoverformat=TIME,
                hovertemplate=(
                    "%{y}, %{x}<br>%{customdata[0]:.0f} steps, measured %{customdata[1]:.4~r} "
                    "against %{customdata[2]:.4~r}<extra></extra>"
                ),
            )
        )
    order = {"categoryorder": "array", "categoryarray": [words(reason) for reason in rows[::-1]], "automargin": True}
    figure.update_layout(xaxis=time_axis(), yaxis={"type": "category", **order})
    return figure


def reason_counts_figure(counts: DataFrame) -> go.Figure:
    """Draw how many steps each reason decided, over all bots given (`load_reason_counts`)."""
    if not len(counts):
        return empty_figure(NO_DECISIONS, "reason_counts")
    steps = counts.groupby("reason")["steps"].sum().reindex(list(REASONS)).dropna()
    whole, said = float(steps.sum()), [words(reason) for reason in steps.index]
    figure = new_figure("reason_counts", 90 + 26 * len(steps), hovermode="closest", showlegend=False)
    figure.add_trace(
        go.Bar(
            x=steps.to_numpy(),
            y=said,
            orientation="h",
            marker={"color": [COLOURS[reason] for reason in steps.index]},
            hovertemplate="%{y}: %{x:,} steps<extra></extra>",
        )
    )
    counted = [f"{count / whole:.1%}, n = {count:,.0f}" for count in steps]
    write_behind(figure, steps, said, counted)
    figure.update_layout(
        xaxis={"title": {"text": f"steps, n = {whole:,.0f}"}, "rangemode": "tozero", "tickformat": "~s"},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure
