"""A browser without a screen: one session that opens a page and keeps it live, as Streamlit's own frontend does.

What the frontend does was read from the version that is installed: a timer for each fragment that asks for a rerun of
that fragment; a timer stops when its fragment is gone or the whole page is drawn anew; large elements are kept, their
hashes are sent with each request, and the server may then send a reference in their place.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.kept_elements import KeptElements
from tests.dashboard.local import cookie

STREAM = "/_stcore/stream"
# A run that another one follows closely is told of as one that ended early, though all it drew came.
FINISHED_WELL = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_EARLY_FOR_RERUN,
)


class ViewerError(Exception):
    """The server said what a browser would show as a failure of the page itself."""


@dataclass
class Run:
    """One answer of the server: when it was asked for and was there, and what came; times are monotonic seconds.

    `asked` is None where another answer had been given to the same request. `round` counts the ticks of the timers.
    """

    fragments: tuple[str, ...]
    asked: float | None = None
    finished: float = 0.0
    round: int = 0
    bytes: int = 0
    deltas: int = 0
    references: int = 0


@dataclass
class Timer:
    """Asks for a fragment again and again; `due` is on the event loop's clock."""

    seconds: float
    due: float
    handle: asyncio.TimerHandle | None = None
    ticks: int = 0

    def cancel(self) -> None:
        """Ask no more."""
        if self.handle is not None:
            self.handle.cancel()


