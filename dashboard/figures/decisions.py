"""Why bots did or did not trade: reasons over time, and counted."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import PALETTE, empty_figure, milliseconds, new_figure, plain_all, time_axis
from shared.enums import Reason

REASONS = [reason.name for reason in Reason]
# A colour for each of fourteen reasons cannot be told apart by colour alone: rows and labels say them, too.
COLOURS = dict(zip(REASONS, (*PALETTE, "#6A3D9A", "#1B9E77"), strict=False))
NO_DECISIONS = "No decisions in this period: choose a longer one, or a bot that has stepped."


def reasons_figure(decisions: DataFrame) -> go.Figure:
    """Draw a bot's reasons over time, a row for each that occurs (`load_decisions`)."""
    if not len(decisions):
        return empty_figure(NO_DECISIONS, "reasons", 220)
    rows = [reason for reason in REASONS if (decisions["reason"] == reason).any()]
    figure = new_figure("reasons", 80 + 26 * len(rows), hovermode="closest", showlegend=False)
    for reason in rows:
        own = decisions[decisions["reason"] == reason]
        gap = np.full(len(own), np.nan)
        times = np.stack([milliseconds(own["from_ms"]), milliseconds(own["until_ms"]), gap], axis=1).ravel()
        details = own[["steps", "first_value", "first_limit"]].to_numpy(np.float64)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=[reason] * len(times),
                name=reason,
                mode="lines",
                line={"color": COLOURS[reason], "width": 14},
                customdata=np.repeat(details, 3, axis=0),
                hovertemplate=(
                    "%{y}, %{x|%Y-%m-%d %H:%M} UTC<br>%{customdata[0]:.0f} steps, measured %{customdata[1]:.4~g} "
                    "against %{customdata[2]:.4~g}<extra></extra>"
                ),
            )
        )
    order = {"categoryorder": "array", "categoryarray": rows[::-1], "automargin": True}
    figure.update_layout(xaxis=time_axis(), yaxis={"type": "category", **order})
    return figure


def reason_counts_figure(counts: DataFrame) -> go.Figure:
    """Draw how many steps each reason decided, over all bots given (`load_reason_counts`)."""
    if not len(counts):
        return empty_figure(NO_DECISIONS, "reason_counts")
    steps = counts.groupby("reason")["steps"].sum().reindex(list(REASONS)).dropna()
    whole = float(steps.sum())
    figure = new_figure("reason_counts", 90 + 26 * len(steps), hovermode="closest", showlegend=False)
    figure.add_trace(
        go.Bar(
            x=steps.to_numpy(),
            y=plain_all(steps.index),
            orientation="h",
            marker={"color": [COLOURS[reason] for reason in steps.index]},
            text=[f"{count / whole:.1%}, n = {count:,.0f}" for count in steps],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,} steps<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": {"text": f"steps, n = {whole:,.0f}"}, "range": [0, float(steps.max()) * 1.3]},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure
