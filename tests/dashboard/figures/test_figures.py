"""Every figure on seeded frames, on empty ones and on hostile ones."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from pandas import DataFrame, concat
from sqlalchemy import Connection

from dashboard.components.charted_time import in_zone
from dashboard.figures import allocations, bot, calendar, decisions, equity, returns, risk, round_trips, symbol, theme
from dashboard.queries.returns import monthly_returns, rolling_sharpe
from dashboard.queries.round_trips import Dimension, distribution, win_rates
from shared.money import Money
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BOT, SLEEVE, queries
from tests.dashboard.queries.conftest import connected

Frames = dict[str, Any]
Draw = Callable[[Frames], go.Figure]

FIGURES: dict[str, Draw] = {
    "equity": lambda f: equity.equity_figure(f["equity"], counted=Money("USDT")),
    "equity of sleeves": lambda f: equity.equity_figure(f["equity of sleeves"], "return_fraction"),
    "drawdown": lambda f: equity.drawdown_figure(f["equity"], 0.2),
    "day": lambda f: equity.day_figure(f["equity"].tail(20), 27_000.0, 0.05, Money("USDT")),
    "benchmark": lambda f: equity.benchmark_figure(f["equity"], f["benchmark"]),
    "candles": lambda f: bot.candles_figure(
        f["candles"], f["fills of a bot"], f["protection"], f["decisions"], f["lines"]
    ),
    "reasons": lambda f: decisions.reasons_figure(f["decisions"]),
    "reason counts": lambda f: decisions.reason_counts_figure(f["reasons"]),
    "holdings": lambda f: allocations.holdings_figure(f["holdings"], Money("USDT")),
    "weights": lambda f: allocations.weights_figure(f["weights"]),
    "weights of bots": lambda f: allocations.weights_figure(f["weights of bots"]),
    "targets": lambda f: allocations.targets_figure(f["targets"], Money("USDT")),
    "savings": lambda f: allocations.savings_figure(f["savings"], Money("USDT")),
    **{
        f"win rate by {by}": lambda f, by=by: round_trips.win_rate_figure(win_rates(f["facts"], by), by.value)
        for by in Dimension
    },
    "profit by bot": lambda f: round_trips.profit_by_group_figure(
        win_rates(f["facts"], Dimension.BOT), "bot", Money("USDT")
    ),
    "distribution": lambda f: round_trips.distribution_figure(distribution(f["facts"])),
    "duration": lambda f: round_trips.duration_figure(f["round trips"], Money("USDT")),
    "excursion": lambda f: round_trips.excursion_figure(f["round trips"]),
    "equity against holding": lambda f: equity.equity_figure(f["equity"], held=f["held instead"]),
    "profit bars": lambda f: calendar.profit_bars_figure(f["profit by day"], "day", Money("USDT")),
    "profit bars of weeks": lambda f: calendar.profit_bars_figure(f["profit by week"], "week"),
    "profit calendar": lambda f: calendar.profit_calendar_figure(f["profit by day"], "day", Money("USDT")),
    "profit calendar of weeks": lambda f: calendar.profit_calendar_figure(f["profit by week"], "week"),
    "profit calendar of months": lambda f: calendar.profit_calendar_figure(f["profit by day"], "month"),
    "trades of a symbol": lambda f: symbol.trades_figure(f["candles of a symbol"], f["fills of a symbol"]),
    "monthly": lambda f: returns.monthly_figure(monthly_returns(f["daily"])),
    "sharpe": lambda f: returns.sharpe_figure(rolling_sharpe(f["daily"], 5)),
    "correlation": lambda f: returns.correlation_figure(f["correlations"]),
    "costs": lambda f: returns.costs_figure(f["costs"], "sleeve", Money("USDT")),
    "costs of bots": lambda f: returns.costs_figure(f["costs"], "bot", Money("USDT")),
    "brakes": lambda f: risk.brakes_figure(f["brakes"].head(5)),
    "brake bars": lambda f: risk.brake_bars_figure(f["brakes"]),
    "exposures": lambda f: risk.exposures_figure(f["exposures"], Money("USDT")),
    "stops": lambda f: risk.stop_distances_figure(f["positions"]),
}
# Counts are what these are about, or they show single marks.
BARS_WITHOUT_A_COUNT = {"targets", "costs", "costs of bots", "brake bars", "exposures", "savings"}


def load_all(connection: Connection, end: str = "") -> Frames:
    return {name: load(connection) for name, load in queries(BOT + end, SLEEVE + end).items()}


@pytest.fixture(scope="session")
def frames() -> Iterator[Frames]:
    """Every frame of the seeded books."""
    for connection in connected(seeding.seeded()):
        yield load_all(connection)


def written(figure: go.Figure) -> dict[str, Any]:
    """Give a figure as the browser gets it."""
    return json.loads(pio.to_json(figure, validate=True))


def texts(value: Any) -> Iterator[str]:
    """Give every text within."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def is_empty(figure: go.Figure) -> bool:
    return not figure.data and len(figure.layout.annotations) == 1


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_draws_what_it_is_given(name: str, frames: Frames) -> None:
    figure = FIGURES[name](frames)
    assert figure.data, "the seeded books must have given something to draw"
    spec = written(figure)
    layout = spec["layout"]
    assert layout["uirevision"], "zoom must be kept while numbers change"
    assert "template" not in layout or not layout["template"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "color" not in layout.get("font", {}), "the theme of the page gives text its colour"
    assert all("gl" not in trace["type"] for trace in spec["data"])
    for key, axis in layout.items():
        if re.fullmatch(r"xaxis\d*", key) and axis.get("type") == "date":
            shown = axis["title"].get("text", "")
            assert "UTC" in (shown or layout["xaxis2"]["title"]["text"])
    assert len(json.dumps(spec)) < 300_000


@pytest.mark.parametrize("name", list(FIGURES))
def test_no_figure_has_more_points_than_a_browser_likes(name: str, frames: Frames) -> None:
    for trace in FIGURES[name](frames).data:
        if trace.type != "heatmap" and "x" in trace and trace.x is not None:
            assert len(trace.x) <= 6_000


@pytest.fixture(scope="module")
def no_frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frames]:
    """Every frame of a database without books."""
    for connection in connected(seeding.empty(tmp_path_factory.mktemp("empty") / "books")):
        yield load_all(connection)


