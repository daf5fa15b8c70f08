"""Start and stop Flotilla under supervisor: what `make run` and `make stop` do."""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.clock import SystemClock
from shared.errors import ConfigurationError, FlotillaError
from shared.links import way_in
from shared.printable import lines, one_line
from shared.private_files import private_files
from shared.settings import FILE_NAME, load_settings
from shared.settings_file import existing
from shared.unexpected import telling
from worker.process.starting import Fleet, Page, Start
from worker.process.supervisor_client import RUNNING, Supervisor

ANSWER_SECONDS = 10.0
STOP_SECONDS = 40.0
PROGRAMS = ("worker", "dashboard")
INTERRUPTED = 130


def start(root: Path, say: Callable[[str], None]) -> str:
    """Start supervisor, worker and page where they are not running yet; give the line that is true at the end.

    `say` is told what happens meanwhile. Raises FlotillaError with the worker's exit code where the worker has ended.
    """
    supervisor = Supervisor(root)
    _make_folders(root)
    with _alone(root, say):
        # Before anything is started: what was in the logs is of other runs.
        fleet = Fleet(root, supervisor)
        _bring_up(supervisor)
        found = fleet.wait(say)
        return _where_to_look(root, found)


def stop(root: Path, say: Callable[[str], None]) -> str:
    """Let the worker finish its step, then end it and supervisor."""
    supervisor = Supervisor(root)
    if not supervisor.state():
        return "Flotilla is not running."
    process = supervisor.shut_down()
    _wait(lambda: not _alive(process), STOP_SECONDS)
    if _alive(process):
        raise FlotillaError(f"supervisor (process {process}) must end within {STOP_SECONDS:.0f} s, was still there")
    return "Flotilla has stopped."


def main(arguments: list[str]) -> int:
    """Run `start` or `stop` for the project in the working folder."""
    actions = {"start": start, "stop": stop}
    if len(arguments) != 1 or arguments[0] not in actions:
        sys.stderr.write(f"expected one of {', '.join(actions)}, was {arguments}\n")
        return 64
    try:
        with private_files():
            sys.stdout.write(lines(actions[arguments[0]](Path.cwd(), _say)) + "\n")
        return 0
    except FlotillaError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("Interrupted; what was started goes on. `make status` looks at it, `make stop` ends it.")
        return INTERRUPTED


def _say(sentence: str) -> None:
    sys.stderr.write(f"{one_line(sentence)}\n")
    sys.stderr.flush()


def _make_folders(root: Path) -> None:
    for folder in (root / name for name in ("run", "logs", "state")):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{folder} must be a folder that can be written: {error.strerror}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(f"{folder} must be a folder that can be written, belongs to somebody else")


@contextmanager
def _alone(root: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for another start of the same project, which then has done what there was to do."""
    path = root / "run" / "start.lock"
    try:
        file = path.open("a")
    except OSError as error:
        raise ConfigurationError(f"{path} must be a file that can be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another `make run` is starting Flotilla; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _bring_up(supervisor: Supervisor) -> None:
    """Start what is not running, after a stop that is under way."""
    _wait(lambda: supervisor.state() in ("", RUNNING), STOP_SECONDS)
    if not supervisor.state():
        supervisor.launch()
        _wait(lambda: supervisor.state() == RUNNING, ANSWER_SECONDS)
    for program in PROGRAMS:
        _start_program(supervisor, program)


def _start_program(supervisor: Supervisor, program: str) -> None:
    _wait(lambda: supervisor.process(program).state != "STOPPING", STOP_SECONDS)
    if not supervisor.process(program).is_up:
        supervisor.start(program)


def _where_to_look(root: Path, found: Start) -> str:
    """Say what runs, and where the page is or why it is nowhere."""
    words = {
        Page.READY: "at {address} or with",
        Page.STARTING: "with (the page is still starting and will be at {address}; logs/dashboard.log has its words)",
        Page.ENDED: "with (the page did not start: {word}; logs/dashboard.log has the rest)",
    }
    try:
        # A link is made for those alone who can open it.
        address = "" if found.page is Page.ENDED else _way_in(root)
        page = words[found.page].format(address=address, word=found.page_word)
    except ConfigurationError as error:
        page = f"with (where the page is, the settings do not say: {error})"
    look = f"look {page} `.venv/bin/flotilla status`, stop with `make stop`."
    if found.worker_runs:
        return f"Flotilla is running: {look}"
    return f"The worker is still starting, its last word: {found.worker_word}. It goes on by itself: {look}"


def _way_in(root: Path) -> str:
    return way_in(root, load_settings(existing(root / FILE_NAME)).dashboard, SystemClock().now_ms())


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not condition() and time.monotonic() < give_up:
        time.sleep(0.05)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    with telling():
        sys.exit(main(sys.argv[1:]))
