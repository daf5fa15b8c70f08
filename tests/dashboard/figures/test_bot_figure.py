"""The candles of a bot: the lines of its strategy, a reversal that shows exit and entry, the trade that was clicked."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from pandas import DataFrame

from dashboard.components.charted_time import in_zone
from dashboard.figures.bot import candles_figure
from dashboard.queries.bot import load_bot_fills, load_candles, load_protection
from dashboard.queries.decisions import load_decisions
from dashboard.queries.seen import load_lines
from shared.units import HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import ID
from tests.dashboard.queries.conftest import connected
from worker.strategies import registry

CHANNEL_BOT = "bo_eth_usdt_1h_p2"
NOTHING = DataFrame({"line": [], "time_ms": [], "price": []})


def drawn(bot: str = CHANNEL_BOT, trade: tuple[int, int] | None = None) -> go.Figure:
    for connection in connected(seeding.seeded()):
        frames = [load(connection, ID, bot) for load in (load_candles, load_bot_fills, load_protection, load_decisions)]
        return candles_figure(*frames, load_lines(connection, ID, bot), trade=trade)
    raise AssertionError


def named(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize(
    ("bot", "lines"),
    [
        ("mr_btc_usdt_1h_p1", {"average", "band low", "band high"}),
        (CHANNEL_BOT, {"channel high", "channel low", "exit high", "exit low"}),
        ("tf_sol_usdt_1h_p1", {"fast average", "slow average", "unclear low", "unclear high"}),
    ],
)
def test_the_lines_of_a_strategy_are_drawn_on_the_candles(bot: str, lines: set[str]) -> None:
    traces = named(drawn(bot))
    assert lines <= set(traces)
    for name in lines:
        assert np.array_equal(traces[name].x, traces["candles"].x) and traces[name].yaxis == traces["candles"].yaxis
    colours = {name: traces[name].line.color for name in lines}
    assert len(set(colours.values())) == len({name.removesuffix(" low").removesuffix(" high") for name in lines})


def test_another_rule_draws_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    own = registry.STRATEGIES["breakout"]
    before = named(drawn())["channel high"].y
    monkeypatch.setitem(
        registry.STRATEGIES, "breakout", replace(own, rule=lambda bars, window_bars: own.rule(bars, window_bars // 2))
    )
    after = named(drawn())["channel high"].y
    assert np.all(after <= before) and np.any(after < before)


def test_a_reversal_shows_exit_and_entry() -> None:
    fills = DataFrame(
        {
            "time_ms": [0, HOUR_MS, HOUR_MS, 2 * HOUR_MS],
            "leg": ["OPEN", "CLOSE", "OPEN", "CLOSE"],
            "kind": ["ENTRY_LONG", "EXIT_LONG", "ENTRY_SHORT", "EXIT_SHORT"],
            "price": [100.0, 101.0, 101.0, 99.0],
            "quantity": [1.0, -1.0, -1.0, 1.0],
            "fee": [0.1] * 4,
            "trigger": ["SIGNAL"] * 4,
        }
    )
    traces = named(candles_figure(DataFrame(), fills, DataFrame({"time_ms": []}), DataFrame({"until_ms": []}), NOTHING))
    both = "reversal: exit of a long, then entry, short"
    assert traces["exit of a long"].customdata[0][3] == traces["entry, short"].customdata[0][3] == both
    assert traces["entry, long"].customdata[0][3] == "entry, long"
    exit_, entry = traces["exit of a long"].marker, traces["entry, short"].marker
    assert exit_.symbol == "circle-open" and exit_.size > entry.size, "a ring around what it would else hide"


def test_the_trade_that_was_clicked_is_shaded_in_every_zone() -> None:
    assert not drawn().layout.shapes
    shape = drawn(trade=(HOUR_MS, 3 * HOUR_MS)).layout.shapes[0]
    assert (shape.x0, shape.x1) == (HOUR_MS, 3 * HOUR_MS)
    moved = in_zone(drawn(trade=(HOUR_MS, 3 * HOUR_MS)), "Asia/Kolkata").layout.shapes[0]
    assert moved.x0 - shape.x0 == moved.x1 - shape.x1 == 5.5 * HOUR_MS


def test_the_band_begins_with_the_candles_on_show() -> None:
    candles = DataFrame({name: [1.0] * 3 for name in ("open", "high", "low", "close")})
    candles["open_ms"] = [2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]
    decisions = DataFrame({"from_ms": [0], "until_ms": [5 * HOUR_MS], "low": [-1.0], "high": [1.0], "confirmed": [0.0]})
    nothing = DataFrame({"time_ms": [], "position": [], "kind": [], "leg": []})
    traces = named(candles_figure(candles, nothing, nothing, decisions, NOTHING))
    assert {traces[name].x[0] for name in ("band", "confirmed exposure", "candles")} == {2 * HOUR_MS}