@pytest.fixture(scope="module")
def first_frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frames]:
    """Every frame of books that were opened but not stepped."""
    for connection in connected(seeding.opened(tmp_path_factory.mktemp("opened") / "books")):
        yield load_all(connection)


@pytest.mark.parametrize("name", list(FIGURES))
def test_nothing_to_draw_says_what_is_missing(name: str, no_frames: Frames) -> None:
    figure = FIGURES[name](no_frames)
    assert is_empty(figure)
    said = figure.layout.annotations[0].text
    assert len(said) > 10 and said.endswith(".")


@pytest.mark.parametrize("name", list(FIGURES))
def test_books_without_a_step_draw_without_a_fault(name: str, first_frames: Frames) -> None:
    figure = FIGURES[name](first_frames)
    assert is_empty(figure) or figure.data
    written(figure)


@pytest.fixture(scope="module")
def hostile_frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frames]:
    for connection in connected(seeding.hostile(tmp_path_factory.mktemp("hostile") / "books")):
        yield load_all(connection, seeding.HOSTILE)


@pytest.mark.parametrize("name", list(FIGURES))
def test_stored_text_is_no_markup(name: str, hostile_frames: Frames) -> None:
    spec = written(FIGURES[name](hostile_frames))
    for text in texts(spec["data"] + [spec["layout"]]):
        # What the figures themselves write.
        own = re.sub(r"<br>|<extra></extra>", "", text)
        if "ids" in text or own == text == "":
            continue
        assert "<" not in own or is_an_id(spec, text), own


def is_an_id(spec: dict[str, Any], text: str) -> bool:
    """Say whether a text is an id or a parent's id of a tree, which nobody reads."""
    return any(text in trace.get("ids", []) or text in trace.get("parents", []) for trace in spec["data"])


