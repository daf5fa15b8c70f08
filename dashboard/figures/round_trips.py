"""What round trips earned: win rates with their intervals, distribution, duration, excursions."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    CENTS,
    GAIN,
    LOSS,
    NEUTRAL,
    empty_figure,
    faded,
    money_axis,
    new_figure,
    percent_axis,
    plain_all,
    signed_colours,
    write_behind,
)
from shared.money import Money
from shared.units import HOUR_MS
from shared.words import words

NO_TRIPS = "No round trip was closed that these filters take: choose a longer period or fewer filters."
# Each is a mark of its own in the browser.
MOST_MARKS = 2_000
QUARTERS = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0%", "25%", "50%", "75%", "100%"]}
# A trace for each, so that the legend has the colours and shapes of the points.
DIRECTIONS = (
    ("BUY", "long, won", "triangle-up", True),
    ("BUY", "long, lost", "triangle-up", False),
    ("SELL", "short, won", "triangle-down", True),
    ("SELL", "short, lost", "triangle-down", False),
)
HOURS = [1 / 60, 0.25, 1, 2, 4, 8, 24, 72, 168, 720, 8760]


def win_rate_figure(table: DataFrame, title: str = "win rate", counted: Money = CENTS) -> go.Figure:
    """Draw each group's win rate with its 95% Wilson interval; every bar says its count (`win_rates`)."""
    if not len(table):
        return empty_figure(NO_TRIPS, f"win_rate_{title}")
    rate, low, high = (table[name].to_numpy() for name in ("win_rate", "low", "high"))
    figure = new_figure(f"win_rate_{title}", 110 + 26 * len(table), hovermode="closest", showlegend=False)
    figure.add_trace(
        go.Bar(
            x=rate,
            y=plain_all(table["label"]),
            orientation="h",
            marker={"color": faded(GAIN, 0.25), "line": {"color": GAIN, "width": 1}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": high - rate,
                "arrayminus": rate - low,
                "color": NEUTRAL,
                "thickness": 2,
            },
            customdata=table[["low", "high", "count", "trials", "wins", "profit"]].to_numpy(np.float64),
            hovertemplate=(
                "%{y}: %{x:.1%} of n = %{customdata[2]:,.0f} round trips won<br>95% interval %{customdata[0]:.1%} to "
                "%{customdata[1]:.1%}, from %{customdata[3]:,.0f} trials<br>"
                f"profit %{{customdata[5]:{counted.signed_form}}}<extra></extra>"
            ),
        )
    )
    write_behind(figure, high, plain_all(table["label"]), [f"n = {count:,}" for count in table["count"]])
    figure.add_vline(0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_layout(
        xaxis=percent_axis("won, with 95% Wilson interval", range=[0, 1], **QUARTERS),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def profit_by_group_figure(table: DataFrame, title: str, counted: Money = CENTS) -> go.Figure:
    """Draw what each group earned after fees; every bar says its count (`win_rates`)."""
    if not len(table):
        return empty_figure(NO_TRIPS, f"profit_{title}")
    figure = new_figure(f"profit_{title}", 110 + 26 * len(table), hovermode="closest", showlegend=False)
    figure.add_trace(
        go.Bar(
            x=table["profit"].to_numpy(),
            y=plain_all(table["label"]),
            orientation="h",
            marker={"color": signed_colours(table["profit"])},
            hovertemplate=f"%{{y}}: %{{x:{counted.signed_form}}}<extra></extra>",
        )
    )
    made = zip(table["profit"], table["count"], strict=True)
    said = [f"{counted.gain(profit)}, n = {count:,}" for profit, count in made]
    write_behind(figure, table["profit"].clip(lower=0.0), plain_all(table["label"]), said)
    figure.update_layout(
        xaxis=money_axis("profit after fees", counted, rangemode="tozero"),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def distribution_figure(table: DataFrame) -> go.Figure:
    """Draw how many round trips had which return (`distribution`)."""
    count = int(table["count"].sum()) if len(table) else 0
    if not count:
        return empty_figure(NO_TRIPS, "distribution")
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    middle = (low + high) / 2.0
    figure = new_figure("distribution", hovermode="closest", showlegend=False, bargap=0.05)
    figure.add_trace(
        go.Bar(
            x=middle,
            y=table["count"].to_numpy(),
            width=high - low,
            marker={"color": signed_colours(middle)},
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{customdata[0]:.2%} to %{customdata[1]:.2%}: n = %{y:,}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis=percent_axis(f"return after fees, n = {count:,}<br>(tails in the outer bars)"),
        yaxis={"title": {"text": "round trips"}},
    )
    return figure


def duration_figure(trips: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw the profit of each round trip against how long it took (the newest 2,000 of `load_round_trips`)."""
    if not len(trips):
        return empty_figure(NO_TRIPS, "duration")
    shown = trips.head(MOST_MARKS)
    figure = new_figure("duration", hovermode="closest")
    for side, name, symbol, is_won in DIRECTIONS:
        own = shown[(shown["side"] == side) & ((shown["profit"] > 0.0) == is_won)]
        figure.add_trace(
            go.Scatter(
                x=own["duration_ms"].to_numpy(np.float64) / HOUR_MS,
                y=own["profit"].to_numpy(),
                name=f"{name}, n = {len(own):,}",
                mode="markers",
                marker={"symbol": symbol, "size": 7, "opacity": 0.7, "color": GAIN if is_won else LOSS},
                customdata=_labels(own),
                hovertemplate=(
                    f"%{{customdata[0]}}<br>%{{x:,.1f}} h, %{{y:{counted.signed_form}}}, "
                    "%{customdata[1]}<extra></extra>"
                ),
            )
        )
    figure.update_layout(
        xaxis={"title": {"text": "hours held"}, "type": "log", "tickvals": HOURS, "tickformat": ".3~g"},
        yaxis=money_axis("profit after fees", counted, is_short=False, zeroline=True),
    )
    return figure


def excursion_figure(trips: DataFrame) -> go.Figure:
    """Draw how far each round trip went against and for the position before it closed, by whether it won."""
    if not len(trips):
        return empty_figure(NO_TRIPS, "excursion")
    shown = trips.head(MOST_MARKS)
    figure = new_figure("excursion", hovermode="closest")
    won = shown["profit"] > 0.0
    for own, name, colour, symbol in ((shown[won], "won", GAIN, "circle"), (shown[~won], "lost", LOSS, "x")):
        figure.add_trace(
            go.Scatter(
                x=own["worst_fraction"].to_numpy(),
                y=own["best_fraction"].to_numpy(),
                name=f"{name}, n = {len(own):,}",
                mode="markers",
                marker={"symbol": symbol, "size": 6, "opacity": 0.7, "color": colour},
                customdata=_labels(own),
                hovertemplate=(
                    "%{customdata[0]}, %{customdata[1]}<br>worst %{x:.2%}, best %{y:.2%}, "
                    "came out at %{customdata[2]:.2%}<extra></extra>"
                ),
            )
        )
    figure.update_layout(xaxis=percent_axis("worst excursion"), yaxis=percent_axis("best excursion"))
    return figure


def _labels(trips: DataFrame) -> list[list[object]]:
    columns = (
        plain_all(trips["bot"]),
        [words(reason) for reason in trips["exit_reason"]],
        trips["return_fraction"].tolist(),
    )
    return [list(row) for row in zip(*columns, strict=True)]
