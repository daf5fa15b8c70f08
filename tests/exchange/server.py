"""The server: aiohttp on a free loopback port, in its own thread with its own loop, with faults on the way out."""

import asyncio
import json
import socket
import struct
import threading
from typing import Any, Self

from aiohttp import web

from tests.exchange.binance import Binance, Refusal
from tests.exchange.engine import Exchange
from tests.exchange.faults import Faults, Rule

HTML = "<html><body>Attention required</body></html>"
REPLACED_BODIES = {"malformed": '{"symbols": [', "empty": "", "null": "null", "html": HTML}


class Server:
    """Serve an exchange: `with Server(exchange) as server: server.url`.

    `log` holds (method, path, query) of every request; `faults` may be added to at any time. State is changed from the
    test's thread between requests only.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.front = Binance(exchange)
        self.faults = Faults()
        self.log: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="local exchange", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10.0):
            raise RuntimeError("the local exchange did not start within 10 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)

    def asked(self, path_end: str) -> list[dict[str, str]]:
        """Give the queries of the requests to a path."""
        return [query for _, path, query in self.log if path.endswith(path_end)]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(runner.cleanup())
            self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        self.log.append((request.method, request.path, query))
        rule = self.faults.take(request.method, request.path)
        if rule is not None and rule.action in ("delay", "hang"):
            await asyncio.sleep(rule.arguments.get("s", 0.5 if rule.action == "delay" else 60.0))
        try:
            status, body = 200, self.front.answer(request.method, request.path, query)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        return await self._send(request, rule, status, json.dumps(body))

    async def _send(self, request: web.Request, rule: Rule | None, status: int, body: str) -> web.StreamResponse:
        action = rule.action if rule is not None else ""
        arguments: dict[str, Any] = rule.arguments if rule is not None else {}
        if action == "reset":
            return _reset(request)
        if action == "short":
            return await _partly(request, body.encode(), 0.0, 2, whole=False)
        if action == "drip":
            return await _partly(
                request, body.encode(), arguments.get("s", 0.05), arguments.get("parts", 5), whole=True
            )
        if action == "status":
            code, headers = arguments["code"], arguments.get("headers")
            return web.Response(status=code, text=arguments.get("body", HTML), headers=headers)
        kind = "text/html" if action == "html" else "application/json"
        return web.Response(status=status, text=REPLACED_BODIES.get(action, body), content_type=kind)


def _reset(request: web.Request) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        # Lingering 0 seconds makes closing send RST instead of FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _partly(
    request: web.Request, body: bytes, pause_seconds: float, parts: int, whole: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    size = -(-len(body) // parts)
    for part in range(parts if whole else parts - 1):
        await response.write(body[part * size : (part + 1) * size])
        await asyncio.sleep(pause_seconds)
    if not whole and request.transport is not None:
        request.transport.close()
    return response