def test_hostile_names_are_shown_as_they_are(hostile_frames: Frames) -> None:
    shown = list(texts(written(risk.stop_distances_figure(hostile_frames["positions"]))["data"]))
    assert any("&lt;script&gt;" in text for text in shown)


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in BARS_WITHOUT_A_COUNT])
def test_no_bar_without_its_count(name: str, frames: Frames) -> None:
    figure = FIGURES[name](frames)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    if not bars or name == "stops":
        return
    said = " ".join(texts(written(figure)))
    for trace in bars:
        annotated = len(figure.layout.annotations) >= len(trace.y) or trace.text is not None
        assert annotated or re.search(r"n = %\{(y|customdata)", trace.hovertemplate or "")
    assert said.count("n = ") >= 1


def test_win_rates_are_drawn_within_their_interval(frames: Frames) -> None:
    table = win_rates(frames["facts"], Dimension.SLEEVE)
    (trace,) = round_trips.win_rate_figure(table).data
    low = np.asarray(trace.x) - np.asarray(trace.error_x.arrayminus)
    high = np.asarray(trace.x) + np.asarray(trace.error_x.array)
    assert low == pytest.approx(table["low"]) and high == pytest.approx(table["high"])
    assert [note.text for note in round_trips.win_rate_figure(table).layout.annotations][:3] == [
        f"n = {count:,}" for count in table["count"]
    ]


def test_fractions_are_shown_as_percent(frames: Frames) -> None:
    for name in ("drawdown", "equity of sleeves", "weights", "distribution", "stops"):
        layout = written(FIGURES[name](frames))["layout"]
        formats = [axis.get("tickformat", "") for key, axis in layout.items() if re.fullmatch(r"[xy]axis\d*", key)]
        assert any("%" in shown for shown in formats if shown), name
    assert max(abs(value) for trace in FIGURES["drawdown"](frames).data for value in trace.y) < 1.0


def test_times_are_sent_packed(frames: Frames) -> None:
    spec = written(equity.equity_figure(frames["equity"]))
    assert spec["data"][0]["x"]["dtype"] == "f8"


def test_the_same_curve_is_drawn_without_open_profit(frames: Frames) -> None:
    curve = frames["equity"]
    whole, without = equity.equity_figure(curve, "equity").data
    assert np.allclose(np.asarray(whole.y) - np.asarray(without.y), curve["open_profit"])


def test_a_return_carries_its_sign_and_a_drawdown_does_not(frames: Frames) -> None:
    returned = equity.equity_figure(frames["equity"], "return_fraction").data[0].hovertemplate
    fallen = equity.drawdown_figure(frames["equity"]).data[0].hovertemplate
    assert ":+.2%}" in returned and ":.2%}" in fallen


def test_a_limit_that_is_only_named_lies_over_no_curve(frames: Frames) -> None:
    figures = (
        equity.drawdown_figure(frames["equity"], 0.9, is_zoomed=True),
        equity.day_figure(frames["equity"].tail(20), 27_000.0, 0.9, is_zoomed=True),
    )
    for figure in figures:
        (note,) = figure.layout.annotations
        assert note.text.endswith(", further down")
        assert (note.yref, note.y, note.yanchor) == ("paper", 1.0, "bottom")


def test_the_first_mark_of_a_day_stands_on_an_axis_of_the_whole_day(frames: Frames) -> None:
    midnight = frames["equity"].tail(1).assign(time_ms=20_000 * DAY_MS)
    day = equity.day_figure(midnight, 27_000.0)
    assert list(day.layout.xaxis.range) == [20_000 * DAY_MS, 20_001 * DAY_MS]
    moved = in_zone(day, "Asia/Kolkata").layout.xaxis.range
    assert moved[0] - 20_000 * DAY_MS == moved[1] - 20_001 * DAY_MS == 5.5 * HOUR_MS


def test_reasons_begin_with_the_period(frames: Frames) -> None:
    stretches = frames["decisions"]
    stretches = stretches.iloc[int(stretches["steps"].argmax()) :]
    begin_ms = int(stretches["from_ms"].iloc[0]) + HOUR_MS
    assert begin_ms < stretches["until_ms"].iloc[0], "the first must have been going on"
    whole, cut = (decisions.reasons_figure(stretches, begin) for begin in (None, begin_ms))
    first = [min(np.nanmin(trace.x) for trace in figure.data) for figure in (whole, cut)]
    assert first == [stretches["from_ms"].iloc[0], begin_ms]


