"""Figures in another zone: every time moves with the clock, and every label says whose clock it is."""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.components.charted_time import clock_ms, in_zone
from dashboard.figures.theme import UTC_DAYS
from shared.units import HOUR_MS, MINUTE_MS, format_time, parse_time_ms
from tests.dashboard.figures.test_figures import FIGURES, Frames, frames, texts, written

__all__ = ["frames"]

KOLKATA_MS = 5 * HOUR_MS + 30 * MINUTE_MS
BERLIN = "Europe/Berlin"


def dated(figure: go.Figure) -> dict[str, go.layout.XAxis]:
    return {axis.plotly_name.replace("axis", ""): axis for axis in figure.select_xaxes() if axis.type == "date"}


def with_times() -> list[str]:
    return ["equity", "drawdown", "day", "benchmark", "candles", "reasons", "weights", "savings", "sharpe"]


@pytest.mark.parametrize("name", with_times())
def test_a_zone_of_half_hours_moves_every_time_and_label(name: str, frames: Frames) -> None:
    utc, local = FIGURES[name](frames), in_zone(FIGURES[name](frames), "Asia/Kolkata")
    axes = dated(utc)
    assert axes, "the figure must have a time axis, or nothing is tested"
    by_days = any(axis.title.text == UTC_DAYS for axis in axes.values())
    for before, after in zip(utc.data, local.data, strict=True):
        moved = np.asarray(after.x, float) - np.asarray(before.x, float)
        assert np.array_equal(np.isnan(np.asarray(after.x, float)), np.isnan(np.asarray(before.x, float)))
        assert np.nanmin(moved) == np.nanmax(moved) == (0 if by_days else KOLKATA_MS)
    said = list(texts(written(local)))
    # As a word: packed numbers are letters, too.
    assert bool(re.search(r"\bUTC\b", json.dumps(said))) == by_days
    assert any("Asia/Kolkata" in text for text in said) != by_days


@pytest.mark.parametrize("name", list(FIGURES))
def test_utc_leaves_every_figure_as_it_is(name: str, frames: Frames) -> None:
    assert written(in_zone(FIGURES[name](frames), "UTC")) == written(FIGURES[name](frames))


@pytest.mark.parametrize("name", sorted(set(FIGURES) - set(with_times())))
def test_figures_without_times_are_the_same_in_every_zone(name: str, frames: Frames) -> None:
    if not dated(FIGURES[name](frames)):
        assert written(in_zone(FIGURES[name](frames), BERLIN)) == written(FIGURES[name](frames))


def test_lines_and_notes_at_a_time_move_with_it() -> None:
    figure = go.Figure(layout={"xaxis": {"type": "date", "title": {"text": "UTC"}}})
    figure.add_shape(type="line", xref="x", x0=0.0, x1=HOUR_MS, y0=0, y1=1)
    figure.add_annotation(xref="x", x=0.0, y=0, text="then")
    moved = in_zone(figure, "Asia/Kolkata")
    assert (moved.layout.shapes[0].x0, moved.layout.shapes[0].x1) == (KOLKATA_MS, KOLKATA_MS + HOUR_MS)
    assert moved.layout.annotations[0].x == KOLKATA_MS


def test_the_clock_goes_back_by_an_hour_where_summer_ends() -> None:
    hours = parse_time_ms("2026-10-24T23:00Z") + np.arange(4) * HOUR_MS
    clock = [datetime.fromtimestamp(ms / 1000, ZoneInfo("UTC")).strftime("%H:%M") for ms in clock_ms(hours, BERLIN)]
    assert clock == ["01:00", "02:00", "02:00", "03:00"]


@pytest.mark.parametrize(
    ("written_utc", "zone", "said"),
    [
        ("2026-10-25T00:30Z", BERLIN, "2026-10-25 02:30 CEST"),
        ("2026-10-25T01:30Z", BERLIN, "2026-10-25 02:30 CET"),
        ("2026-03-29T01:00Z", BERLIN, "2026-03-29 03:00 CEST"),
        ("2026-10-25T00:30Z", "Asia/Kolkata", "2026-10-25 06:00 IST"),
        ("2026-10-25T00:30Z", "America/Sao_Paulo", "2026-10-24 21:30 UTC-03"),
        ("2026-10-25T00:30Z", "UTC", "2026-10-25 00:30 UTC"),
    ],
)
def test_a_time_is_written_with_the_name_of_its_zone_at_that_time(written_utc: str, zone: str, said: str) -> None:
    assert format_time(parse_time_ms(written_utc), zone) == said
