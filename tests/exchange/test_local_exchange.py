"""The local exchange itself: its numbers agree with each other, and its answers parse in full."""

from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatch

import ccxt
import pytest

from shared.clock import ManualClock
from shared.settings import MarketSettings
from tests.exchange.engine import Exchange
from tests.exchange.faults import Faults
from tests.exchange.server import Server
from worker.exchange.client import make_client

NOW_MS = 1_736_049_602_000
HOUR_MS = 3_600_000


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Exchange(ManualClock(NOW_MS).now_ms)) as running:
        yield running


@pytest.fixture
def client(server: Server) -> ccxt.Exchange:
    return make_client(MarketSettings(kind="ccxt", endpoint=server.url))


def test_price_is_a_pure_function_and_candles_and_ticker_agree_with_it(server: Server, client: ccxt.Exchange) -> None:
    rows = client.fetch_ohlcv("BTC/USDT", "1h", NOW_MS - 5 * HOUR_MS, 10)
    assert rows[-1][4] == client.fetch_ticker("BTC/USDT")["last"] == float(server.exchange.price("BTCUSDT", NOW_MS))
    assert [row[4] for row in rows[:-1]] == [row[1] for row in rows[1:]]
    assert server.exchange.price("BTCUSDT", NOW_MS) == Exchange(lambda: 0).price("BTCUSDT", NOW_MS)


def test_every_field_of_a_ticker_that_binance_gives_is_there(client: ccxt.Exchange) -> None:
    ticker = client.fetch_ticker("ETH/USDT")
    absent = {"markPrice", "indexPrice"}
    assert {key for key, value in ticker.items() if value is None} <= absent
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


def test_prices_are_whole_ticks(server: Server) -> None:
    prices = [server.exchange.price("SOLUSDT", NOW_MS - minute * 60_000) for minute in range(200)]
    assert all(price % Decimal("0.01") == 0 for price in prices) and len(set(prices)) > 100


def test_errors_have_the_classes_of_the_real_exchange(server: Server, client: ccxt.Exchange) -> None:
    client.load_markets()
    server.exchange.listings[0].listed = False
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("BTC/USDT", "1h")
    server.faults.add("status", code=429, body='{"code":-1003,"msg":"Too many requests"}')
    with pytest.raises(ccxt.DDoSProtection):
        client.fetch_time()


def test_only_loopback_is_ever_contacted(server: Server, client: ccxt.Exchange) -> None:
    client.fetch_ohlcv("BTC/USDT", "1h")
    adapter = client.session.get_adapter("https://api.binance.com")
    assert adapter.hosts_seen and all(fnmatch(host, "*.binance.com") for host in adapter.hosts_seen)
    assert adapter.endpoint.hostname == "127.0.0.1" and len(server.log) >= 2


def test_faults_are_used_up_in_order_after_those_that_pass() -> None:
    faults = Faults()
    faults.add("reset", "*/klines", times=2, skip=1)
    faults.add("html", "*", method="GET")
    taken = [faults.take("GET", path) for path in ("/a/klines", "/a/klines", "/a/time", "/a/klines", "/a/klines")]
    assert [rule and rule.action for rule in taken] == [None, "reset", "html", "reset", None]
    assert faults.fired == [("reset", "/a/klines"), ("html", "/a/time"), ("reset", "/a/klines")]
    with pytest.raises(ValueError, match="action must be one of"):
        faults.add("explode")
