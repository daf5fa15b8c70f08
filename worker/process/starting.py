"""What becomes of worker and page after a start, asked of supervisor and of their logs until it is known."""

import enum
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from shared.errors import FlotillaError
from shared.unexpected import BEGINS
from worker.process.host import running_process
from worker.process.logs import Log
from worker.process.supervisor_client import End, Process

# A worker reads the history of an exchange meanwhile, or waits for the one before it to finish its step.
WORKER_SECONDS = 120.0
PAGE_SECONDS = 40.0
# Where the worker has ended nobody waits for more than a word on the page.
PAGE_BESIDE_SECONDS = 15.0
SAY_SECONDS = 10.0
LOOK_SECONDS = 0.1
# What the page writes into its log first, and once it listens.
PAGE_BEGINS = "the page is starting (process {pid})"
PAGE_SAYS = "the page is at"
# What it writes some seconds before it ends.
PAGE_FAILS = ("the page could not start", "must be free for the page", BEGINS)
STOPPED = "Flotilla was stopped meanwhile"
# Exit codes after which supervisor leaves a program ended; see supervisord.conf.
FINAL = (0, 78)


class Page(enum.Enum):
    """Where the page stands."""

    READY = enum.auto()
    STARTING = enum.auto()
    ENDED = enum.auto()


class Start(NamedTuple):
    """What is true after a start: whether the worker has taken its books up, and where the page stands.

    `page_word` is the address of a page that is ready, as far as it said so, and the sentence of one that ended.
    """

    worker_runs: bool
    worker_word: str
    page: Page
    page_word: str


class WorkerEnded(FlotillaError):
    """The worker ended instead of running; the exit code is its own."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Programs(Protocol):
    """What is asked of supervisor."""

    def process(self, program: str) -> Process: ...
    def end_of(self, program: str) -> End: ...


class Fleet:
    """The worker and the page of a project while they start."""

    def __init__(self, root: Path, programs: Programs) -> None:
        """Look at what runs and what the logs hold, before anything is started."""
        self._root = root
        self._programs = programs
        self._worker_log = Log(root / "logs" / "worker.log")
        # A page that is up already has said in the past where it is.
        self._page_log = Log(root / "logs" / "dashboard.log", from_start=programs.process("dashboard").is_up)
        self._worker = Process()

    def wait(self, say: Callable[[str], None]) -> Start:
        """Wait until the worker runs and the page listens, or they do not; raises WorkerEnded.

        `say` is told what they write meanwhile, and every few seconds that it still goes on.
        """
        self._worker = self._programs.process("worker")
        began = said_at = time.monotonic()
        while True:
            now = time.monotonic()
            # The page last, and the worker again with each look: it may end while the page is waited for.
            found = self._look()
            news = self._news(found)
            for word in news:
                say(f"  {word}")
            waits = (not found.worker_runs and now - began < WORKER_SECONDS) or (
                found.page is Page.STARTING and now - began < PAGE_SECONDS
            )
            if not waits:
                return found
            if news:
                said_at = now
            elif now - said_at >= SAY_SECONDS:
                said_at = now
                say(f"  {'the page' if found.worker_runs else 'the worker'} is still starting, {now - began:.0f} s")
            time.sleep(LOOK_SECONDS)

    def _look(self) -> Start:
        page, page_word = self._page()
        worker = self._programs.process("worker")
        if not worker.is_up or worker.pid != self._worker.pid:
            raise self._ended(worker)
        runs = running_process(self._root) == worker.pid
        return Start(runs, "" if runs else self._worker_log.last_word(), page, page_word)

    def _page(self) -> tuple[Page, str]:
        page = self._programs.process("dashboard")
        # A page that was up already said so before, and one that it began anew says so again.
        said = self._page_log.said().rpartition(PAGE_BEGINS.format(pid=page.pid))[2]
        fails = max(said.rfind(word) for word in PAGE_FAILS)
        if not page.is_up or fails > said.rfind(PAGE_SAYS):
            return Page.ENDED, self._page_log.last_word()
        if PAGE_SAYS not in said:
            return Page.STARTING, ""
        return Page.READY, said.rpartition(PAGE_SAYS)[2].partition("\n")[0].strip()

    def _news(self, found: Start) -> list[str]:
        # A worker that runs has many fills to tell of while it takes up its history.
        worker = [f"worker: {line}" for line in self._worker_log.news(only_trouble=found.worker_runs)]
        return worker + [f"page: {line}" for line in self._page_log.news(only_trouble=True)]

    def _ended(self, worker: Process) -> WorkerEnded:
        end = self._programs.end_of("worker")
        if not worker.state or worker.state in ("STOPPED", "STOPPING"):
            return WorkerEnded(f"{STOPPED}: the worker is not running.", 75)
        how = f"exit code {end.exit_code}" if end.exit_code is not None else end.signal or "no exit code"
        word = self._worker_log.last_word().rstrip(".")
        goes_on = (
            f"{self._beside(word)}: mend it and `make run` again, or `make stop`."
            if end.exit_code in FINAL
            else "Supervisor starts it again and again: `make status` says whether it runs, `make stop` ends that."
        )
        return WorkerEnded(
            f"The worker has ended ({how}): {word}; logs/worker.log has the rest. {goes_on}",
            end.exit_code or FlotillaError.exit_code,
        )

    def _beside(self, worker_word: str) -> str:
        """Say what is still up where the worker has ended for good."""
        give_up = time.monotonic() + PAGE_BESIDE_SECONDS
        while (found := self._page())[0] is Page.STARTING and time.monotonic() < give_up:
            time.sleep(LOOK_SECONDS)
        page, word = found
        if page is Page.READY:
            return "Supervisor and page stay up"
        if page is Page.STARTING:
            return "Supervisor stays up, the page is still starting"
        why = "for the same reason" if word.rstrip(".") == worker_word else f"too ({word.rstrip('.')})"
        return f"Supervisor stays up, the page has ended {why}"
