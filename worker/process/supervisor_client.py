"""Supervisor, asked at its socket: its own state, that of a program, and how a program ended."""

import os
import re
import socket
import subprocess
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from xmlrpc.client import Fault, ProtocolError, ServerProxy, Transport

from supervisor.xmlrpc import Faults

from shared.errors import ConfigurationError, FlotillaError
from worker.process.host import owner_of
from worker.process.logs import Log

ANSWER_SECONDS = 30.0

# What a unix socket's path may be, less the process id supervisor adds while it makes one.
LONGEST_SOCKET_PATH = (107 if sys.platform == "linux" else 103) - len(".4194304")
RUNNING = "RUNNING"
SHUTDOWN = "SHUTDOWN"
_ENDED = r"(?:exited|stopped): {program} \((?:exit status (\d+)|terminated by (\w+))"
_IN_VAIN = (Faults.ALREADY_STARTED, Faults.ABNORMAL_TERMINATION, Faults.SPAWN_ERROR, Faults.SHUTDOWN_STATE)


class NotThere(Exception):
    """Nobody listens at the socket."""


class Process(NamedTuple):
    """What supervisor says of a program's process; without a state where supervisor does not answer."""

    state: str = ""
    pid: int = 0

    @property
    def is_up(self) -> bool:
        """Tell whether the process is there."""
        return self.state in (RUNNING, "STARTING")


class End(NamedTuple):
    """How a process ended: its exit code, or the signal it was killed by; neither where that is not known."""

    exit_code: int | None = None
    signal: str = ""


class Supervisor:
    """The supervisor of a project's folder, running or not."""

    def __init__(self, root: Path) -> None:
        """Check that its socket can be made: raises ConfigurationError where the path is too long."""
        self._root = root
        self._socket = root / "run" / "supervisor.sock"
        _check_length(self._socket, root)
        self._log = Log(root / "logs" / "supervisord.log")

    def state(self) -> str:
        """Give its own state, such as RUNNING or SHUTDOWN; empty where it is not there.

        Every question raises FlotillaError where it is there and does not answer, ConfigurationError where it is
        somebody else's.
        """
        try:
            return str(self._ask("getState")["statename"])
        except Fault:
            # While it ends it refuses every question, also this one.
            return SHUTDOWN
        except NotThere:
            return ""

    def process(self, program: str) -> Process:
        """Give the state of a program's process."""
        try:
            info = self._ask("getProcessInfo", program)
        except (NotThere, Fault):
            return Process()
        return Process(info["statename"], info["pid"])

    def end_of(self, program: str) -> End:
        """Give how a program's process ended last, since this object was made."""
        # Its own answer is gone as soon as it has started the program again.
        found = re.findall(_ENDED.format(program=program), self._log.said())
        if not found:
            return End()
        code, signal = found[-1]
        return End(int(code) if code else None, signal)

    def launch(self) -> None:
        """Start supervisor, which starts its programs; raises ConfigurationError with what it says."""
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"]
        started = subprocess.run(
            command, cwd=self._root, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        if started.returncode:
            raise ConfigurationError(f"supervisor did not start: {(started.stderr or started.stdout).strip()}")

    def start(self, program: str) -> None:
        """Let it start a program that is not running."""
        try:
            self._ask("startProcess", program)
        except Fault as fault:
            if fault.faultCode not in _IN_VAIN:
                raise ConfigurationError(f"supervisor must start {program}, said: {fault.faultString}") from fault
        except NotThere:
            return

    def shut_down(self) -> int | None:
        """Tell it to end its programs and itself; give its process id, None where it is ending already."""
        try:
            process = int(self._ask("getPID"))
            self._ask("shutdown")
        except (NotThere, Fault):
            return None
        return process

    def _ask(self, question: str, *about: str) -> Any:
        # The address is not used: the transport goes to the socket. A new one each time: a refused one stays refused.
        try:
            with ServerProxy("http://localhost", transport=_SocketTransport(self._socket)) as there:
                return getattr(there.supervisor, question)(*about)
        except TimeoutError as error:
            where = "it was left alone, logs/supervisord.log has its words"
            raise FlotillaError(f"supervisor must answer within {ANSWER_SECONDS:.0f} s, did not; {where}") from error
        except PermissionError as error:
            raise ConfigurationError(
                f"{self._socket} is for its owner alone: only {owner_of(self._socket)} can start and stop Flotilla here"
            ) from error
        except (OSError, HTTPException, ProtocolError) as error:
            raise NotThere from error


class _SocketTransport(Transport):
    """XML-RPC at a unix socket, where an answer is not waited for without end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = HTTPConnection(host)
        # Kept where the transport looks for what it closes.
        self._connection = host, connection
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.sock.connect(str(self._path))
        return connection


def _check_length(socket: Path, root: Path) -> None:
    length = len(os.fsencode(socket))
    if length > LONGEST_SOCKET_PATH:
        longest = LONGEST_SOCKET_PATH - (length - len(os.fsencode(root)))
        raise ConfigurationError(
            f"the path of the project must be at most {longest} characters long, for its socket is in it, "
            f"was {len(os.fsencode(root))}: {root}"
        )
