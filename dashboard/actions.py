"""The one place that acts: writes a command for the worker, or speaks to supervisor. A viewer is refused here, too.

What supervisor is asked for needs no database and so is in no table: it is a line of the sign-in record.
"""

from functools import partial
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import streamlit as st
from sqlalchemy import Engine
from supervisor.xmlrpc import Faults, SupervisorTransport

from dashboard import loaders
from dashboard.components.person import require_operator
from dashboard.gate import record
from dashboard.patience import PATIENCE_SECONDS, Patience
from shared.clock import SystemClock
from shared.database import open_commands, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.errors import CommandRefused, FlotillaError
from shared.tables import commands

WORKER = "worker"
SOCKET = Path("run") / "supervisor.sock"
LONGEST_REASON = 500
_PATIENCE = Patience()


class SupervisorAway(FlotillaError):
    """Supervisor does not answer at its socket: the worker's process can only be stopped from its own machine."""

    exit_code = 69


def ask(
    kind: CommandKind,
    scope_kind: ScopeKind,
    scope: str,
    reason: str,
    cause: Cause | None = None,
    amount: float | None = None,
) -> int:
    """Write a command in the person's name and give its id.

    Raises CommandRefused for a viewer or without a reason, DatabaseError where it cannot be written.
    """
    who = require_operator()
    why = _required(reason)
    place, portfolio_id = loaders.place(), loaders.portfolio_id()
    file, now_ms = loaders.database_file(), SystemClock().now_ms()

    def write() -> int:
        engine = _engine(place.settings.database.url, str(place.root), file)
        with transaction(engine) as connection:
            return commands.ask(
                connection, portfolio_id, kind, scope_kind, scope, why, who.name, now_ms, amount=amount, cause=cause
            )

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
    return _tell(record.STOP_ASKED, reason, "stopProcess", WORKER, False)


def kill_worker(reason: str) -> bool:
    """Kill the worker's process that was told to stop and does not; as `stop_worker`."""
    return _tell(record.KILL_ASKED, reason, "signalProcess", WORKER, "KILL")


def start_worker(reason: str) -> bool:
    """Let supervisor start the worker's process; as `stop_worker`."""
    return _tell(record.START_ASKED, reason, "startProcess", WORKER, False)


def _required(reason: str) -> str:
    why = reason.strip()[:LONGEST_REASON]
    if not why:
        raise CommandRefused("reason must say why, was empty")
    return why


def _tell(what: str, reason: str, method: str, *arguments: Any) -> bool:
    who, why = require_operator(), _required(reason)
    # Before it is done, as a command is. A disk that is full must not keep anybody from stopping.
    signins = record.SigninRecord(loaders.place().root, SystemClock())
    is_recorded = signins.write(what, who.name, st.context.ip_address or "127.0.0.1", why)
    try:
        _supervisor_call(method, *arguments)
    except Fault as fault:
        if fault.faultCode not in (Faults.NOT_RUNNING, Faults.ALREADY_STARTED):
            raise SupervisorAway(f"supervisor must do what it is told, said: {fault.faultString}") from fault
    return is_recorded


def _supervisor_call(method: str, *arguments: Any) -> Any:
    late = f"supervisor must answer within {PATIENCE_SECONDS:g} s, did not: it hangs, and may still do what it was told"
    return _PATIENCE.once(partial(_tell_supervisor, method, *arguments), PATIENCE_SECONDS, SupervisorAway(late))


def _tell_supervisor(method: str, *arguments: Any) -> Any:
    socket = loaders.place().root / SOCKET
    # A new one each time, as a refused one stays refused.
    transport = SupervisorTransport(None, None, f"unix://{socket}")
    try:
        # The address is not used: the transport goes to the socket.
        return getattr(ServerProxy("http://127.0.0.1", transport=transport).supervisor, method)(*arguments)
    except OSError as error:
        raise SupervisorAway(
            f"supervisor must answer at {SOCKET}, did not: the worker was not started by `make run`, or by someone else"
        ) from error
    finally:
        transport.close()


@st.cache_resource(show_spinner=False, max_entries=4, on_release=lambda engine: engine.dispose())
def _engine(url: str, root: str, file: int) -> Engine:
    return open_commands(url, Path(root))