@dataclass
class Viewer:
    """A session on a page; `page` is its path in the address bar, empty for the first one."""

    url: str
    page: str = ""
    query: str = ""
    runs: list[Run] = field(default_factory=list)
    # Requests that were still open when their timer came round again. The page fell behind: it was busy (`late`), or it
    # had answered what was asked later and will never answer this (`lost`; the panel is drawn at the next round).
    late: int = 0
    lost: int = 0
    requests: int = 0
    # How late the timers of this client were: large, and it is the client that cannot keep up.
    tardy: list[float] = field(default_factory=list)
    # What stood on the page as an error, each with how often.
    errors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._timers: dict[str, Timer] = {}
        self._open: dict[str, tuple[float, int]] = {}
        self._kept = KeptElements()
        self._script_hash = ""
        self._run: Run | None = None
        self._answered = True
        self._newest_answered = 0.0
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._opened = asyncio.Event()
        self._asked_page = 0.0

    @property
    def first(self) -> Run:
        """Give the run that drew the page; raises ViewerError before it is drawn."""
        found = next((run for run in self.runs if not run.fragments), None)
        if found is None:
            raise ViewerError(f"page {self.page!r} must have been drawn, was not")
        return found

    @property
    def refreshes(self) -> list[Run]:
        """Give the runs of fragments alone."""
        return [run for run in self.runs if run.fragments]

    @property
    def live_fragments(self) -> int:
        """Give how many fragments have a timer."""
        return len(self._timers)

    def clear(self) -> None:
        """Forget what was seen so far, and go on looking."""
        self.runs, self.tardy, self.errors = [], [], {}
        self.late = self.lost = self.requests = 0

    async def look(self, ended: asyncio.Event, opened: asyncio.Semaphore | None = None) -> None:
        """Open the page and look at it until `ended`; raises ViewerError where the server drops the session."""
        place = f"{self.url.replace('http', 'ws', 1)}{STREAM}"
        options = {"subprotocols": ["streamlit", "PLACEHOLDER_AUTH_TOKEN"], "origin": self.url, "compression": None}
        options["additional_headers"] = {"Cookie": cookie()}
        async with connect(place, max_size=None, proxy=None, ping_interval=None, **options) as stream:
            self._asked_page = time.monotonic()
            self._ask("")
            parts = [asyncio.create_task(part) for part in (self._send(stream), self._receive(stream), ended.wait())]
            drawn = asyncio.create_task(self._opened.wait())
            drawn.add_done_callback(lambda _: opened.release() if opened is not None else None)
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for timer in self._timers.values():
                    timer.cancel()
                for part in (*parts, drawn):
                    part.cancel()
            for part in parts[:2]:
                with contextlib.suppress(asyncio.CancelledError):
                    await part

    async def _send(self, stream: ClientConnection) -> None:
        while True:
            await stream.send(await self._outgoing.get())

    async def _receive(self, stream: ClientConnection) -> None:
        async for frame in stream:
            self._take(ForwardMsg.FromString(frame), len(frame))
        raise ViewerError(f"the session on {self.page!r} must stay open, was closed with {stream.close_code}")

    def _ask(self, fragment: str) -> None:
        self._answered = False
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.fragment_id, asked.is_auto_rerun = self.query, fragment, bool(fragment)
        asked.page_script_hash = self._script_hash
        asked.page_name = "" if self._script_hash else self.page
        asked.cached_message_hashes.extend(self._kept.hashes)
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-US"
        asked.context_info.url = f"{self.url}/{self.page}"
        self._outgoing.put_nowait(message.SerializeToString())

    def _take(self, message: ForwardMsg, size: int) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        if self._run is not None:
            self._run.bytes += size
        if kind == "ref_hash":
            message = self._recall(message)
        elif message.metadata.cacheable:
            self._kept.keep(message)
        if message.WhichOneof("type") == "delta":
            self._draw(message, kind == "ref_hash")
        elif kind == "auto_rerun":
            self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_timer(fragment)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            raise ViewerError(f"the page {self.page!r} must be there, was not found")
        elif kind == "script_finished":
            self._finish(message)

    def _begin(self, message: ForwardMsg) -> None:
        started = message.new_session
        self._script_hash = started.page_script_hash
        self._kept.most_runs = started.config.max_cached_message_age
        fragments = tuple(message.metadata.run.fragment_ids)
        if not fragments:
            self._stop_timers()
        self._run = Run(fragments)
        self._answered = True

    def _finish(self, message: ForwardMsg) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        run.finished = time.monotonic()
        if message.script_finished not in FINISHED_WELL:
            self._note(f"run ended with {ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)}")
        answered = [self._open.pop(name) for name in run.fragments if name in self._open]
        if answered:
            run.asked, run.round = min(answered)
            self._newest_answered = max(self._newest_answered, *(asked for asked, _ in answered))
        if not run.fragments:
            run.asked = self._asked_page
            self._opened.set()
        self.runs.append(run)
        # What is named in a request that is under way must not be let go of: the answer may refer to it.
        if self._answered and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._kept.end_run(run.fragments)

    def _draw(self, message: ForwardMsg, is_reference: bool) -> None:
        if self._run is not None:
            self._run.deltas += 1
            self._run.references += is_reference
        element = message.delta.new_element
        shown = element.WhichOneof("type") if message.delta.WhichOneof("type") == "new_element" else None
        if shown == "exception":
            self._note(f"{element.exception.type}: {element.exception.message}")
        elif shown == "alert" and element.alert.format == element.alert.ERROR:
            self._note(f"{element.alert.title} {element.alert.body}".strip())

    def _note(self, error: str) -> None:
        self.errors[error] = self.errors.get(error, 0) + 1

    def _recall(self, message: ForwardMsg) -> ForwardMsg:
        kept = self._kept.recall(message.ref_hash)
        if kept is None:
            raise ViewerError(f"an element that was kept must be referred to, was {message.ref_hash}")
        return kept

    def _start_timer(self, fragment: str, seconds: float) -> None:
        if fragment in self._timers and self._timers[fragment].seconds == seconds:
            return
        self._stop_timer(fragment)
        timer = self._timers[fragment] = Timer(seconds, asyncio.get_running_loop().time() + seconds)
        timer.handle = asyncio.get_running_loop().call_at(timer.due, self._tick, fragment, timer)

    def _tick(self, fragment: str, timer: Timer) -> None:
        loop = asyncio.get_running_loop()
        self.tardy.append(loop.time() - timer.due)
        timer.ticks += 1
        self.requests += 1
        asked, _ = self._open.get(fragment, (None, 0))
        is_lost = asked is not None and asked < self._newest_answered
        if is_lost:
            self.lost += 1
        elif asked is not None:
            self.late += 1
        if asked is None or is_lost:
            self._open[fragment] = (time.monotonic(), timer.ticks)
        self._ask(fragment)
        # As a browser's timer does: what was missed is not made up for.
        timer.due = max(timer.due + timer.seconds, loop.time())
        timer.handle = loop.call_at(timer.due, self._tick, fragment, timer)

    def _stop_timer(self, fragment: str) -> None:
        self._open.pop(fragment, None)
        if fragment in self._timers:
            self._timers.pop(fragment).cancel()

    def _stop_timers(self) -> None:
        for fragment in list(self._timers):
            self._stop_timer(fragment)
