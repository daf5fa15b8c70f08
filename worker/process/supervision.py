"""Start and stop Flotilla under supervisor: what `make run` and `make stop` do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from shared.clock import SystemClock
from shared.errors import ConfigurationError, FlotillaError
from shared.links import way_in
from shared.printable import lines, one_line
from shared.settings import FILE_NAME, load_settings
from shared.settings_file import existing

# What a unix socket's path may be, less the process id supervisor adds while it makes one.
LONGEST_SOCKET_PATH = (107 if sys.platform == "linux" else 103) - len(".4194304")
ANSWER_SECONDS = 10.0
FIRST_WORD_SECONDS = 20.0
STOP_SECONDS = 40.0
PAGE_SECONDS = 15.0
# What the page writes into its log once it listens.
PAGE_SAYS = "the page is at"
# What it writes some seconds before it ends, and while somebody else has its port.
PAGE_FAILS = ("the page could not start", "must be free for the page")
PAGE_WAITS = "is taken; waiting for it"
PORT_SECONDS = 3.0


def start(root: Path) -> str:
    """Start supervisor, worker and page where they are not running yet; give the line that says where to look."""
    socket = _checked_socket(root)
    for folder in ("run", "logs", "state"):
        (root / folder).mkdir(mode=0o700, exist_ok=True)
    log = root / "logs" / "worker.log"
    said_before, page_said_before = _size(log), _size(root / "logs" / "dashboard.log")
    if not _answers(socket):
        _start_supervisor(root)
        _wait(lambda: _answers(socket), ANSWER_SECONDS)
    elif _worker_alive(socket):
        return _where_to_look(root, socket)
    else:
        _start_program(socket, "worker")
    _wait(lambda: _size(log) != said_before or not _worker_alive(socket), FIRST_WORD_SECONDS)
    # A worker that cannot run says so and ends; one that can goes on.
    time.sleep(0.5)
    if not _worker_alive(socket):
        raise ConfigurationError(f"the worker did not start: {_last_line(log)}")
    return _where_to_look(root, socket, page_said_before)


def stop(root: Path) -> str:
    """Let the worker finish its step, then end it and supervisor."""
    socket = _checked_socket(root)
    if not _answers(socket):
        return "Flotilla is not running."
    process = _ask(socket).getPID()
    _ask(socket).shutdown()
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
        sys.stdout.write(lines(actions[arguments[0]](Path.cwd())) + "\n")
        return 0
    except FlotillaError as error:
        sys.stderr.write(f"{one_line(error)}\n")
        return error.exit_code


def _where_to_look(root: Path, socket: Path, said_before: int | None = None) -> str:
    """Name the page, once it listens; one that does not start keeps nobody from the fleet."""
    log = root / "logs" / "dashboard.log"
    if not _alive_under(socket, "dashboard"):
        said_before = _size(log)
        _start_program(socket, "dashboard")
    if said_before is None or _page_starts(log, said_before, socket):
        page = f"at {_way_in(root)} or with"
    else:
        page = f"with (the page did not start: {_last_line(log)}; {log.relative_to(root)} has the rest)"
    return f"Flotilla is running: look {page} `.venv/bin/flotilla status`, stop with `make stop`."


def _page_starts(log: Path, said_before: int, socket: Path) -> bool:
    """Wait for the word of the page that it listens, or that it will not."""

    def says(*words: str) -> bool:
        said = _since(log, said_before)
        return any(word in said for word in words)

    _wait(lambda: says(PAGE_SAYS, PAGE_WAITS, *PAGE_FAILS) or not _alive_under(socket, "dashboard"), PAGE_SECONDS)
    if says(PAGE_WAITS):
        # A page that is just ending still has the port for a moment.
        _wait(lambda: says(PAGE_SAYS, *PAGE_FAILS), PORT_SECONDS)
    return says(PAGE_SAYS)


def _way_in(root: Path) -> str:
    return way_in(root, load_settings(existing(root / FILE_NAME)).dashboard, SystemClock().now_ms())


def _checked_socket(root: Path) -> Path:
    socket = root / "run" / "supervisor.sock"
    length = len(os.fsencode(socket))
    if length > LONGEST_SOCKET_PATH:
        longest = LONGEST_SOCKET_PATH - (length - len(os.fsencode(root)))
        raise ConfigurationError(
            f"the path of the project must be at most {longest} characters long, for its socket is in it, "
            f"was {len(os.fsencode(root))}: {root}"
        )
    return socket


def _ask(socket: Path) -> Any:
    # The address is not used: the transport goes to the socket. A new one each time, as a refused one stays refused.
    return ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{socket}")).supervisor


def _answers(socket: Path) -> bool:
    try:
        return _ask(socket).getState()["statename"] == "RUNNING"
    except OSError:
        return False


def _worker_alive(socket: Path) -> bool:
    return _alive_under(socket, "worker")


def _alive_under(socket: Path, program: str) -> bool:
    return _ask(socket).getProcessInfo(program)["statename"] in ("RUNNING", "STARTING")


def _start_supervisor(root: Path) -> None:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(root / "supervisord.conf")]
    started = subprocess.run(command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if started.returncode:
        raise ConfigurationError(f"supervisor did not start: {(started.stderr or started.stdout).strip()}")


def _start_program(socket: Path, program: str) -> None:
    try:
        _ask(socket).startProcess(program)
    except Fault as fault:
        if fault.faultCode not in (Faults.ALREADY_STARTED, Faults.ABNORMAL_TERMINATION, Faults.SPAWN_ERROR):
            raise


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


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _since(log: Path, size: int) -> str:
    if not log.exists():
        return ""
    with log.open(errors="replace") as file:
        # A log that became shorter was put away for a new one.
        file.seek(size if _size(log) >= size else 0)
        return file.read()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    # What points to the lines above it says nothing where they are not shown.
    telling = [line.strip() for line in lines if line.strip() and "the lines above say why" not in line]
    return telling[-1] if telling else f"see {log}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
