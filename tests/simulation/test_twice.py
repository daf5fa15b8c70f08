"""Orders that the network delivers twice: what a name protects from on each face; the rest is accounted for."""

from pathlib import Path

import pytest

from tests.exchange import record
from tests.simulation.checks import broken
from tests.simulation.test_resting import LEVEL, SENT_MS, go, make_world, strategies
from tests.simulation.world import World

__all__ = ["strategies"]

# Binance takes a name again once the first order of it is over, Gate at any time, Bybit never.
MADE = {
    "binance spot": {"market": 2, "maker": 1},
    "binance swap": {"market": 2, "maker": 1},
    "gate spot": {"market": 2, "maker": 2},
    "bybit unified": {"market": 1, "maker": 1},
}
CASES = [(venue, style) for venue in MADE for style in ("market", "maker") if not venue.endswith("swap")]


def _made(world: World) -> list[record.OrderRow]:
    """Give the orders of the first name on the exchange."""
    (name,) = world.rows('SELECT client_order_id FROM "order" WHERE attempt = 0 AND step = 1')[0]
    known = record.orders_by_client_id(world.exchange, world.account)
    return [order for written, orders in known.items() if written.removeprefix("t-") == name for order in orders]


@pytest.mark.slow
@pytest.mark.parametrize(("venue", "style"), [*CASES, ("binance swap", "market")])
def test_an_order_delivered_twice_is_accounted_for(tmp_path: Path, venue: str, style: str) -> None:
    world = make_world(tmp_path, venue, lambda s: LEVEL, f"broker.order={style}", "broker.reconcile_seconds=120")
    fault = world.desk.faults.add("twice", "*order*", "POST")
    fault.since_ms = SENT_MS
    process = go(world, 200)
    assert [action for action, _ in world.desk.faults.fired] == ["twice"]
    made = _made(world)
    assert len(made) == MADE[venue][style]
    ((held,),) = world.rows("SELECT units FROM bot_state")
    if style == "maker":
        # Of two that rest one is left.
        assert [order.status for order in made].count("NEW") == 1
        assert held == 0
    go(world, 330, process)
    assert world.rows("SELECT count(*) FROM account_state WHERE differs = 1") == [(0,)]
    world.end(process)
    assert broken(world) == []
