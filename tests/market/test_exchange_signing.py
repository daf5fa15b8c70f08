"""In paper trading nothing signed leaves the machine."""

from typing import Any

import pytest
import requests

from shared.errors import MarketError
from tests.exchange.server import Server
from tests.market.exchanges import options
from worker.exchange.client import make_client
from worker.exchange.transport import refuse_signed


def test_nothing_signed_leaves_the_machine(server: Server) -> None:
    client = make_client(options(server))
    client.load_markets()
    client.apiKey, client.secret = "key", "secret"
    for call in (client.fetch_balance, lambda: client.create_order("BTC/USDT", "market", "buy", 1.0)):
        before = len(server.log)
        with pytest.raises(MarketError, match="must be public in paper trading"):
            call()
        assert len(server.log) == before


@pytest.mark.parametrize(
    "request_of",
    [
        {"headers": {"X-MBX-APIKEY": "k"}},
        {"headers": {"OK-ACCESS-SIGN": "s"}},
        {"params": {"signature": "s"}},
        {"data": "symbol=BTCUSDT&signature=s", "method": "POST"},
        {"json": {"action": {}, "signature": {"r": "0x"}}, "method": "POST"},
    ],
)
def test_every_way_to_sign_is_recognised(request_of: dict[str, Any]) -> None:
    signed = requests.Request(**{"method": "GET", "url": "https://example.org/order", **request_of}).prepare()
    with pytest.raises(MarketError, match="/order was signed"):
        refuse_signed(signed)


def test_public_requests_are_not_taken_for_signed_ones() -> None:
    public = {"symbol": "SIGN/USDT", "type": "candleSnapshot"}
    refuse_signed(
        requests.Request("POST", "https://example.org/info", json=public, headers={"User-Agent": "x"}).prepare()
    )
    refuse_signed(requests.Request("GET", "https://example.org/klines", params=public).prepare())
