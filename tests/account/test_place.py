"""Where requests go: the testnet unless told otherwise, this machine where an endpoint is given, and nowhere else."""

from typing import Any

import pytest
import requests

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.errors import ConfigurationError, MarketError
from tests.account.recording import KEYS, NOW_MS, Recorder, make_account, request_of
from tests.account.test_requests import EMPTY
from worker.exchange.account import CcxtAccount
from worker.exchange.protocol import Fate, Refusal
from worker.exchange.quirks import Quirks
from worker.exchange.table import QUIRKS, quirks_of

WITH_TESTNET = [row for row in QUIRKS if row.sandbox is not None]


def name(row: Quirks) -> str:
    return f"{row.exchange} {row.kind}"


@pytest.mark.parametrize("row", WITH_TESTNET, ids=name)
def test_orders_go_to_the_testnet_unless_told_otherwise(row: Quirks) -> None:
    assert row.sandbox is not None
    recorder = Recorder("")
    account = make_account(row, recorder, sandbox=True)
    account.send(request_of(next(iter(account._places))))
    assert account.hosts_seen and account.hosts_seen <= set(row.sandbox.hosts)
    assert not row.sandbox.header or recorder.sent[0].headers[row.sandbox.header] == "1"


@pytest.mark.parametrize("row", QUIRKS, ids=name)
def test_orders_go_to_the_exchange_where_that_is_written(row: Quirks) -> None:
    recorder = Recorder("")
    account = make_account(row, recorder)
    account.send(request_of(next(iter(account._places))))
    assert account.hosts_seen and account.hosts_seen <= set(row.hosts)
    assert row.sandbox is None or not row.sandbox.header or row.sandbox.header not in recorder.sent[0].headers


@pytest.mark.parametrize("row", QUIRKS, ids=name)
def test_the_listing_is_read_from_hosts_that_are_known(row: Quirks) -> None:
    for sandbox in (False, True) if row.sandbox is not None else (False,):
        recorder = Recorder(EMPTY[row.exchange])
        account = make_account(row, recorder, sandbox=sandbox)
        del account._wire.client.load_markets, account._wire.client.fetch_time
        with pytest.raises(MarketError, match=r"list of .* could not be read: held no"):
            account.connect([])
        assert recorder.sent and {sent.method for sent in recorder.sent} == {"GET"}


@pytest.mark.parametrize("row", [row for row in QUIRKS if row.sandbox is None], ids=name)
def test_an_exchange_without_a_testnet_must_be_meant(row: Quirks) -> None:
    settings = AccountSettings.model_validate({"exchange": row.exchange, "type": row.kind})
    with pytest.raises(
        ConfigurationError, match=rf"accounts\.main\.sandbox must be false, for ccxt .* of {row.exchange}, was true"
    ):
        CcxtAccount("main", settings, KEYS, ManualClock(NOW_MS))


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("exchange", ["binance", "gate", "okx", "bybit"])
def test_a_client_that_is_led_to_the_other_place_sends_nothing(exchange: str, sandbox: bool) -> None:
    recorder = Recorder("")
    account = make_account(quirks_of(exchange, "spot"), recorder, sandbox=sandbox)
    account._wire.client.set_sandbox_mode(not sandbox)
    answer = account.send(request_of("BTC/USDT"))
    assert (answer.fate, answer.refusal, recorder.sent) == (Fate.REJECTED, Refusal.KEY, [])
    assert "not sent: " in answer.text and ("testnet" if sandbox else "exchange") in answer.text


def test_a_client_that_is_led_elsewhere_sends_nothing() -> None:
    recorder = Recorder("")
    account = make_account(quirks_of("binance", "spot"), recorder)
    account._wire.client.urls["api"]["private"] = "https://api.binance.com.example.org/api/v3"
    assert "must be api.binance.com, was api.binance.com.example.org" in account.send(request_of("BTC/USDT")).text
    assert recorder.sent == []


