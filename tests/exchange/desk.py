"""Where requests arrive: the faces of one exchange, the faults on the way, and the log of what was asked."""

from dataclasses import replace
from urllib.parse import parse_qsl

from tests.exchange.binance import Binance
from tests.exchange.bybit import Bybit
from tests.exchange.engine import Exchange
from tests.exchange.faults import Delivery, Faults
from tests.exchange.gate import Gate
from tests.exchange.wire import Face, Reply, Request

BINANCE_PATHS = ("/api/v3/", "/fapi/", "/sapi/")


class Desk:
    """Answer for every face over one exchange. `log` holds (method, path, query) of every request."""

    def __init__(self, exchange: Exchange, with_sockets: bool = True) -> None:
        self.exchange = exchange
        self.faults = Faults(with_sockets)
        self.log: list[tuple[str, str, dict[str, str]]] = []
        self._faces: dict[str, Face] = dict.fromkeys(BINANCE_PATHS, Binance(exchange))
        self._faces |= {"/api/v4/": Gate(exchange), "/v5/": Bybit(exchange)}

    def receive(self, request: Request) -> tuple[Request, Delivery]:
        """Note a request and its time, and say what becomes of it."""
        now_ms = self.exchange.clock()
        self.log.append((request.method, request.path, dict(parse_qsl(request.query))))
        rule = self.faults.take(request.method, request.path, now_ms)
        return replace(request, arrived_ms=now_ms), rule.delivery() if rule else Delivery()

    def process(self, request: Request, delivery: Delivery) -> Reply:
        """Answer a request, now, as often as it is delivered; what is answered first counts."""
        replies = [self._answer(request) for _ in range(delivery.processed)]
        return delivery.reply or (replies or [Reply(503, "")])[0]

    def _answer(self, request: Request) -> Reply:
        exchange = self.exchange
        left_ms = exchange.banned_until_ms - exchange.now_ms()
        if left_ms > 0:
            headers = {"Retry-After": str(-(-left_ms // 1000))}
            return Reply(exchange.ban_status, '{"code":-1003,"msg":"Way too many requests; IP banned."}', headers)
        prefix = next((prefix for prefix in self._faces if request.path.startswith(prefix)), None)
        if prefix is None:
            return Reply(404, f'{{"code":-1,"msg":"no such endpoint {request.path}"}}')
        return self._faces[prefix].handle(request)
