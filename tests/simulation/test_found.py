"""What simulated days found, each by itself."""

from decimal import Decimal
from pathlib import Path

import pytest

from shared.enums import Side
from shared.errors import MarketError
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


def test_a_setting_that_a_busy_exchange_did_not_take_is_no_fault_of_the_settings(tmp_path: Path) -> None:
    world = World(tmp_path, VENUES["bybit swap"], settings_of(VENUES["bybit swap"]))
    body = '{"code":-1003,"msg":"Too many requests"}'
    world.desk.faults.add("status", "*switch-mode", code=429, body=body, headers={"Retry-After": "2"})
    with pytest.raises(MarketError, match="^main position mode .*Too many requests"):
        world.start()
    world.end(world.start())
    world.close()