@pytest.mark.parametrize("exchange", ["binance", "gate", "okx", "kraken", "bitget"])
def test_with_an_endpoint_everything_goes_there_and_the_client_sees_its_own_addresses(exchange: str) -> None:
    recorder = Recorder("")
    account = make_account(quirks_of(exchange, "spot"), recorder, sandbox=True, endpoint="http://127.0.0.1:8123")
    account.send(request_of("BTC/USDT"))
    sent = recorder.sent[0]
    assert sent.url.startswith("http://127.0.0.1:8123/")
    assert {sent.headers["Host"]} == account.hosts_seen <= set(account._quirks.hosts)


def test_an_endpoint_elsewhere_is_refused() -> None:
    settings = AccountSettings().model_copy(update={"endpoint": "https://example.org"})
    with pytest.raises(ConfigurationError, match="accounts.main.endpoint must be on this machine"):
        CcxtAccount("main", settings, KEYS, ManualClock(NOW_MS))


class Settable:
    """Answers calls about margin as Binance does; `stuck` are the settings that cannot be changed."""

    def __init__(self, stuck: tuple[str, ...] = ()) -> None:
        self.stuck = stuck
        self.hedged, self.isolated, self.leverage = True, False, 20
        self.already = False

    def __call__(self, request: requests.PreparedRequest) -> Any:
        path, said = str(request.url).partition("?")[0].rpartition("/")[2], f"{request.url} {request.body!r}"
        if request.method == "POST":
            return self._set(path, said)
        if path == "dual":
            return {"dualSidePosition": self.hedged}
        margin = "ISOLATED" if self.isolated else "CROSSED"
        return [{"symbol": "BTCUSDT", "marginType": margin, "leverage": self.leverage, "isAutoAddMargin": "false"}]

    def _set(self, path: str, said: str) -> Any:
        if path in self.stuck:
            return 400, '{"code":-4048,"msg":"Margin type cannot be changed if there exists position."}'
        if path == "dual":
            self.hedged = "dualSidePosition=true" in said
        if path == "marginType":
            if self.isolated and "ISOLATED" in said:
                return 400, '{"code":-4046,"msg":"No need to change margin type."}'
            self.isolated = "ISOLATED" in said
        if path == "leverage":
            self.leverage = int(said.partition("leverage=")[2].partition("&")[0])
        return {"code": 200, "msg": "success", "leverage": self.leverage, "symbol": "BTCUSDT"}


def test_position_mode_margin_mode_and_leverage_are_set_and_read_back() -> None:
    exchange = Settable()
    account = make_account(quirks_of("binance", "swap"), Recorder(exchange))
    for _ in range(2):
        account.set_up(["BTC/USDT"], 3, True, False)
        assert (exchange.hedged, exchange.isolated, exchange.leverage) == (False, True, 3)
    make_account(quirks_of("binance", "spot"), Recorder("")).set_up(["BTC/USDT"], 3, True, False)


@pytest.mark.parametrize(
    ("stuck", "words"),
    [
        ("dual", "position mode on main must be one-way, could not be set: .*; was hedge"),
        ("marginType", "margin mode of BTC/USDT on main must be isolated, could not be set: .*; was cross"),
        ("leverage", "leverage of BTC/USDT on main must be 3, could not be set: .*; was 20"),
    ],
)
def test_what_cannot_be_set_is_refused(stuck: str, words: str) -> None:
    account = make_account(quirks_of("binance", "swap"), Recorder(Settable((stuck,))))
    with pytest.raises(ConfigurationError, match=words):
        account.set_up(["BTC/USDT"], 3, True, False)


def test_positions_both_ways_are_refused() -> None:
    account = make_account(quirks_of("binance", "swap"), Recorder(Settable()))
    with pytest.raises(ConfigurationError, match="position mode of account main must be one-way, was hedge"):
        account.set_up(["BTC/USDT"], 3, True, True)


def test_cross_margin_is_refused_where_it_cannot_be_set() -> None:
    account = make_account(quirks_of("gate", "swap"), Recorder({"dual_mode": False, "in_dual_mode": False}))
    with pytest.raises(ConfigurationError, match="margin mode of BTC/USDT of main must be cross, cannot be set"):
        account.set_up(["BTC/USDT"], 3, False, False)
