"""The one place that acts: writes a command for the worker, or speaks to supervisor. A viewer is refused here, too."""

from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import streamlit as st
from sqlalchemy import Engine
from supervisor.xmlrpc import Faults, SupervisorTransport

from dashboard import loaders
from dashboard.components.person import require_operator
from shared.clock import SystemClock
from shared.database import open_commands, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.errors import CommandRefused, FlotillaError
from shared.tables import commands

WORKER = "worker"
SOCKET = Path("run") / "supervisor.sock"
LONGEST_REASON = 500


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
    why = reason.strip()[:LONGEST_REASON]
    if not why:
        raise CommandRefused("reason must say why, was empty")
    place = loaders.place()
    engine = _engine(place.settings.database.url, str(place.root), loaders.database_file())
    with transaction(engine) as connection:
        return commands.ask(
            connection,
            loaders.portfolio_id(),
            kind,
            scope_kind,
            scope,
            why,
            who.name,
            SystemClock().now_ms(),
            amount=amount,
            cause=cause,
        )


def worker_process() -> str:
    """Give what supervisor says of the worker's process, such as `RUNNING`; raises SupervisorAway."""
    return str(_supervisor_call("getProcessInfo", WORKER)["statename"])


def stop_worker() -> str:
    """Let supervisor end the worker's process and not start it again; give its state thereafter.

    The process is asked first and killed when it does not end in time; what a person latched stays in the books. Raises
    CommandRefused for a viewer, SupervisorAway.
    """
    require_operator()
    return _tell("stopProcess", WORKER, False)


def kill_worker() -> str:
    """Kill the worker's process that was told to stop and does not; errors as of `stop_worker`."""
    require_operator()
    return _tell("signalProcess", WORKER, "KILL")


def start_worker() -> str:
    """Let supervisor start the worker's process; errors as of `stop_worker`."""
    require_operator()
    return _tell("startProcess", WORKER, False)


def _tell(method: str, *arguments: Any) -> str:
    try:
        _supervisor_call(method, *arguments)
    except Fault as fault:
        if fault.faultCode not in (Faults.NOT_RUNNING, Faults.ALREADY_STARTED):
            raise SupervisorAway(f"supervisor must do what it is told, said: {fault.faultString}") from fault
    return worker_process()


def _supervisor_call(method: str, *arguments: Any) -> Any:
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
