"""The server: aiohttp on a loopback port, in its own thread with its own loop, with faults on the way."""

import asyncio
import threading
from typing import Self

from aiohttp import web

from tests.exchange import connection
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.wire import Request


class Server:
    """Serve an exchange: `with Server(exchange) as server: server.url`.

    `log` holds (method, path, query) of every request; `faults` may be added to at any time. State is changed from the
    test's thread between requests only. Port 0 takes a free one.
    """

    def __init__(self, exchange: Exchange, port: int = 0) -> None:
        self.exchange = exchange
        self.desk = Desk(exchange)
        self.faults = self.desk.faults
        self.log = self.desk.log
        self.url = ""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: list[OSError] = []
        self._thread = threading.Thread(target=self._serve, name="local exchange", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10.0):
            raise RuntimeError("the local exchange did not start within 10 s")
        if self._failed:
            raise self._failed[0]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)

    def asked(self, path_end: str) -> list[dict[str, str]]:
        """Give the queries of the requests to a path."""
        return [query for _, path, query in self.log if path.endswith(path_end)]

    def extend(self, app: web.Application) -> None:
        """Add routes of one's own before the exchange's; none here."""

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            runner = self._loop.run_until_complete(self._start())
        except OSError as error:
            self._failed.append(error)
            self._ready.set()
            return
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(runner.cleanup())
            self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        self.extend(app)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", "replace")
        asked = Request(
            request.method, request.path, request.rel_url.raw_query_string, body, request.headers, request.remote or ""
        )
        asked, delivery = self.desk.receive(asked)
        await asyncio.sleep(delivery.wait_seconds)
        return await connection.send(request, delivery, self.desk.process(asked, delivery))