def test_an_unknown_measure_is_refused(frames: Frames) -> None:
    with pytest.raises(ValueError, match="measure must be one of equity, profit, return_fraction, was 'luck'"):
        equity.equity_figure(frames["equity"], "luck")


def test_the_palette_is_long_enough_and_told_apart() -> None:
    assert len(set(theme.PALETTE)) == len(theme.PALETTE) >= 10
    assert smallest_difference(theme.PALETTE) > 16.0
    assert smallest_difference((theme.GAIN, theme.LOSS, theme.NEUTRAL, theme.WARNING)) > 16.0
    # Plotly's own colours would not do.
    assert smallest_difference(("#1F77B4", "#FF7F0E", "#2CA02C", "#D62728", "#9467BD", "#8C564B")) < 10.0


# The backgrounds of Streamlit's own themes; the browser's tests look whether they still are.
BACKGROUNDS = {"light": "#FFFFFF", "dark": "#171614"}


@pytest.mark.parametrize("page", list(BACKGROUNDS.values()))
def test_graphics_are_seen_on_both_backgrounds(page: str) -> None:
    drawn = {*theme.PALETTE, theme.GAIN, theme.LOSS, theme.NEUTRAL, theme.WARNING, *decisions.COLOURS.values()}
    faint = [colour for colour in sorted(drawn) if contrast(linear(colour), linear(page)) < 3.0]
    assert faint == [], "WCAG asks for 3 of graphics"
    # What was drawn before would not do: amber on white, brown on black.
    assert contrast(linear("#E69F00"), linear("#FFFFFF")) < 3.0 > contrast(linear("#773311"), linear("#171614"))


def test_every_reason_has_a_colour() -> None:
    assert list(decisions.COLOURS) == decisions.REASONS
    assert len(set(decisions.COLOURS.values())) == len(decisions.COLOURS)


def test_the_names_in_the_tree_are_read_on_every_area(frames: Frames) -> None:
    (tree,) = FIGURES["holdings"](frames).data
    areas, texts_on = list(tree.marker.colors), list(tree.textfont.color)
    assert len(areas) == len(texts_on) == len(tree.labels) > 20
    assert min(contrast(linear(area), linear(text)) for area, text in zip(areas, texts_on, strict=True)) >= 4.5
    assert set(texts_on) <= {"#000000", "#FFFFFF"}


@pytest.mark.parametrize("share", [-1.0, -0.5, 0.0, 0.3, 1.0, 7.0])
def test_black_or_white_is_read_on_every_share(share: float) -> None:
    colour = theme.diverging(share, 1.0)
    assert contrast(linear(colour), linear(theme.text_on(colour))) >= 4.5
    assert theme.diverging(0.0, 0.0) == theme.diverging(0.0, 1.0) == theme.DIVERGING[1][1]


# What the axes of money are in.
OF_MONEY = {
    "equity": "y", "day": "y", "targets": "x", "savings": "y", "profit by bot": "x", "duration": "y", "costs": "y",
    "costs of bots": "y", "exposures": "x",
}  # fmt: skip


@pytest.mark.parametrize("name", list(OF_MONEY))
def test_an_axis_of_money_says_its_currency(name: str, frames: Frames) -> None:
    assert FIGURES[name](frames).layout[f"{OF_MONEY[name]}axis"].title.text.endswith(", USDT")


def test_what_is_written_behind_bars_lies_over_neither_names_nor_bars(frames: Frames) -> None:
    table = win_rates(frames["facts"], Dimension.BOT)
    figure = round_trips.profit_by_group_figure(table, "bot", Money("USDT"))
    assert (table["profit"] < 0.0).any(), "a bot must have lost, or there is nothing to see"
    for note, profit in zip(figure.layout.annotations, table["profit"], strict=True):
        assert note.x == max(profit, 0.0) and note.xanchor == "left" and note.xshift > 0
        assert figure.layout.margin.r >= theme.LETTER_PX * len(note.text) + note.xshift


