"""The one place that acts: writes a command for the worker, or speaks to supervisor. A viewer is refused here, too.

Each act, and each that is refused to a viewer, is a line of `logs/acts.log`. A command is a row of the database too;
what supervisor is asked for needs no database.
"""

import logging
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any, NamedTuple
from xmlrpc.client import Fault, ServerProxy, Transport

import streamlit as st
from sqlalchemy import Connection, Engine
from supervisor.xmlrpc import Faults

from dashboard import loaders
from dashboard.gate import acts
from dashboard.gate.acts import LONGEST_REASON as LONGEST_REASON
from dashboard.gate.acts import Act, acts_of
from dashboard.gate.people import Person
from dashboard.gate.person import UNKNOWN, person, require_operator
from dashboard.patience import PATIENCE_SECONDS, IsWanted
from shared.clock import SystemClock
from shared.database import open_commands, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.errors import CommandRefused, DatabaseError, FlotillaError
from shared.secret_url import SecretUrl
from shared.tables import commands

LOG = logging.getLogger(__name__)
WORKER = "worker"
SOCKET = Path("run") / "supervisor.sock"


class SupervisorAway(FlotillaError):
    """Supervisor does not answer at its socket: the worker's process can only be stopped from its own machine."""

    exit_code = 69


class Asked(NamedTuple):
    """A command that was written: its id, and whether `logs/acts.log` took its line."""

    command_id: int
    is_recorded: bool


def ask(
    kind: CommandKind,
    scope_kind: ScopeKind,
    scope: str,
    reason: str,
    cause: Cause | None = None,
    amount: float | None = None,
    detail: str | None = None,
) -> Asked:
    """Write a command in the person's name.

    Raises CommandRefused for a viewer or without a reason, DatabaseError where it cannot be written.
    """
    act, now_ms = Act(kind.name, f"{scope_kind.name.lower()} {scope}".strip(), _short(reason)), SystemClock().now_ms()

    def write(who: Person, refused: str | None = None) -> int:
        return _write(
            lambda connection, own: commands.ask(
                *(connection, own, kind, scope_kind, scope, act.reason, who.name, now_ms),
                amount=amount,
                cause=cause,
                refused=refused,
                detail=detail,
            )
        )

    who = _operator(act, write)
    try:
        command_id = write(who)
    except DatabaseError as error:
        _acts().done(act, who, _address(), trouble=str(error))
        raise
    return Asked(command_id, _acts().done(act, who, _address(), command=command_id))


def _write(ask: Callable[[Connection, int], int]) -> int:
    place = loaders.place()

    def write(is_wanted: IsWanted) -> int:
        engine = _engine(place.settings.database.url, str(place.root), loaders.database_file())
        own = loaders.portfolio_id()
        with transaction(engine) as connection:
            command_id = ask(connection, own)
            if not is_wanted():
                raise DatabaseError("the command was given up before it could be written")
        return command_id

    return int(loaders.write(write))


def worker_process() -> str:
    """Give what supervisor says of the worker's process, such as `RUNNING`; raises SupervisorAway."""
    try:
        return str(_supervisor_call("getProcessInfo", WORKER)["statename"])
    except Fault as fault:
        raise SupervisorAway(f"supervisor must know the program {WORKER!r}, said: {fault.faultString}") from fault


def stop_worker(reason: str) -> bool:
    """Let supervisor end the worker's process and not start it again; give whether that was recorded.

    The process is asked first and killed when it does not end in time; what a person latched stays in the books. Raises
    CommandRefused for a viewer or without a reason, SupervisorAway.
    """
    return _tell(acts.STOP_ASKED, reason, "stopProcess", WORKER, False)


def kill_worker(reason: str) -> bool:
    """Kill the worker's process that was told to stop and does not; as `stop_worker`."""
    return _tell(acts.KILL_ASKED, reason, "signalProcess", WORKER, "KILL")


def start_worker(reason: str) -> bool:
    """Let supervisor start the worker's process; as `stop_worker`."""
    return _tell(acts.START_ASKED, reason, "startProcess", WORKER, False)


def _short(reason: str) -> str:
    return reason.strip()[:LONGEST_REASON]


def _tell(what: str, reason: str, method: str, *arguments: Any) -> bool:
    act = Act(what, "", _short(reason))
    who = _operator(act)
    # Before it is done, as a command is. A disk that is full must not keep anybody from stopping.
    is_recorded = _acts().done(act, who, _address())
    try:
        _supervisor_call(method, *arguments)
    except Fault as fault:
        if fault.faultCode not in (Faults.NOT_RUNNING, Faults.ALREADY_STARTED):
            raise SupervisorAway(f"supervisor must do what it is told, said: {fault.faultString}") from fault
    return is_recorded


def _operator(act: Act, write: Callable[[Person, str], int] | None = None) -> Person:
    """Give the person who may do this and says why; else record that it was refused, and raise CommandRefused.

    `write` records it in the database, which holds commands alone.
    """
    try:
        who = require_operator()
    except CommandRefused as refusal:
        if _acts().refuse(act, person(), _address(), str(refusal)) and write is not None:
            _write_refusal(write, person(), str(refusal))
        raise
    if not act.reason:
        raise CommandRefused("reason must say why, was empty")
    return who


def _write_refusal(write: Callable[[Person, str], int], who: Person, sentence: str) -> None:
    try:
        write(who, f"{sentence}; others like it within minutes are counted in {acts.FILE}")
    except FlotillaError as error:
        LOG.error("what was refused must be in the audit trail, is not: %s", error)


def _acts() -> acts.Acts:
    return acts_of(loaders.place().root)


def _address() -> str:
    # Nobody comes from anywhere once their connection is gone.
    return "unknown" if person() == UNKNOWN else st.context.ip_address or "127.0.0.1"


class _AtSocket(Transport):
    """Speaks to a socket of this machine, and waits so long for each answer."""

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _Connection("localhost", timeout=PATIENCE_SECONDS)
        self._connection, self._extra_headers = (host, connection), []
        return connection


class _Connection(HTTPConnection):
    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(_path())


def _path() -> str:
    return str(loaders.place().root / SOCKET)


def _supervisor_call(method: str, *arguments: Any) -> Any:
    # A new one each time, as a refused one stays refused. The address is not used: the transport goes to the socket.
    transport = _AtSocket()
    try:
        return getattr(ServerProxy("http://localhost", transport=transport).supervisor, method)(*arguments)
    except TimeoutError as error:
        raise SupervisorAway(
            f"supervisor must answer within {PATIENCE_SECONDS:g} s, did not: it hangs, and may still do as it was told"
        ) from error
    except OSError as error:
        raise SupervisorAway(
            f"supervisor must answer at {SOCKET}, did not: the worker was not started by `make run`, or by someone else"
        ) from error
    finally:
        transport.close()


@st.cache_resource(
    show_spinner=False, max_entries=4, on_release=lambda engine: engine.dispose(), hash_funcs={SecretUrl: hash}
)
def _engine(url: SecretUrl, root: str, file: int) -> Engine:
    return open_commands(url, Path(root))
