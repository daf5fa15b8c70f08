"""A replay does the same however many bars it makes at once, and however few fills it has room for."""

import pytest

from shared.settings import load_settings
from tests.research.runs import SMALL_FLEET
from worker.fleet.plan import plan_fleet, planned_bots
from worker.research import replay as replaying
from worker.research.history import simulate_history
from worker.research.replay import Replay, replay_fleet

SETTINGS = load_settings(None, {}, [*SMALL_FLEET, "risk.edge_to_cost=0.0", "risk.min_notional=20.0"])
PLAN = plan_fleet(planned_bots(SETTINGS))
GRID = simulate_history(SETTINGS, PLAN.symbols, 120).grid


def digits(run: Replay) -> list[bytes]:
    arrays = run.fills, run.equity, run.exposure, run.sleeve_equity, run.reasons, run.held, run.flows, run.rebalance_ms
    return [array.tobytes() for array in arrays]


def test_fills_are_the_same_in_one_stretch_in_many_and_where_there_is_room_for_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = replay_fleet(SETTINGS, PLAN, GRID, {}, {})
    assert len(whole.fills) > 20 * len(PLAN.bots)
    for bars_at_once, fill_room in ((100, 1 << 17), (1 << 15, 0), (100, 0), (1, 0)):
        monkeypatch.setattr(replaying, "BARS_AT_ONCE", bars_at_once)
        monkeypatch.setattr(replaying, "FILL_ROOM", fill_room)
        assert digits(replay_fleet(SETTINGS, PLAN, GRID, {}, {})) == digits(whole), (bars_at_once, fill_room)
