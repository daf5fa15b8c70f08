"""The server: one port, one line that says where the page is, and an end within seconds whatever is open."""

import asyncio
import errno
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from dashboard.gate.messages import MOST_MESSAGE_BYTES
from dashboard.serving.connections import bounded_protocol, raise_open_files
from dashboard.serving.parent import end_with_parent
from shared.errors import ConfigurationError, FlotillaError
from shared.own_page import page_address
from shared.settings import DashboardSettings

LOG = logging.getLogger(__name__)
# For a page before this one that is still ending.
PORT_SECONDS = 10.0
BACKLOG = 512
OPEN_SECONDS = 2
CUT_OFF_SECONDS = 4.0


class PortTaken(FlotillaError):
    """Somebody else listens there; supervisor starts the page again."""

    exit_code = 69


class Server(uvicorn.Server):
    """Ends with exit code 0 when told to, and soon."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a run of a page that hangs does not keep the process."""
        self.stop()

    def stop(self) -> None:
        """Begin to end, from any thread."""
        if not self.should_exit:
            self.should_exit = True
            cut_off = threading.Timer(CUT_OFF_SECONDS, os._exit, (0,))
            cut_off.daemon = True
            cut_off.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where the page is."""
        await super().startup(sockets)
        if self.started and sockets:
            LOG.info("the page is at %s", page_address(*sockets[0].getsockname()[:2]))


def serve(make: Callable[[], Any], dashboard: DashboardSettings, supervised: bool) -> int:
    """Listen, make the application, and serve it until told to stop; give the exit code."""
    app = make()
    listening = _listen(dashboard.address, dashboard.port)
    config = uvicorn.Config(
        app,
        http=bounded_protocol(raise_open_files()),  # type: ignore[arg-type]
        lifespan="on",
        ws="websockets-sansio",
        # Costs more of the core that all sessions share than it saves of a local network.
        ws_per_message_deflate=False,
        # Before it is in memory; `measured` looks again, under a server of another's too.
        ws_max_size=MOST_MESSAGE_BYTES,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=OPEN_SECONDS,
        timeout_keep_alive=30,
    )
    server = Server(config)
    if supervised:
        end_with_parent(server.stop)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve([listening]))
    except SystemExit as error:
        raise FlotillaError("the page could not start; the lines above say why") from error
    # Threads that still run a page do not keep the process.
    sys.stdout.flush()
    logging.shutdown()
    os._exit(0)


def _listen(address: str, port: int) -> socket.socket:
    give_up = time.monotonic() + PORT_SECONDS
    said = False
    while True:
        try:
            return _bound(address, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigurationError(
                    f"dashboard.address and dashboard.port must be a place to listen, was {address}:{port}: "
                    f"{error.strerror}"
                ) from error
            if time.monotonic() >= give_up:
                raise PortTaken(
                    f"port {port} of {address} must be free for the page, was taken: set dashboard.port"
                ) from error
            if not said:
                LOG.warning("port %s of %s is taken; waiting for it", port, address)
                said = True
        time.sleep(0.2)


def _bound(address: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
        listening.set_inheritable(False)
    except OSError:
        listening.close()
        raise
    return listening
