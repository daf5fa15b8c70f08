"""A legend has the colour and the shape of the points it names; and a curve of loss can be drawn large."""

import numpy as np
import plotly.graph_objects as go
import pytest
from pandas import DataFrame

from dashboard.figures.equity import day_figure, drawdown_figure
from dashboard.figures.round_trips import duration_figure
from dashboard.figures.theme import GAIN, LOSS
from shared.units import HOUR_MS


def curve(deepest: float) -> DataFrame:
    depth = np.linspace(0.0, deepest, 20)
    equity = 1_000.0 * (1.0 - depth)
    return DataFrame(
        {"scope_kind": "PORTFOLIO", "scope": "", "time_ms": np.arange(20) * HOUR_MS, "equity": equity,
         "drawdown_fraction": depth}
    )  # fmt: skip


def limits(figure: go.Figure) -> list[float]:
    return [float(shape.y0) for shape in figure.layout.shapes if shape.line.color == LOSS]


@pytest.mark.parametrize(("is_zoomed", "drawn"), [(False, [-0.2]), (True, [])])
def test_a_limit_far_below_is_named_and_presses_nothing_flat(is_zoomed: bool, drawn: list[float]) -> None:
    figure = drawdown_figure(curve(0.02), 0.2, is_zoomed=is_zoomed)
    assert limits(figure) == drawn
    assert any("brake at 20.0%" in note.text for note in figure.layout.annotations)


@pytest.mark.parametrize("deepest", [0.15, 0.25])
def test_a_limit_that_is_near_is_drawn_however_it_is_looked_at(deepest: float) -> None:
    for is_zoomed in (False, True):
        assert limits(drawdown_figure(curve(deepest), 0.2, is_zoomed=is_zoomed)) == [-0.2]
        assert limits(day_figure(curve(deepest), 1_000.0, 0.2, is_zoomed=is_zoomed)) == [800.0]


def test_the_limit_of_a_day_that_lost_nothing_is_far() -> None:
    assert limits(day_figure(curve(0.0), 1_000.0, 0.05, is_zoomed=True)) == []
    assert limits(day_figure(curve(0.0), 1_000.0, 0.05)) == [950.0]


def test_the_scales_do_not_share_a_zoom() -> None:
    revisions = {drawdown_figure(curve(0.02), 0.2, is_zoomed=zoomed).layout.uirevision for zoomed in (False, True)}
    assert len(revisions) == 2


def test_what_won_and_lost_is_told_apart_in_the_legend() -> None:
    trips = DataFrame(
        {"side": ["BUY", "BUY", "SELL", "SELL"], "profit": [1.0, -1.0, 2.0, -2.0], "duration_ms": [HOUR_MS] * 4,
         "bot": list("abcd"), "exit_reason": ["STOP"] * 4, "return_fraction": [0.1, -0.1, 0.2, -0.2]}
    )  # fmt: skip
    figure = duration_figure(trips)
    for trace in figure.data:
        assert isinstance(trace.marker.color, str), "a legend takes the first of many colours"
        assert (trace.marker.color == GAIN) == ("won" in trace.name) == (trace.y[0] > 0.0)
        assert (trace.marker.symbol == "triangle-up") == ("long" in trace.name)
    assert len(figure.data) == 4