# How colours look without one kind of cone: Machado, Oliveira and Fernandes (2009), severity 1, of linear RGB.
VISIONS = {
    "all cones": np.eye(3).tolist(),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def smallest_difference(colours: Sequence[str]) -> float:
    """Give the smallest distance of two colours in CIE Lab, over all kinds of colour vision."""
    distances = []
    for matrix in VISIONS.values():
        seen = np.array([lab(np.array(matrix) @ linear(colour)) for colour in colours])
        apart = np.linalg.norm(seen[:, None] - seen[None, :], axis=2)
        distances.append(apart[np.triu_indices(len(colours), 1)].min())
    return min(distances)


def linear(colour: str) -> np.ndarray:
    """Give linear RGB of `#rrggbb`."""
    coded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Give CIE Lab (D65) of linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in to_xyz @ rgb.clip(0, 1) / [0.9505, 1, 1.089]
    )
    return np.array([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """Give the contrast ratio of two colours (WCAG)."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    bright, dark = sorted((float(one @ weights), float(other @ weights)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_an_empty_figure_of_a_hostile_message_is_text() -> None:
    assert "<" not in theme.empty_figure("<b>x</b>").layout.annotations[0].text


def many(frame: DataFrame, by: str, **changed: Any) -> DataFrame:
    """Give a hundred rows made of the first, told apart by a number: they grow, every other one below 0."""
    rows = concat([frame.head(1)] * 100, ignore_index=True).assign(**changed)
    return rows.assign(**{by: np.arange(100.0) * np.where(np.arange(100) % 2, -1.0, 1.0)})


def test_of_many_bots_those_furthest_from_their_targets_are_drawn(frames: Frames) -> None:
    names = [f"bot_{place:02d}" for place in range(100)]
    figure = allocations.targets_figure(many(frames["targets"], "difference", bot=names), Money("USDT"))
    assert [list(trace.y) for trace in figure.data] == [names[60:]] * 2
    assert figure.layout.xaxis.title.text == "money, the 40 furthest from their targets of 100, USDT"
    few = allocations.targets_figure(frames["targets"].head(3), Money("USDT"))
    assert len(few.data[0].y) == 3 and few.layout.xaxis.title.text == "money, USDT"


def test_of_many_brakes_those_closest_to_their_limit_are_drawn(frames: Frames) -> None:
    names = [f"bot_{place:02d}" for place in range(100)]
    brakes = many(frames["brakes"], "used", scope=names).assign(used=np.arange(100) / 100.0)
    figure = risk.brake_bars_figure(brakes)
    assert list(figure.data[0].x) == pytest.approx(np.arange(60, 100) / 100.0)
    assert figure.layout.xaxis.title.text == "of the limit, the 40 closest to it of 100"


def test_of_many_positions_the_closest_to_their_stops_are_drawn(frames: Frames) -> None:
    held = frames["positions"][frames["positions"]["distance_fraction"].notna()]
    figure = risk.stop_distances_figure(
        many(held, "distance_fraction").assign(distance_fraction=np.arange(100)[::-1] / 100.0)
    )
    assert list(figure.data[0].x) == pytest.approx(np.arange(40) / 100.0)
    assert figure.layout.xaxis.title.text == "away from the exit, n = 100 positions, the 40 closest of 100"


def test_small_areas_have_no_name_but_say_it_when_pointed_at(frames: Frames) -> None:
    holdings = frames["holdings"].copy()
    bots = np.flatnonzero((holdings["scope_kind"] == "BOT").to_numpy())
    holdings.loc[bots[0], "equity"] = allocations.SMALLEST_NAMED / 2 * holdings.loc[bots, "equity"].sum()
    (tree,) = allocations.holdings_figure(holdings).data
    named = dict(zip(tree.labels, tree.texttemplate, strict=True))
    small = holdings.loc[bots[0], "scope"]
    assert [label for label, template in named.items() if not template] == [small]
    assert "%{label}" in tree.hovertemplate
