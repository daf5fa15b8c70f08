"""Faults as the client sees them, without sockets on a virtual clock and by real ones, and that both agree."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import ccxt
import pytest
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from shared.clock import SystemClock
from tests.exchange import record
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.faults import ACTIONS, UNREACHED, Faults
from tests.exchange.server import Server
from tests.exchange.venue import Venue, make_client, make_venue
from tests.exchange.wire import Request

SPOT = "BTC/USDT"
# Real seconds are dear: silence by sockets is this long.
PATIENCE_MS = 300


class Redirect(HTTPAdapter):
    """Send every request to a server on this machine; the client still sees its own addresses."""

    def __init__(self, url: str) -> None:
        super().__init__(max_retries=0)
        self._address = urlsplit(url).netloc

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        url = urlsplit(request.url or "")
        request.url = urlunsplit(("http", self._address, url.path, url.query, ""))
        return super().send(request, *args, **kwargs)


# What is done to the order's request, what the client then has, and how many orders there are after it.
OUTCOMES: dict[str, tuple[dict[str, Any], str, int]] = {
    "delay": ({"s": 0.05}, "an order", 1),
    "hang": ({}, "RequestTimeout", 0),
    "reset": ({}, "NetworkError", 0),
    "status": ({"code": 503}, "ExchangeNotAvailable", 0),
    "accept_hang": ({}, "RequestTimeout", 1),
    "accept_reset": ({}, "NetworkError", 1),
    "accept_status": ({"code": 502}, "ExchangeNotAvailable", 1),
    "malformed": ({}, "an answer without an order", 1),
    "empty": ({}, "an answer without an order", 1),
    "null": ({}, "an answer without an order", 1),
    "html": ({}, "an answer without an order", 1),
    "short": ({}, "NetworkError", 1),
    "drip": ({"s": 0.02, "parts": 4}, "an order", 1),
    "twice": ({}, "an order", 2),
    "refused": ({}, "NetworkError", 0),
    "connect_timeout": ({}, "RequestTimeout", 0),
}


def outcome(client: ccxt.Exchange, name: str) -> str:
    """Place an order and say what the client has then."""
    try:
        order = client.create_order(SPOT, "market", "buy", "0.01", None, {"clientOrderId": name})
    except ccxt.BaseError as error:
        return type(error).__name__
    return "an order" if order["id"] else "an answer without an order"


def made(exchange: Exchange, name: str) -> int:
    return len(record.orders_by_client_id(exchange, exchange.accounts["tester"])[name])


def test_every_fault_is_here() -> None:
    assert set(OUTCOMES) == set(ACTIONS)


@pytest.mark.parametrize("action", OUTCOMES)
def test_without_sockets_a_fault_is_what_it_is_by_them(binance: Venue, action: str) -> None:
    arguments, expected, orders = OUTCOMES[action]
    binance.desk.faults.add(action, "*/order", "POST", **arguments)
    assert (outcome(binance.client, "w1"), made(binance.exchange, "w1")) == (expected, orders)
    assert binance.desk.faults.fired == [(action, "/api/v3/order")]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Server, ccxt.Exchange]]:
    exchange = Exchange(SystemClock().now_ms)
    account = exchange.open_account("tester", USDT="100000")
    with Server(exchange) as server:
        client = make_client("binance", account, enableRateLimit=False)
        client.session.mount("https://", Redirect(server.url))
        client.load_markets()
        yield server, client


@pytest.mark.parametrize("action", [action for action in OUTCOMES if action not in UNREACHED])
def test_by_sockets_too(served: tuple[Server, ccxt.Exchange], action: str) -> None:
    server, client = served
    arguments, expected, orders = OUTCOMES[action]
    client.timeout = PATIENCE_MS if expected == "RequestTimeout" else 10_000
    silence = {"s": 2 * PATIENCE_MS / 1000} if action.endswith("hang") else {}
    server.faults.add(action, "*/order", "POST", **arguments, **silence)
    assert (outcome(client, action), made(server.exchange, action)) == (expected, orders)


SCRIPT: list[tuple[str, str, dict[str, Any]]] = [
    ("accept_reset", "POST", {}),
    ("status", "GET", {"code": 429, "body": '{"code":-1003,"msg":"x"}', "headers": {"Retry-After": "2"}}),
    ("twice", "POST", {}),
    ("reset", "DELETE", {}),
    ("html", "GET", {}),
    ("reset", "POST", {}),
    ("short", "GET", {}),
]


def played(client: ccxt.Exchange, faults: Faults, exchange: Exchange) -> list[object]:
    """Play a script of calls and faults, and give each outcome and the end state."""
    exchange.price_override["BTCUSDT"] = lambda time_ms: 60_000.0
    for action, method, arguments in SCRIPT:
        faults.add(action, "/api/v3/*", method, skip=1, **arguments)
    calls: list[Callable[[int], Any]] = [
        lambda n: client.create_order(SPOT, "market", "buy", "0.01", None, {"clientOrderId": f"m{n}"})["filled"],
        lambda n: client.create_order(SPOT, "limit", "buy", "0.01", "55000", {"clientOrderId": f"l{n}"})["status"],
        lambda n: client.fetch_order(None, SPOT, {"clientOrderId": f"m{n}"})["status"],
        lambda n: client.cancel_order(None, SPOT, {"clientOrderId": f"l{n}"})["status"],
        lambda n: client.fetch_balance()["USDT"],
        lambda n: len(client.fetch_my_trades(SPOT)),
    ]
    seen = [attempt(lambda call=call, n=n: call(n)) for n in range(6) for call in calls]
    orders = record.orders_by_client_id(exchange, exchange.accounts["tester"])
    rows = {name: [row._replace(time_ms=0) for row in rows] for name, rows in orders.items()}
    return [seen, rows, record.balances(exchange, exchange.accounts["tester"]), faults.fired]


def attempt(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
        return f"{type(error).__name__} of {type(error.__cause__).__name__}"


def test_the_same_script_ends_the_same_by_sockets_and_without() -> None:
    exchange = Exchange(SystemClock().now_ms)
    account = exchange.open_account("tester", USDT="100000")
    with Server(exchange) as server:
        client = make_client("binance", account, enableRateLimit=False)
        client.session.mount("https://", Redirect(server.url))
        client.load_markets()
        by_sockets = played(client, server.faults, exchange)
    venue = make_venue(swap="0")
    assert by_sockets == played(venue.client, venue.desk.faults, venue.exchange)
    assert len(by_sockets[3]) == len(SCRIPT) and any("NetworkError" in text for text in by_sockets[0])


def test_silence_takes_the_clients_patience_and_no_real_time(binance: Venue) -> None:
    before_ms = binance.clock.monotonic_ms()
    binance.desk.faults.add("hang", "*/account", times=50)
    for _ in range(50):
        with pytest.raises(ccxt.RequestTimeout):
            binance.client.fetch_balance()
    assert binance.clock.monotonic_ms() - before_ms >= 50 * 10_000


def test_an_order_that_is_late_is_unknown_first_and_then_there(binance: Venue) -> None:
    binance.client.options["recvWindow"] = 20_000
    binance.desk.faults.add("delay", "*/order", "POST", s=12.0)
    assert outcome(binance.client, "w1") == "RequestTimeout" and made(binance.exchange, "w1") == 0
    with pytest.raises(ccxt.OrderNotFound):
        binance.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})
    binance.clock.sleep(3)
    order = binance.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})
    assert (order["status"], made(binance.exchange, "w1")) == ("closed", 1)


@pytest.mark.parametrize(
    ("symbol", "at_matching", "orders"), [(SPOT, True, 0), (f"{SPOT}:USDT", True, 0), (f"{SPOT}:USDT", False, 1)]
)
def test_a_late_order_dies_by_its_window_where_that_is_checked_at_matching(
    binance: Venue, symbol: str, at_matching: bool, orders: int
) -> None:
    binance.exchange.window_at_matching = at_matching
    binance.desk.faults.add("delay", "*/order", "POST", s=12.0)
    with pytest.raises(ccxt.RequestTimeout):
        binance.client.create_order(symbol, "market", "buy", "0.01", None, {"clientOrderId": "w1"})
    binance.clock.sleep(20)
    assert made(binance.exchange, "w1") == orders


def test_what_is_due_is_done_at_its_time_and_in_order(binance: Venue) -> None:
    seen: list[tuple[str, int]] = []
    start_ms = binance.exchange.clock()
    for name, after_ms in (("late", 9_000), ("early", 1_000), ("also early", 1_000)):
        binance.exchange.plan(start_ms + after_ms, lambda name=name: seen.append((name, binance.exchange.now_ms())))
    binance.clock.sleep(5)
    binance.client.fetch_time()
    assert seen == [("early", start_ms + 1_000), ("also early", start_ms + 1_000)]


def test_a_rule_holds_between_its_times_only(binance: Venue) -> None:
    rule = binance.desk.faults.add("status", times=100, code=503)
    rule.since_ms = binance.exchange.clock() + 10_000
    rule.until_ms = rule.since_ms + 10_000
    for seconds, fails in ((0, False), (12, True), (12, False)):
        binance.clock.sleep(seconds)
        assert (attempt(binance.client.fetch_time).startswith("ExchangeNotAvailable")) == fails


def test_a_server_takes_no_fault_that_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="a server that was reached"):
        Faults().add("refused")


def test_faults_of_reads_pass_as_empty_answers_which_the_worker_must_see_through(gate: Venue) -> None:
    gate.desk.faults.add("html", "*/spot/accounts")
    assert not gate.client.fetch_balance()["total"].get("USDT")
    assert gate.client.fetch_balance()["total"]["USDT"] == "100000"


def test_unknown_paths_are_refused_in_each_exchanges_own_words() -> None:
    desk = Desk(Exchange(lambda: 0))
    for path, status in (("/api/v3/nothing", 404), ("/api/v4/nothing", 404), ("/v5/nothing", 200), ("/else", 404)):
        request, delivery = desk.receive(Request("GET", path))
        reply = desk.process(request, delivery)
        assert reply.status == status and json.loads(reply.body)
