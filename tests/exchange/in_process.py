"""The transport without sockets: requests reach the same faces directly, and time passes on a virtual clock only."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import ccxt
from requests import PreparedRequest, Response
from requests import exceptions as failures
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from shared.clock import ManualClock
from tests.exchange.desk import Desk
from tests.exchange.faults import Delivery, Ending
from tests.exchange.wire import Reply, Request

PATIENCE_SECONDS = 10.0


class InProcessAdapter(BaseAdapter):
    """Carry a client's requests to a desk: `client.session.mount("https://", adapter)`, and `keep_time(client, clock)`.

    Answers take `latency_ms` of the clock's time, silence the client's timeout; failures are the exceptions of
    requests. A timeout is for each read, as that of requests, unless it `is_total`. What a client no longer waits for
    is processed when the clock has come so far. The exchange's own clock is best made of the part of the same clock
    that only moves on, so that setting the client's wall clock is a skew. `send` alone carries, too, for whoever takes
    a function in a network's place; it is patient for 10 s then.
    """

    def __init__(self, desk: Desk, clock: ManualClock, latency_ms: int = 20, is_total: bool = False) -> None:
        super().__init__()
        self.desk = desk
        self.hosts_seen: set[str] = set()
        self._clock = clock
        self._latency_ms = latency_ms
        self._is_total = is_total

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Give the answer, or raise what a connection raises."""
        url = urlsplit(request.url or "")
        self.hosts_seen.add(url.hostname or "")
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        seconds = PATIENCE_SECONDS if patience is None else float(patience)
        self._clock.advance_ms(self._latency_ms)
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        headers = {name: str(value) for name, value in request.headers.items()}
        asked = Request(request.method or "GET", url.path, url.query, body, headers)
        return _response(request, self._deliver(*self.desk.receive(asked), seconds, request))

    def close(self) -> None:
        """Have nothing to close."""

    def _deliver(self, asked: Request, delivery: Delivery, patience: float, request: PreparedRequest) -> Reply:
        if delivery.ending is Ending.REFUSED:
            raise failures.ConnectionError("connection refused", request=request)
        if delivery.ending is Ending.CONNECT_TIMEOUT:
            self._clock.sleep(patience)
            raise failures.ConnectTimeout("connect timed out", request=request)
        if delivery.wait_seconds >= patience:
            due_ms = self.desk.exchange.clock() + round(delivery.wait_seconds * 1000)
            self.desk.exchange.plan(due_ms, lambda: self.desk.process(asked, delivery))
            self._clock.sleep(patience)
            raise failures.ReadTimeout("read timed out", request=request)
        self._clock.sleep(delivery.wait_seconds)
        return self._end(self.desk.process(asked, delivery), delivery, patience, request)

    def _end(self, reply: Reply, delivery: Delivery, patience: float, request: PreparedRequest) -> Reply:
        if delivery.ending is Ending.SILENCE:
            self._clock.sleep(min(patience, delivery.seconds))
            if delivery.seconds >= patience:
                raise failures.ReadTimeout("read timed out", request=request)
        if delivery.ending is Ending.RESET or (delivery.ending is Ending.SILENCE and not delivery.processed):
            raise failures.ConnectionError("Connection aborted.", request=request)
        if delivery.ending is Ending.SHORT:
            raise failures.ChunkedEncodingError("Connection broken: IncompleteRead", request=request)
        if delivery.ending is Ending.DRIP:
            self._drip(delivery, patience, request)
        return reply

    def _drip(self, delivery: Delivery, patience: float, request: PreparedRequest) -> None:
        lasts = delivery.seconds * delivery.parts
        if (lasts if self._is_total else delivery.seconds) < patience:
            self._clock.sleep(lasts)
            return
        self._clock.sleep(patience)
        raise failures.ConnectionError("Read timed out.", request=request)


def keep_time(client: ccxt.Exchange, clock: ManualClock) -> None:
    """Let a client of ccxt sign, and wait for its rate limit, by a virtual clock."""

    def throttle(cost: float | None = None) -> None:
        due_ms = client.lastRestRequestTimestamp + client.rateLimit * (1 if cost is None else cost)
        clock.sleep(max(0.0, due_ms - clock.now_ms()) / 1000)

    client.milliseconds = clock.now_ms
    client.seconds = lambda: clock.now_ms() // 1000
    client.microseconds = lambda: clock.now_ms() * 1000
    client.throttle = throttle


def _response(request: PreparedRequest, reply: Reply) -> Response:
    response = Response()
    response.status_code, response.request, response.url = reply.status, request, request.url or ""
    response.reason, response.encoding, response.elapsed = str(reply.status), "utf-8", timedelta()
    response.headers = CaseInsensitiveDict({"Content-Type": "application/json", **reply.headers})
    response._content = reply.body.encode()
    return response
