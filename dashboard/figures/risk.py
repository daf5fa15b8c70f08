"""Brakes with their distance, exposure, and how far positions are from their exits."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    CENTS,
    GAIN,
    LOSS,
    MOST_BARS,
    NEUTRAL,
    PRICE,
    WARNING,
    among,
    empty_figure,
    money_axis,
    new_figure,
    percent_axis,
    plain,
    plain_all,
)
from shared.money import Money
from shared.words import many, words

NEAR = 0.8


def brakes_figure(frame: DataFrame) -> go.Figure:
    """Draw the brakes given (`load_brakes`) as gauges, from nothing to the limit; those of the portfolio are two."""
    if not len(frame):
        return empty_figure("No settings have run yet, so there are no brakes to show.", "brakes", 220)
    across = min(len(frame), 4)
    down = -(-len(frame) // across)
    figure = new_figure("brakes", 60 + 170 * down, hovermode=False)
    for place, row in enumerate(frame.to_dict("records")):
        column, line = place % across, place // across
        limit, value = row["limit_fraction"], row["value_fraction"]
        name = words(row["brake"])
        where = plain(row["scope"]) or "portfolio"
        off = "" if row["is_on"] else "<br>SWITCHED OFF"
        figure.add_trace(
            go.Indicator(
                mode="gauge+number",
                value=value,
                number={"valueformat": ".2%"},
                title={"text": f"{where}: {name}<br>limit {limit:.1%}{off}", "font": {"size": 12}},
                domain={
                    "x": [column / across + 0.03, (column + 1) / across - 0.03],
                    "y": [1.0 - (line + 0.92) / down, 1.0 - (line + 0.28) / down],
                },
                gauge={
                    "axis": {"range": [0, limit], "tickvals": [], "visible": False},
                    "bar": {"color": LOSS if row["used"] >= 1.0 else WARNING if row["used"] >= NEAR else GAIN},
                    "borderwidth": 0,
                    "bgcolor": "rgba(136,136,136,0.2)",
                    "threshold": {"line": {"color": WARNING, "width": 2}, "value": NEAR * limit},
                },
            )
        )
    return figure


def brake_bars_figure(frame: DataFrame) -> go.Figure:
    """Draw how much of each brake's limit is used, as bars: for many scopes; of very many, those that used most."""
    if not len(frame):
        return empty_figure("No settings have run yet, so there are no brakes to show.", "brake_bars")
    whole = len(frame)
    frame = frame.loc[frame["used"].nlargest(MOST_BARS).index.sort_values()]
    names = [
        f"{plain(scope) or 'portfolio'}, {words(brake)}"
        for scope, brake in zip(frame["scope"], frame["brake"], strict=True)
    ]
    used = frame["used"].to_numpy()
    figure = new_figure("brake_bars", 110 + 22 * len(frame), hovermode="closest", showlegend=False)
    figure.add_trace(
        go.Bar(
            x=used,
            y=names,
            orientation="h",
            marker={"color": [LOSS if share >= 1.0 else WARNING if share >= NEAR else GAIN for share in used]},
            customdata=frame[["value_fraction", "limit_fraction"]].to_numpy(),
            hovertemplate="%{y}: %{customdata[0]:.2%} of %{customdata[1]:.1%}<extra></extra>",
        )
    )
    figure.add_vline(1.0, line={"color": LOSS, "width": 1.5, "dash": "dash"})
    figure.update_layout(
        xaxis=percent_axis(
            f"of the limit{among(len(frame), whole, 'closest to it')}", range=[0, max(1.05, float(used.max()) * 1.05)]
        ),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def exposures_figure(frame: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw what is held long and short of each symbol (`load_exposures`)."""
    if not len(frame) or not (frame["gross"] > 0.0).any():
        return empty_figure("No position is open.", "exposures", 240)
    figure = new_figure("exposures", 110 + 34 * len(frame), hovermode="y unified", barmode="relative")
    names = plain_all(frame["symbol"])
    for column, name, colour in (("long", "long", GAIN), ("short", "short", LOSS)):
        figure.add_trace(
            go.Bar(
                x=frame[column].to_numpy(),
                y=names,
                orientation="h",
                name=name,
                marker={"color": colour},
                hovertemplate=f"%{{fullData.name}} %{{x:{counted.form}}}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=frame["net"].to_numpy(),
            y=names,
            name="net",
            mode="markers",
            marker={"symbol": "diamond", "size": 9, "color": WARNING, "line": {"width": 1, "color": NEUTRAL}},
            customdata=np.stack([frame["of_equity"], frame["positions"]], axis=1),
            hovertemplate=(
                f"net %{{x:{counted.signed_form}}}; "
                "gross is %{customdata[0]:.1%} of equity "
                "in %{customdata[1]:.0f} positions<extra></extra>"
            ),
        )
    )
    figure.update_layout(
        xaxis=money_axis("notional", counted), yaxis={"type": "category", "autorange": "reversed", "automargin": True}
    )
    return figure


def stop_distances_figure(frame: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw how far each open position is from the level that closes it (`load_positions`); of many, the closest."""
    known = frame[frame["distance_fraction"].notna()] if len(frame) else frame
    if not len(known):
        return empty_figure("No open position has a stop.", "stops", 240)
    count = len(known)
    known = known.nsmallest(MOST_BARS, "distance_fraction")
    figure = new_figure("stops", 110 + 22 * len(known), hovermode="closest", showlegend=False)
    kinds = ["trailing stop" if is_trailing else "stop" for is_trailing in known["is_trailing"]]
    figure.add_trace(
        go.Bar(
            x=known["distance_fraction"].to_numpy(),
            y=plain_all(known["bot"]),
            orientation="h",
            marker={"color": [WARNING if kind == "trailing stop" else GAIN for kind in kinds]},
            customdata=[list(row) for row in zip(kinds, known["exit_level"], known["risk"], strict=True)],
            hovertemplate=(
                f"%{{y}}: %{{x:.2%}} to its %{{customdata[0]}} at %{{customdata[1]:{PRICE}}}; "
                f"%{{customdata[2]:{counted.form}}} would be lost from here<extra></extra>"
            ),
        )
    )
    figure.update_layout(
        xaxis=percent_axis(
            f"away from the exit, n = {many(count, 'position')}{among(len(known), count, 'closest')}",
            rangemode="tozero",
        ),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure
