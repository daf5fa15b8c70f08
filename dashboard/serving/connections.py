"""Connections that ask nothing keep nobody out: each has so long to send a request, and only so many may wait.

uvicorn has a time limit for what is idle after a request, and none for requests that are begun and never sent whole.
"""

import asyncio
import resource
from collections import Counter
from enum import Enum, auto
from functools import cache, partial
from typing import Any, Protocol

import h11
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from dashboard.gate.origins import is_loopback
from dashboard.gate.places import place_of

ENOUGH_FILES = 8_192
# Requests that are begun and not whole. Each costs some 20 KB; those of browsers last for milliseconds.
MOST_HALF = 500
# All connections but websockets, which need a session: half of what the process may open at most.
MOST_OPEN = 2_000
# Of one place, where it is no proxy's: browsers open six of each address.
MOST_OF_PLACE = 100


class State(Enum):
    """What a connection does."""

    HALF = auto()  # a request is not whole yet
    IDLE = auto()  # the last one was answered
    BUSY = auto()  # one is being answered


class Awaited(Enum):
    """What is waited for."""

    HEAD = auto()
    BODY = auto()
    READING = auto()  # of what they asked for
    END = auto()  # taken note of


# Altogether, whatever trickles in or out.
SECONDS = {Awaited.HEAD: 10.0, Awaited.BODY: 10.0, Awaited.READING: 60.0, Awaited.END: 60.0}
# Who reads so much of it in that time is given it again: a large file goes to a slow phone, too.
LEAST_READ = 65_536


class Closable(Protocol):
    place: str | None

    def give_up(self) -> None:
        """Close it now."""
        ...


class Connections:
    """Those of a page, each kind in the order in which it became one; who is too many takes the oldest's place."""

    def __init__(
        self, most_open: int = MOST_OPEN, most_half: int = MOST_HALF, most_of_place: int = MOST_OF_PLACE
    ) -> None:
        self._most_open = most_open
        self._most_half = most_half
        self._most_of_place = most_of_place
        self._states: dict[State, dict[Closable, None]] = {state: {} for state in State}
        self._of_place: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._states.values()))

    def open(self, connection: Closable) -> None:
        """Count a connection, and close another or itself where it is one too many."""
        self._states[State.HALF][connection] = None
        if connection.place is not None:
            self._of_place[connection.place] += 1
            if self._of_place[connection.place] > self._most_of_place:
                self._close_one(connection, connection.place)
        if len(self) > self._most_open:
            self._close_one(connection)
        self._keep_half_few()

    def move(self, connection: Closable, before: State, after: State) -> None:
        """Note that a connection does something else."""
        if connection in self._states[before]:
            del self._states[before][connection]
            self._states[after][connection] = None
            self._keep_half_few()

    def close(self, connection: Closable) -> None:
        """Count a connection no more; nothing where it was not counted."""
        for state in self._states.values():
            if connection in state:
                del state[connection]
                self._let_go(connection.place)

    def _let_go(self, place: str | None) -> None:
        if place is not None:
            self._of_place[place] -= 1
            if not self._of_place[place]:
                del self._of_place[place]

    def _keep_half_few(self) -> None:
        if len(self._states[State.HALF]) > self._most_half:
            self._give_up(next(iter(self._states[State.HALF])))

    def _close_one(self, newest: Closable, place: str | None = None) -> None:
        """Close who waited longest, of a place where one is given; the newest where all others are being answered."""
        waiting = (*self._states[State.HALF], *self._states[State.IDLE])
        self._give_up(next((one for one in waiting if place in (None, one.place) and one is not newest), newest))

    def _give_up(self, connection: Closable) -> None:
        self.close(connection)
        connection.give_up()


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, within these bounds; a websocket leaves them when it is taken over."""

    def __init__(self, *about: Any, known: Connections, **more: Any) -> None:
        super().__init__(*about, **more)
        self.place: str | None = None
        self._known = known
        self._state = State.HALF
        self._is_ours = True
        self._limit: asyncio.TimerHandle | None = None
        self._limited: Awaited | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it; from now on its first request is waited for."""
        super().connection_made(transport)
        address = self.client[0] if self.client is not None else ""
        self.place = None if is_loopback(address) or self._is_proxy(address) else place_of(address)
        self._known.open(self)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what is waited for now; so do those below."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over, which is counted by its session from now on."""
        self._leave()
        super().handle_websocket_upgrade(event)
        if not getattr(self.transport.get_protocol(), "handshake_initiated", True):
            # The head was whole, and no handshake: nobody would answer it, or ever close it.
            self.send_400_response("Invalid HTTP request received.")

    def give_up(self) -> None:
        """Close it with whatever waits to be sent: who does not read it must not hold it."""
        self._leave()
        self.transport.abort()

    def _look(self) -> None:
        if not self._is_ours:
            return
        before, self._state = self._state, self._now()
        if before is not self._state:
            self._known.move(self, before, self._state)
        # That may have been one too many.
        if self._is_ours and (awaited := self._awaited()) is not self._limited:
            self._stop_limit()
            self._limited = awaited
            if awaited is not None:
                self._begin_limit(awaited)

    def _now(self) -> State:
        their = self.conn.their_state
        if self.transport.is_closing():
            return State.IDLE
        if their is h11.SEND_BODY:
            return State.HALF
        if their is not h11.IDLE:
            return State.BUSY
        return State.IDLE if self.cycle is not None and not self.conn.trailing_data[0] else State.HALF

    def _awaited(self) -> Awaited | None:
        if self.transport.is_closing():
            return Awaited.END
        if self.flow.write_paused:
            return Awaited.READING
        if self._state is not State.HALF:
            return None
        return Awaited.BODY if self.conn.their_state is h11.SEND_BODY else Awaited.HEAD

    def _begin_limit(self, awaited: Awaited) -> None:
        self._limit = self.loop.call_later(
            SECONDS[awaited], self._reach_limit, awaited, self.transport.get_write_buffer_size()
        )

    def _reach_limit(self, awaited: Awaited, unread: int) -> None:
        if unread - self.transport.get_write_buffer_size() >= LEAST_READ:
            self._begin_limit(awaited)
        else:
            self.give_up()

    def _stop_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _leave(self) -> None:
        self._is_ours = False
        self._stop_limit()
        self._known.close(self)

    def _is_proxy(self, address: str) -> bool:
        trusted = self.config.forwarded_allow_ips
        hosts = trusted if isinstance(trusted, str) else ",".join(trusted)
        return address in _proxies(self.app, hosts).trusted_hosts


@cache
def _proxies(app: Any, trusted: str) -> ProxyHeadersMiddleware:
    return ProxyHeadersMiddleware(app, trusted)


def bounded_protocol(open_files: int) -> partial[BoundedProtocol]:
    """Make what `uvicorn.Config` takes as `http`, for a process that may open so many files."""
    most_open = min(MOST_OPEN, open_files // 2)
    return partial(BoundedProtocol, known=Connections(most_open, min(MOST_HALF, most_open // 2)))


def raise_open_files() -> int:
    """Let this process open as many files as it may, within reason, and give how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(ENOUGH_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return ENOUGH_FILES if soft == resource.RLIM_INFINITY else soft
