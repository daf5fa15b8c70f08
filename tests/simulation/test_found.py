"""What simulated days found, each by itself."""

from decimal import Decimal
from pathlib import Path

import pytest

from shared.enums import Side
from tests.simulation.death import Places, never
from tests.simulation.world import ACCOUNT, VENUES, World, settings_of
from worker.exchange.protocol import Fate, OrderKind, OrderRequest
from worker.fleet.markets import unit_size
from worker.market.protocol import Limits


def test_fees_in_coins_are_counted_finer_than_the_step() -> None:
    limits = Limits(quantity_step=0.0001, price=3_000.0)
    assert unit_size(limits, 5_000.0) == 1e-4
    assert unit_size(limits, 5_000.0, pays_in_coins=True) == 1e-8
    cheap = Limits(quantity_step=1.0, price=1e-5)
    assert 1e-8 < unit_size(cheap, 5_000.0, pays_in_coins=True) <= 1.0


@pytest.mark.parametrize("venue", VENUES)
def test_orders_and_positions_of_several_symbols_are_read_where_they_are(tmp_path: Path, venue: str) -> None:
    world = World(tmp_path, VENUES[venue], settings_of(VENUES[venue]))
    client = world._client(Places(never), "one")
    client.connect(tuple(world.venue.listed))
    price = world.exchange.price("BTCUSDT")
    low = round(price * Decimal("0.9"), 1)
    resting = OrderRequest(
        "wsimuaaaaaaaaaaaaa",
        "BTC/USDT",
        Side.BUY,
        Decimal("0.01"),
        OrderKind.LIMIT,
        price,
        low,
    )
    assert client.send(resting).fate is Fate.ACCEPTED
    bought = OrderRequest("wsimubbbbbbbbbbbbb", "ETH/USDT", Side.BUY, Decimal("0.5"), OrderKind.MARKET, Decimal(3_000))
    assert client.send(bought).fate is Fate.ACCEPTED
    symbols = tuple(world.venue.listed)
    assert [order.client_order_id for order in client.open_orders(symbols)] == ["wsimuaaaaaaaaaaaaa"]
    known = next(iter(world.exchange.matching.trades)).order
    found = client.look_up("ETH/USDT", "wsimubbbbbbbbbbbbb", None, world.clock.now_ms())
    assert found.order is not None and found.order.filled == known.filled
    held = client.positions(symbols)
    assert held == ({"BTC/USDT": 0, "ETH/USDT": known.filled} if world.venue.type == "swap" else {})
    assert client.name == ACCOUNT
    world.close()
