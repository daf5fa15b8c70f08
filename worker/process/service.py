"""The worker as a process: what stands around its loop, and what each of its ends means."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from shared.clock import Clock, SystemClock
from shared.database import require_place_to_write
from shared.errors import ConfigurationError, DatabaseChanged, DatabaseError, DiskFull, FlotillaError, LeaseError
from shared.parent import watch_parent
from shared.printable import make_logs_harmless
from shared.settings import Settings
from shared.unexpected import EXIT_CODE, tell
from shared.units import format_duration
from worker.process.crashes import CrashCount, Start
from worker.process.host import HostLock, RunningMark, Wakes, process_files, signals_to
from worker.process.loop import Loop, Retry, Worker

# Under the 10 s in which a stop is promised: a step that hangs is cut off, its transaction rolls back.
STOP_SECONDS = 9.0
# A start has nothing under way that is worth waiting for: what it had not committed the next one does.
STARTING_SECONDS = 2.0
# A disk that was full has room when the worker has gone on for so long.
ROOM_SECONDS = 60.0
LOCK_WAIT_SECONDS = 60.0
BRAKED_PAUSE_SECONDS = 5.0
BRAKED_HOLD_SECONDS = 60.0

log = logging.getLogger(__name__)


def serve(
    load_settings: Callable[[], Settings],
    make_worker: Callable[[Settings], Worker],
    root: Path,
    *,
    until_end: bool = False,
    supervised: bool | None = None,
    clock: Clock | None = None,
) -> int:
    """Run a worker until it is told to stop and give the exit code of the process.

    0 stopped, 78 a setting must be changed, 75 another worker holds the books, 69 the database or the market is not
    there, 70 anything else. `until_end` ends with the replay and counts no crashes: it is a task, not a service.
    `supervised` (known by supervisor's environment) ties the process to its parent, waits for the lock, and delays
    restarts.
    """
    start_logging()
    supervised = "SUPERVISOR_ENABLED" in os.environ if supervised is None else supervised
    wakes = Wakes(watch_parent() if supervised else None)
    cut_off = CutOff()
    with signals_to(wakes, on_stop=cut_off.start):
        try:
            return _serve(
                load_settings, make_worker, root, wakes, until_end, supervised, clock or SystemClock(), cut_off
            )
        except Exception as error:
            return _report(error)
        finally:
            cut_off.cancel()


def start_logging() -> None:
    """Log to standard output, a line per event, in UTC."""
    make_logs_harmless()
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _serve(
    load_settings: Callable[[], Settings],
    make_worker: Callable[[Settings], Worker],
    root: Path,
    wakes: Wakes,
    until_end: bool,
    supervised: bool,
    clock: Clock,
    cut_off: "CutOff",
) -> int:
    settings = load_settings()
    # Before lock and crash count are made beside it.
    require_place_to_write(settings.database.url, root)
    files = process_files(root, settings.database.url, settings.portfolio.name)
    lock = HostLock(files.lock)
    mark = RunningMark(root, files.lock.parent) if supervised else None
    if not _take_lock(lock, mark, wakes, clock):
        return 0
    try:
        run = _Run(make_worker, settings, wakes, clock, until_end, cut_off, mark)
        if until_end:
            return run.through(Start(0, 0))
        crashes = CrashCount(files.crashes, clock)
        start = crashes.begin()
        # A stop that a person asked for and that had to be cut off is no crash.
        cut_off.before = lambda: crashes.end(0)
        if supervised and start.delay_seconds:
            log.warning("starting in %.0f s, after %s", start.delay_seconds, start)
            wakes.pause(start.delay_seconds)
        exit_code = run.through(start)
        crashes.end(exit_code)
        return exit_code
    finally:
        lock.release()


def _take_lock(lock: HostLock, mark: RunningMark | None, wakes: Wakes, clock: Clock) -> bool:
    """Under a supervisor an earlier worker may still be finishing its step, and leaving at once would spin."""
    give_up = time.monotonic() + (LOCK_WAIT_SECONDS if mark is not None else 0.0)
    waited = False
    while not wakes.stopping():
        try:
            if mark is not None:
                mark.require_books()
            lock.acquire(clock.now_ms())
            return True
        except (LeaseError, DatabaseError) as error:
            if time.monotonic() >= give_up:
                raise
            if not waited:
                log.warning("%s; waiting for that", error)
            waited = True
        wakes.pause(0.2)
    return False


class CutOff:
    """End the process where a stop takes too long; what was not committed is made again at the next start."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        # A signal may come while the thread that handles it holds it.
        self._lock = threading.RLock()
        self._is_over = False
        self.before: Callable[[], None] | None = None
        self.is_starting = True

    def start(self) -> None:
        """Begin to count; may be called by any thread, and again."""
        with self._lock:
            if self._timer is None:
                self._wait(STARTING_SECONDS, self._cut_off_start)

    def cancel(self) -> None:
        """Count no more: what was stopped has ended, whatever a timer was about to do."""
        with self._lock:
            self._is_over = True
            if self._timer is not None:
                self._timer.cancel()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._is_over:
            return
        self._timer = threading.Timer(seconds, then)
        self._timer.daemon = True
        self._timer.start()

    def _cut_off_start(self) -> None:
        with self._lock:
            if self.is_starting and not self._is_over:
                log.info("told to stop while it was starting; what it had not finished is done at the next start")
                self._end(0)
            self._wait(STOP_SECONDS - STARTING_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        with self._lock:
            if not self._is_over:
                log.error("the step did not end within %.0f s of the stop and was cut off", STOP_SECONDS)
                self._end(EXIT_CODE)

    def _end(self, exit_code: int) -> None:
        if self.before is not None:
            self.before()
        logging.shutdown()
        os._exit(exit_code)


def _report(error: Exception) -> int:
    if isinstance(error, FlotillaError):
        log.error("%s", error)
        return error.exit_code
    return tell(error, "worker")


class _Run:
    """One run of the process: a single worker, or worker after worker where it may not crash any more."""

    def __init__(
        self,
        make_worker: Callable[[Settings], Worker],
        settings: Settings,
        wakes: Wakes,
        clock: Clock,
        until_end: bool,
        cut_off: CutOff,
        mark: RunningMark | None,
    ) -> None:
        self._make_worker = make_worker
        self._settings = settings
        self._wakes = wakes
        self._clock = clock
        self._until_end = until_end
        self._cut_off = cut_off
        self._mark = mark
        self._recovered = False
        self._error: Exception | None = None
        self._room = Room(clock)

    def through(self, start: Start) -> int:
        """Run to the end and give the exit code."""
        hold_seconds = 0.0
        while not self._wakes.stopping():
            exit_code = self._attempt(start.braked, hold_seconds)
            if isinstance(self._error, DiskFull):
                self._wakes.pause(self._room.wait_seconds(self._error))
            elif not start.braked or self._must_end(exit_code):
                return exit_code
            else:
                log.error("staying up without entries after %s; next try in %.0f s", start, BRAKED_HOLD_SECONDS)
                hold_seconds = BRAKED_HOLD_SECONDS
                self._wakes.pause(BRAKED_PAUSE_SECONDS if self._recovered else BRAKED_HOLD_SECONDS)
        return 0

    def _must_end(self, exit_code: int) -> bool:
        # What this process has open of a database that changed must not be opened again beside it.
        ends = (0, ConfigurationError.exit_code, LeaseError.exit_code)
        return exit_code in ends or isinstance(self._error, DatabaseChanged)

    def _attempt(self, braked: bool, hold_seconds: float) -> int:
        self._recovered, self._error = False, None
        self._cut_off.is_starting = True
        worker = None
        try:
            worker = self._make_worker(self._settings)
            worker.recover(braked)
            self._recovered, self._cut_off.is_starting = True, False
            if self._wakes.stopping():
                log.info("told to stop while it was starting")
                return 0
            log.info("the worker is running (process %d)", os.getpid())
            if self._mark is not None:
                self._mark.write()
            Loop(worker, self._settings.worker, self._wakes, self._clock, self._until_end, self._room.note).run(
                hold_seconds
            )
            log.info("the worker has stopped")
            return 0
        except DiskFull as error:
            self._error = error
            return error.exit_code
        except Exception as error:
            self._error = error
            return _report(error)
        finally:
            if self._mark is not None:
                self._mark.remove()
            if worker is not None:
                _close(worker)


class Room:
    """What is said of a disk that is full: once that it is, once that it is not any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._retry = Retry()
        self._full_ms: int | None = None
        self._failed_ms = 0

    def wait_seconds(self, error: DiskFull) -> float:
        """Give how long to wait before the next try: 1, 2, 4 … 60 s."""
        now_ms = self._failed_ms = self._clock.monotonic_ms()
        if self._full_ms is None:
            self._full_ms = now_ms
            log.error("%s; nothing is lost: the worker tries again after 1, 2, 4 … 60 s until there is room", error)
        self._retry.put_off(now_ms / 1000)
        return self._retry.seconds_left(now_ms / 1000)

    def note(self) -> str:
        """Say that there is room again, once that has lasted; empty where there is nothing to say."""
        now_ms = self._clock.monotonic_ms()
        if self._full_ms is None or now_ms - self._failed_ms < 1000 * ROOM_SECONDS:
            return ""
        lasted_ms, self._full_ms = self._failed_ms - self._full_ms, None
        self._retry.end()
        return f"the disk has room again; it was full for {format_duration(lasted_ms)}"


def _close(worker: Worker) -> None:
    try:
        worker.close()
    except DiskFull:
        return
    except Exception as error:
        _report(error)
