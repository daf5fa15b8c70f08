"""Many viewers in a process of their own, told by lines what to do: `python -m tests.bench.audience URL PAGE …`.

`clear` forgets what was seen so far, `count` answers with the refreshes of the slowest session, `end` answers with
everything as JSON. The first line it says is `open`: every page has been drawn.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.viewers import Run, Viewer, ViewerError
from tests.conftest import ROOT

OPEN_SECONDS = 120.0
# Twenty-five people, most of whom look at the first page; an entry is a path in the address bar.
PAGES = ("",) * 15 + (
    "bots",
    "bots",
    "bot",
    "bot",
    "allocations",
    "trades",
    "analytics",
    "decisions",
    "risk",
    "control",
)


@dataclass(frozen=True)
class Refresh:
    """All live parts of a page drawn once more.

    `server_ms` is the time for which an answer was owed, `slowest_ms` that of the part that took longest.
    """

    server_ms: float
    slowest_ms: float
    bytes: int
    deltas: int


@dataclass
class Seen:
    """What one session saw; `requests` of its live parts, of which some were `late` or `lost` (see `Viewer`)."""

    page: str
    first_ms: float = 0.0
    first_bytes: int = 0
    live_parts: int = 0
    requests: int = 0
    late: int = 0
    lost: int = 0
    tardy_ms: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    refreshes: list[Refresh] = field(default_factory=list)


def refreshes(runs: Sequence[Run]) -> list[Refresh]:
    """Put together the runs that answered the same round of timers."""
    rounds: dict[int, list[Run]] = {}
    for run in runs:
        if run.asked is not None:
            rounds.setdefault(run.round, []).append(run)
    return [_refresh(rounds[number]) for number in sorted(rounds)]


def _refresh(runs: list[Run]) -> Refresh:
    owed, until = 0.0, 0.0
    for run in sorted(runs, key=lambda run: run.asked or 0.0):
        began = max(run.asked or 0.0, until)
        owed += max(run.finished - began, 0.0)
        until = max(until, run.finished)
    slowest = max(run.finished - (run.asked or 0.0) for run in runs)
    return Refresh(1000.0 * owed, 1000.0 * slowest, sum(run.bytes for run in runs), sum(run.deltas for run in runs))


def seen_by(viewer: Viewer, first: Run) -> Seen:
    """Say what a viewer saw since it was cleared."""
    return Seen(
        page=viewer.page,
        first_ms=1000.0 * (first.finished - (first.asked or first.finished)),
        first_bytes=first.bytes,
        live_parts=viewer.live_fragments,
        requests=viewer.requests,
        late=viewer.late,
        lost=viewer.lost,
        tardy_ms=1000.0 * max(viewer.tardy, default=0.0),
        errors=viewer.errors,
        refreshes=refreshes(viewer.refreshes),
    )


@dataclass
class Told:
    """What all sessions saw in how long, and what they themselves cost of a core."""

    seconds: float
    cpu_seconds: float
    seen: list[Seen]

    def unanswered(self) -> str:
        """Say how many requests were late, and how many lost."""
        requests = sum(seen.requests for seen in self.seen)
        late, lost = (sum(getattr(seen, name) for seen in self.seen) for name in ("late", "lost"))
        share = (late + lost) / requests if requests else 0.0
        return f"{late:,} late, {lost:,} lost of {requests:,} ({share:.2%})"


class Audience:
    """The process, from outside."""

    def __init__(self, url: str, pages: Sequence[str] = PAGES) -> None:
        command = [sys.executable, "-m", "tests.bench.audience", url, *(page or "/" for page in pages)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> "Audience":
        """Wait until every page is drawn."""
        said = self._line()
        if said != "open":
            raise ViewerError(f"the audience must say that all is open, said {said!r}")
        return self

    def __exit__(self, *_: object) -> None:
        """Leave, whatever happened."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(20)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def clear(self) -> None:
        """Let every session forget what it saw."""
        self._tell("clear")

    def count(self) -> int:
        """Give the refreshes that every session has seen at least."""
        self._tell("count")
        return int(self._line())

    def end(self) -> Told:
        """Close all sessions and give what each saw since it was cleared."""
        self._tell("end")
        told = json.loads(self._line())
        return Told(told["seconds"], told["cpu_seconds"], [_seen(one) for one in told["seen"]])

    def _tell(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if not said:
            raise ViewerError(f"the audience must answer, ended with {self._process.wait(20)}")
        return said


def _seen(told: dict[str, Any]) -> Seen:
    return Seen(**{**told, "refreshes": [Refresh(**one) for one in told["refreshes"]]})


async def look(url: str, pages: Sequence[str]) -> Told:
    """Open the pages one after another and do what the lines on standard input say."""
    viewers, ended, opened = [Viewer(url, page) for page in pages], asyncio.Event(), asyncio.Semaphore(0)
    looking = []
    for viewer in viewers:
        looking.append(asyncio.create_task(viewer.look(ended, opened)))
        await _first(looking, asyncio.create_task(opened.acquire()), OPEN_SECONDS)
    firsts = [viewer.first for viewer in viewers]
    _say("open")
    since = Since()
    await _first(looking, asyncio.create_task(_obey(viewers, since)), None)
    seconds, cpu_seconds = since.now()
    seen = [seen_by(viewer, first) for viewer, first in zip(viewers, firsts, strict=True)]
    ended.set()
    await asyncio.gather(*looking)
    return Told(seconds, cpu_seconds, seen)


class Since:
    """How long ago the sessions were cleared, on the clock and on a core."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._began, self._cpu = time.monotonic(), time.process_time()

    def now(self) -> tuple[float, float]:
        """Give the seconds that passed, and those spent on a core."""
        return time.monotonic() - self._began, time.process_time() - self._cpu


async def _first(looking: list[asyncio.Task[None]], awaited: asyncio.Task[Any], seconds: float | None) -> None:
    """Wait for something; a session that fails meanwhile fails the audience."""
    done, _ = await asyncio.wait([*looking, awaited], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        await task
    if awaited not in done:
        awaited.cancel()
        raise ViewerError("every page must be drawn and every session stay until the end, one was not or left")


async def _obey(viewers: list[Viewer], since: Since) -> None:
    while (line := (await asyncio.to_thread(sys.stdin.readline)).strip()) not in ("", "end"):
        if line == "count":
            _say(str(min(len({run.round for run in viewer.refreshes}) for viewer in viewers)))
        elif line == "clear":
            since.clear()
            for viewer in viewers:
                viewer.clear()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Look on until told to end."""
    url, *pages = sys.argv[1:]
    told = asyncio.run(look(url, [page.strip("/") for page in pages]))
    _say(json.dumps(asdict(told)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
