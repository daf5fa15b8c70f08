"""Start and stop Flotilla under supervisor: what `make run` and `make stop` do."""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from shared.clock import SystemClock
from shared.errors import ConfigurationError, FlotillaError
from shared.links import way_in
from shared.own_page import NoOwnPage
from shared.printable import lines, one_line
from shared.private_files import private_files
from shared.settings import FILE_NAME, DashboardSettings, load_settings
from shared.settings_file import existing
from shared.unexpected import telling
from worker.process.host import owner_of
from worker.process.starting import LOOK_SECONDS, SAY_SECONDS, Fleet, Page, Start
from worker.process.supervisor_client import ANSWER_SECONDS, RUNNING, SHUTDOWN, Supervisor

STOP_SECONDS = 40.0
PROGRAMS = {"worker": "the worker", "dashboard": "the page"}
INTERRUPTED = 130


def start(root: Path, say: Callable[[str], None]) -> str:
    """Start supervisor, worker and page where they are not running yet; give the line that is true at the end.

    `say` is told what happens meanwhile. Raises FlotillaError with the worker's exit code where the worker has ended.
    """
    supervisor = Supervisor(root)
    for name in ("run", "logs"):
        _make_folder(root / name)
    with _alone(root, say):
        # Before anything is started: what was in the logs is of other runs.
        fleet = Fleet(root, supervisor)
        _bring_up(root, supervisor, say)
        found = fleet.wait(say)
        return _where_to_look(root, found)


def stop(root: Path, say: Callable[[str], None]) -> str:
    """Let the worker finish its step, then end it and supervisor."""
    supervisor = Supervisor(root)
    if not supervisor.state():
        return "Flotilla is not running."
    process = supervisor.shut_down()

    def is_gone() -> bool:
        # Of one that ends already only this is known; a start may have made another one since.
        return supervisor.state() != SHUTDOWN if process is None else not _alive(process)

    _wait(is_gone, STOP_SECONDS)
    if not is_gone():
        raise FlotillaError(f"supervisor must end within {STOP_SECONDS:.0f} s, was still there")
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _not_writable("folder", folder, error) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _not_writable("folder", folder, PermissionError())


def _not_writable(kind: str, path: Path, error: OSError) -> ConfigurationError:
    is_closed = isinstance(error, PermissionError)
    why = f"it is closed to this user, and belongs to {owner_of(path)}" if is_closed else error.strerror
    return ConfigurationError(f"{path} must be a {kind} that can be written: {why}")


@contextmanager
def _alone(root: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for another start of the same project, which then has done what there was to do."""
    path = root / "run" / "start.lock"
    try:
        file = path.open("a")
    except OSError as error:
        raise _not_writable("file", path, error) from error
    with file:
        _wait_for(file, say)
        yield


def _wait_for(lock: TextIO, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    said_at = -SAY_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - began
            if waited - said_at >= SAY_SECONDS:
                said_at = waited
                say(f"Another `make run` is starting Flotilla; waiting for it, {waited:.0f} s.")
            time.sleep(LOOK_SECONDS)


def _bring_up(root: Path, supervisor: Supervisor, say: Callable[[str], None]) -> None:
    """Start what is not running, after a stop that is under way."""
    if supervisor.state() not in ("", RUNNING):
        say("Flotilla is being stopped; waiting for that.")
        _wait(lambda: supervisor.state() in ("", RUNNING), STOP_SECONDS)
    if missing := [name for program, name in PROGRAMS.items() if not supervisor.process(program).is_up]:
        say(f"Starting {' and '.join(missing)}.")
    if not supervisor.state():
        # Not under a supervisor that runs: its worker may be waiting for the folder it had its books in.
        _make_folder(root / "state")
        supervisor.launch()
        _wait(lambda: supervisor.state() == RUNNING, ANSWER_SECONDS)
    if (state := supervisor.state()) != RUNNING:
        where = "logs/supervisord.log has its words"
        raise FlotillaError(f"supervisor must be RUNNING by now, was {state or 'not there'}; {where}")
    for program in PROGRAMS:
        _start_program(supervisor, program)


def _start_program(supervisor: Supervisor, program: str) -> None:
    _wait(lambda: supervisor.process(program).state != "STOPPING", STOP_SECONDS)
    if not supervisor.process(program).is_up:
        supervisor.start(program)


def _where_to_look(root: Path, found: Start) -> str:
    """Say what runs, and where the page is or why it is nowhere."""
    try:
        dashboard = load_settings(existing(root / FILE_NAME)).dashboard
    except ConfigurationError as refused:
        return _goes_on_without(refused, found)
    runs = "Flotilla is running"
    if not found.worker_runs:
        runs = f"The worker is still starting, its last word: {found.worker_word}. It goes on by itself"
    page, note = "", f" (the page did not start: {found.page_word}; logs/dashboard.log has the rest)"
    if found.page is Page.STARTING:
        note = " (the page is still starting; `.venv/bin/flotilla dashboard link` prints a link once it is there)"
    if found.page is Page.READY:
        try:
            page, note = f"at {_way_in(root, dashboard, found.page_word)} or ", ""
        except (ConfigurationError, NoOwnPage) as error:
            note = f" (no link to the page was made: {error})"
    return f"{runs}: look {page}with `.venv/bin/flotilla status`, stop with `make stop`{note}."


def _goes_on_without(refused: ConfigurationError, found: Start) -> str:
    """Say what runs where the settings of now are refused; no command works with them, nor do they say who signs in."""
    runs = "Flotilla is running" if found.worker_runs else "The worker is still starting"
    pages = {
        Page.READY: f"its page is {found.page_word or 'up'}",
        Page.STARTING: "its page is still starting",
        Page.ENDED: f"its page did not start ({found.page_word})",
    }
    return (
        f"{runs} with the settings it was started with, {pages[found.page]}. What is set now is refused: "
        f"{str(refused).rstrip('.')}. Mend that, or stop with `make stop`."
    )


def _way_in(root: Path, dashboard: DashboardSettings, page: str) -> str:
    """Give what to open; the page knows better where it is than the settings of now."""
    place = urlsplit(page)
    here = {"address": place.hostname, "port": place.port} if place.hostname and place.port else {}
    return way_in(root, dashboard.model_copy(update=here), SystemClock().now_ms())


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
