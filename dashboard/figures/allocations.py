"""Who holds how much money: the tree, weights over time, targets, and what netting saved."""

import numpy as np
import plotly.graph_objects as go
from pandas import DataFrame

from dashboard.figures.theme import (
    CENTS,
    GAIN,
    MOST_BARS,
    NEUTRAL,
    TIME,
    WARNING,
    among,
    colour_of,
    day_axis,
    diverging,
    empty_figure,
    faded,
    milliseconds,
    money_axis,
    new_figure,
    percent_axis,
    plain,
    plain_all,
    text_on,
    time_axis,
)
from shared.money import Money

# An area with a smaller share of the whole has no room for its name: what stands there says it when pointed at.
SMALLEST_NAMED = 0.005
NO_BOOKS = "The books are not open yet: start the worker (make run)."


def holdings_figure(frame: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw the tree of `load_holdings` as nested areas: size is equity, colour the profit as a share of it."""
    if not len(frame) or not (frame["equity"] > 0.0).any():
        return empty_figure(NO_BOOKS, "holdings", 460)
    shown = frame[(frame["equity"] > 0.0) | (frame["parent"] == "")]
    ids = shown["scope_kind"] + "/" + shown["parent"] + "/" + shown["scope"]
    parents = dict(zip(shown["scope"][shown["scope_kind"].isin(["PORTFOLIO", "SLEEVE"])], ids, strict=False))
    share = (shown["profit"] / shown["equity"].where(shown["equity"] > 0.0)).fillna(0.0)
    reach = max(float(share.abs().max()), 1e-9)
    colours = [diverging(value, reach) for value in share]
    figure = new_figure("holdings", 460, hovermode="closest", margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.add_trace(
        go.Treemap(
            ids=ids.tolist(),
            labels=plain_all(shown["scope"]),
            parents=[parents.get(parent, "") if parent else "" for parent in shown["parent"]],
            # Parents are drawn as the sum of their parts: bots that owe more than they own have no area.
            values=np.where(_is_leaf(shown), shown["equity"].clip(lower=0.0), 0.0),
            branchvalues="remainder",
            marker={"colors": colours},
            textfont={"color": [text_on(colour) for colour in colours]},
            customdata=shown[["equity", "profit", "weight", "drawdown_fraction"]].to_numpy(),
            texttemplate=np.where(_has_room(shown), _named(counted), "").tolist(),
            hovertemplate=(
                f"%{{label}}<br>equity %{{customdata[0]:{counted.form}}} {plain(counted.quote)}<br>"
                f"profit %{{customdata[1]:{counted.signed_form}}}<br>"
                "weight %{customdata[2]:.1%}, drawdown %{customdata[3]:.2%}<extra></extra>"
            ),
        )
    )
    return figure


def _named(counted: Money) -> str:
    return f"%{{label}}<br>%{{customdata[0]:{counted.finer(-2).form}}}"


def _is_leaf(frame: DataFrame) -> np.ndarray:
    return ~frame["scope_kind"].isin(["PORTFOLIO", "SLEEVE"]).to_numpy()


def _has_room(frame: DataFrame) -> np.ndarray:
    whole = frame["equity"].where(_is_leaf(frame)).clip(lower=0.0).sum()
    return ~_is_leaf(frame) | (frame["equity"].to_numpy() >= SMALLEST_NAMED * whole)


def weights_figure(frame: DataFrame) -> go.Figure:
    """Draw each scope's share of the portfolio's money over time, stacked (`load_weights`)."""
    if not len(frame):
        return empty_figure("No rebalance has been recorded yet: weights come with the first.", "weights")
    figure = new_figure("weights", xaxis=time_axis(), yaxis=percent_axis("share", range=[0, 1]))
    names = list(dict.fromkeys(frame["scope"]))
    colours = colour_of(names)
    table = frame.pivot(index="time_ms", columns="scope", values="share").reindex(columns=names).fillna(0.0)
    for name in names:
        figure.add_trace(
            go.Scatter(
                x=milliseconds(table.index),
                y=table[name].to_numpy(),
                name=plain(name),
                mode="lines",
                stackgroup="all",
                line={"width": 0.5, "color": colours[name], "shape": "hv"},
                fillcolor=faded(colours[name], 0.7),
                xhoverformat=TIME,
                hovertemplate="%{fullData.name}: %{y:.1%}<extra></extra>",
            )
        )
    return figure


def targets_figure(frame: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw what each bot is to hold and what it holds (`load_targets`); of many, those furthest from their targets."""
    if not len(frame):
        return empty_figure(NO_BOOKS, "targets")
    # The table's order stays.
    shown = frame.loc[frame["difference"].abs().nlargest(MOST_BARS).index.sort_values()]
    height_px = 110 + 20 * len(shown)
    figure = new_figure("targets", height_px, hovermode="y unified", bargap=0.25, barmode="group")
    names = plain_all(shown["bot"])
    for column, name, colour in (("allocation", "target", NEUTRAL), ("equity", "actual", GAIN)):
        figure.add_trace(
            go.Bar(
                x=shown[column].to_numpy(),
                y=names,
                orientation="h",
                name=name,
                marker={"color": colour},
                hovertemplate=f"%{{fullData.name}}: %{{x:{counted.form}}}<extra></extra>",
            )
        )
    furthest = among(len(shown), len(frame), "furthest from their targets")
    figure.update_layout(
        xaxis=money_axis(f"money{furthest}", counted),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def savings_figure(frame: DataFrame, counted: Money = CENTS) -> go.Figure:
    """Draw what netting saved each UTC day, and in all (`load_savings`)."""
    if not len(frame):
        return empty_figure("Nothing has been traded in this period, so netting saved nothing.", "savings")
    figure = new_figure("savings", xaxis=day_axis(), yaxis=money_axis("saved", counted, tickformat=counted.form))
    times, finer = milliseconds(frame["day_ms"]), counted.finer(2).form
    figure.add_trace(
        go.Bar(
            x=times,
            y=frame["saved"].to_numpy(),
            name="saved that day",
            marker={"color": GAIN},
            customdata=frame[["fills", "fees"]].to_numpy(np.float64),
            xhoverformat="%Y-%m-%d UTC",
            hovertemplate=(
                f"saved %{{y:{finer}}}, fees %{{customdata[1]:{finer}}}, "
                "n = %{customdata[0]:,.0f} fills<extra></extra>"
            ),
        )
    )
    figure.add_trace(
        go.Scatter(
            x=times,
            y=frame["saved"].cumsum().to_numpy(),
            name="in all",
            mode="lines",
            line={"color": WARNING, "width": 2},
            yaxis="y2",
            hovertemplate=f"in all %{{y:{counted.form}}}<extra></extra>",
        )
    )
    second = money_axis("in all", counted, tickformat=counted.form)
    figure.update_layout(
        yaxis2={
            **second,
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "tickmode": "auto",
            "rangemode": "tozero",
        }
    )
    return figure
