"""An account over a real socket: the local exchange is listened to, believed where it makes sense, and left in time."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from shared.accounts import AccountSettings
from shared.clock import SystemClock
from shared.errors import ConfigurationError, MarketError
from tests.account.recording import KEYS, request_of
from tests.exchange.engine import Exchange
from tests.exchange.server import Server
from worker.exchange.account import CcxtAccount
from worker.exchange.protocol import Fate

AHEAD_MS = 60_000


@pytest.fixture
def server() -> Iterator[Server]:
    clock = SystemClock()
    with Server(Exchange(lambda: clock.now_ms() + AHEAD_MS)) as running:
        yield running


def test_connections_are_kept_and_closed(server: Server) -> None:
    account = account_of(server, "spot")
    account.connect(["BTC/USDT"])
    pools = account._wire.transport._network.poolmanager.pools
    assert len(pools) == 1
    account.close()
    assert len(pools) == 0


def account_of(server: Server, kind: str) -> CcxtAccount:
    settings = AccountSettings.model_validate({"exchange": "binance", "type": kind, "endpoint": server.url})
    return CcxtAccount("main", settings, KEYS, SystemClock())


@pytest.mark.parametrize("kind", ["spot", "swap"])
def test_time_and_listing_are_those_of_the_exchange(server: Server, kind: str) -> None:
    account = account_of(server, kind)
    account.connect(["BTC/USDT"])
    assert abs(account.skew_ms() - AHEAD_MS) < 5_000
    rules = account.rules("BTC/USDT")
    assert (rules.step, rules.tick, rules.per_contract, rules.is_trading) == (
        Decimal("0.00001"),
        Decimal("0.01"),
        1,
        True,
    )
    assert 0 < account.budget.used < account.budget.limit / 10
    with pytest.raises(ConfigurationError, match="symbol must be listed among"):
        account.connect(["BTC/EUR"])


def test_a_market_that_is_halted_or_gone_is_known_to_be(server: Server) -> None:
    account = account_of(server, "spot")
    account.connect(["BTC/USDT"])
    server.exchange.listings[0].status = "BREAK"
    account.connect(["BTC/USDT"])
    assert not account.rules("BTC/USDT").is_trading
    server.exchange.listings[0].listed = False
    account.connect(["BTC/USDT"])
    assert not account.rules("BTC/USDT").is_trading


@pytest.mark.parametrize("action", ["reset", "short", "malformed", "empty", "null", "html"])
def test_a_listing_that_breaks_on_the_way_is_none(server: Server, action: str) -> None:
    account = account_of(server, "spot")
    server.faults.add(action, "*/exchangeInfo", times=9)
    with pytest.raises(MarketError, match="list of spot markets could not be read"):
        account.connect(["BTC/USDT"])


def test_an_order_to_an_address_that_is_not_there_is_unknown_until_it_is_looked_up(server: Server) -> None:
    account = account_of(server, "spot")
    account.connect(["BTC/USDT"])
    server.faults.add("status", "*/order", code=404)
    assert account.send(request_of("BTC/USDT")).fate is Fate.UNKNOWN
