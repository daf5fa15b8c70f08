"""Accounts without a network: hand-made markets, and a carrier that records what leaves and answers what it is told."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.enums import Side
from worker.exchange.account import CcxtAccount
from worker.exchange.keys import Keys
from worker.exchange.protocol import OrderKind, OrderRequest
from worker.exchange.quirks import Quirks

NOW_MS = 1_736_049_602_000
ID = "wabcdefghij234567a"
KEY, SECRET, PASSPHRASE = "KEYkeyKEYkey0123", "c2VjcmV0c2VjcmV0MDEy", "PASSpass4567"
KEYS = Keys.model_validate({"key": KEY, "secret": SECRET, "passphrase": PASSPHRASE})

# Names of BTC on each exchange: spot, perpetual, quote.
NAMES = {
    "binance": ("BTCUSDT", "BTCUSDT", "USDT"),
    "gate": ("BTC_USDT", "BTC_USDT", "USDT"),
    "bybit": ("BTCUSDT", "BTCUSDT", "USDT"),
    "okx": ("BTC-USDT", "BTC-USDT-SWAP", "USDT"),
    "kraken": ("XBTUSDT", "", "USDT"),
    "krakenfutures": ("", "PF_XBTUSD", "USD"),
    "kucoin": ("BTC-USDT", "XBTUSDTM", "USDT"),
    "coinbase": ("BTC-USDC", "", "USDC"),
    "bitget": ("BTCUSDT", "BTCUSDT", "USDT"),
}
IN_CONTRACTS = ("gate", "okx", "kucoin")


@dataclass
class Sent:
    """One request as it left."""

    method: str
    url: str
    body: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def fields(self) -> dict[str, Any]:
        """Give what it says, in query and body, without what signs and dates it."""
        fields: dict[str, Any] = dict(parse_qsl(urlsplit(self.url).query))
        if self.body.startswith(("{", "[")):
            told = json.loads(self.body)
            fields |= told[0] if isinstance(told, list) else told
        else:
            fields |= dict(parse_qsl(self.body))
        return {name: value for name, value in fields.items() if name not in ("timestamp", "signature", "nonce")}


class Recorder:
    """Carry requests nowhere: keep them, and answer with `answers` in turn, the last one again and again.

    An answer is a body, a status with a body, a response, an exception, or a function of the request.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Sent] = []

    def __call__(self, request: PreparedRequest) -> Response:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        self.sent.append(Sent(str(request.method), str(request.url), body, dict(request.headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Response) else response(request, answer)


def response(request: PreparedRequest, answer: Any, headers: dict[str, str] | None = None) -> Response:
    """Give an answer as the client gets it."""
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    made = Response()
    made.status_code, made.request, made.url, made.reason = status, request, str(request.url), "reason"
    made.headers.update({"Content-Type": "application/json", **(headers or {})})
    made._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return made


def market(exchange: str, is_swap: bool) -> dict[str, Any]:
    """Make the market of BTC by hand."""
    name, quote = NAMES[exchange][is_swap], NAMES[exchange][2]
    contract = "0.001" if exchange in IN_CONTRACTS else "1"
    return {
        "id": name,
        "lowercaseId": name.lower(),
        "symbol": f"BTC/{quote}:{quote}" if is_swap else f"BTC/{quote}",
        "base": "BTC",
        "baseId": "BTC",
        "quote": quote,
        "quoteId": quote,
        "settle": quote if is_swap else None,
        "settleId": quote.lower() if exchange == "gate" else quote,
        "type": "swap" if is_swap else "spot",
        "spot": not is_swap,
        "swap": is_swap,
        "future": False,
        "option": False,
        "margin": False,
        "contract": is_swap,
        "linear": is_swap or None,
        "inverse": False if is_swap else None,
        "active": True,
        "contractSize": contract if is_swap else None,
        "precision": {
            "amount": "1" if is_swap and exchange in IN_CONTRACTS else "0.00001",
            "price": "0.01",
            "cost": "0.01",
        },
        "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "5"}, "price": {}},
        "info": {"orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"], "quoteIncrement": "0.01"},
    }


def symbol_of(quirks: Quirks, is_swap: bool | None = None) -> str:
    """Give BTC as the settings of an account name it."""
    quote = NAMES[quirks.exchange][2]
    return f"BTC/{quote}:{quote}" if quirks.kind == "unified" and is_swap else f"BTC/{quote}"


def make_account(
    quirks: Quirks, carry: Callable[[PreparedRequest], Response], clock: ManualClock | None = None, **changes: Any
) -> CcxtAccount:
    """Make an account that is connected to hand-made markets."""
    settings = AccountSettings.model_validate(
        {"exchange": quirks.exchange, "type": quirks.kind, "sandbox": False, **changes}
    )
    account = CcxtAccount("main", settings, KEYS, clock or ManualClock(NOW_MS), carry)
    kinds = {"spot": (False,), "swap": (True,), "unified": (False, True)}[quirks.kind]
    # As it was given: a test may have changed the row.
    account._quirks = account._wire.quirks = quirks
    client = account._wire.client
    client.set_markets([market(quirks.exchange, is_swap) for is_swap in kinds])
    client.currencies = {code: {"id": code, "code": code, "precision": "0.00000001"} for code in ("BTC", "USDT")}
    client.load_markets = lambda reload=False: client.markets
    client.fetch_time = lambda: account._wire.time._clock.now_ms()
    account.connect([symbol_of(quirks, is_swap) for is_swap in kinds])
    return account


def request_of(symbol: str, side: Side = Side.BUY, kind: OrderKind = OrderKind.MARKET, **changes: Any) -> OrderRequest:
    """Make a request of 0.002 BTC."""
    price = None if kind is OrderKind.MARKET else Decimal("60000.005")
    values = {"quantity": Decimal("0.002"), "reference_price": Decimal("60000"), "price": price, **changes}
    return OrderRequest(client_order_id=ID, symbol=symbol, side=side, kind=kind, **values)
