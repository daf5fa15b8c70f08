"""The list of the gate before an application that answers everything, served on a free port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
REACHED = "reached"


async def _answer(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{REACHED} with {len(body)}")


async def _count(stream: WebSocket) -> None:
    await stream.accept()
    count = 0
    try:
        while True:
            await stream.receive_bytes()
            count += 1
            await stream.send_text(str(count))
    except WebSocketDisconnect:
        pass


def everything() -> ASGIApp:
    """Give an application that answers every request and counts what comes over every websocket."""
    return Starlette(routes=[WebSocketRoute("/{path:path}", _count), Route("/{path:path}", _answer, methods=METHODS)])


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """Serve an application and give its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1, ws_max_size=2**24
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
