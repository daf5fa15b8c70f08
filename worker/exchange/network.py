"""Requests over the network, each within a total deadline, whatever hangs: names, connections, headers or bodies.

A client's timeout counts anew with every byte. So each request has a thread of its own, which is left behind at the
deadline with its connection shut; one that has not left by then never leaves.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ReadTimeout
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Call(threading.Thread):
    """One request on its way. `leave` is called by its connection before the first byte, and may raise."""

    def __init__(self, work: Callable[[], Response], may_leave: Callable[[], None]) -> None:
        super().__init__(name="exchange request", daemon=True)
        self.response: Response | None = None
        self.error: BaseException | None = None
        self.has_left = False
        self._work = work
        self._may_leave = may_leave
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._socket: socket.socket | None = None

    def run(self) -> None:
        """Send the request and read the whole answer."""
        try:
            self.response = self._work()
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            self.error = error

    def leave(self, connection: socket.socket) -> None:
        """Let the request leave, unless it is too late."""
        with self._lock:
            if self._is_abandoned:
                raise ConnectTimeout("not connected within the deadline")
            if not self.has_left:
                self._may_leave()
            self.has_left, self._socket = True, connection

    def abandon(self) -> None:
        """Leave it behind: what has not left does not leave, what is being read ends."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class _Leaving(HTTPConnection):
    """A connection that asks whether it is still time before it sends."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = threading.current_thread()
        if isinstance(call, _Call):
            call.leave(self.sock)
        super().send(data)


class _LeavingSecure(_Leaving, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Leaving


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _LeavingSecure


class Network(HTTPAdapter):
    """Carry requests, each for as long as `seconds_left` says.

    `may_leave` is called when one is about to leave; what it raises is raised by `send`.
    """

    def __init__(self, may_leave: Callable[[], None], seconds_left: Callable[[], float]) -> None:
        self._may_leave = may_leave
        self._seconds_left = seconds_left
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make pools of connections that ask before they send."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        """Send a request and give the whole answer.

        Raises ConnectTimeout where it did not leave in time, ReadTimeout where it did and no whole answer came.
        """

        def work() -> Response:
            response = super(Network, self).send(request, *arguments, **options)
            _ = response.content
            return response

        call = _Call(work, self._may_leave)
        call.start()
        call.join(self._seconds_left())
        if call.is_alive():
            call.abandon()
            late = ReadTimeout if call.has_left else ConnectTimeout
            raise late("no whole answer within the deadline", request=request)
        if call.error is not None:
            raise call.error
        assert call.response is not None
        return call.response
