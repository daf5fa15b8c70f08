"""The lease: one worker per portfolio, whoever holds it; and the heartbeat that renews it.

A holder that is gone is replaced at once where that can be seen (the same machine), else when its lease was seen to
stand still for as long as it lasts: the clocks of two machines need not agree, and somebody may set one. The token
grows with every holder: a worker that was taken for dead and wakes up again finds that it may not commit.
"""

import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Update, bindparam, select, update

from shared.clock import Clock
from shared.database import transaction
from shared.errors import LeaseError
from shared.tables import Heartbeat, Portfolio
from shared.units import format_time
from worker.store.rows import insert_missing_rows

# Renewed every 2 s.
LEASE_MS = 10_000
# A worker of an older version renews less often, and its clock is compared with ours.
OLDER_LEASE_MS = 30_000
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, told apart from a later one of the same number by when it started, and from before a reboot."""

    host: str
    machine: str
    boot: str
    pid: int
    started: str


@dataclass(slots=True)
class _Portfolio:
    portfolio_id: int


@dataclass(frozen=True, slots=True)
class Beat:
    """A full pass of the worker: its step, the close of its bar in market time, the rest wall time.

    `bars_left` of `bars_total` past bars are still to be stepped; both are 0 where the books are up to date.
    """

    step: int
    market_ms: int
    wall_ms: int
    duration_ms: float
    lateness_ms: float
    due_ms: int | None = None
    ahead_ms: int = 0
    bars_left: int = 0
    bars_total: int = 0


def this_process() -> Holder:
    """Say which process this is."""
    namespace = _link(Path("/proc/self/ns/pid"))
    machine = _text(Path("/etc/machine-id")) + namespace
    return Holder(
        socket.gethostname(), machine, _text(Path("/proc/sys/kernel/random/boot_id")), os.getpid(), started(os.getpid())
    )


def started(pid: int) -> str:
    """Give when a process of this machine started, in whatever words the system has for it; empty if there is none."""
    status = _text(Path(f"/proc/{pid}/stat"))
    if status:
        # The name, in brackets, may hold blanks; a zombie has ended.
        fields = status.rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    if Path("/proc/self/stat").exists():
        return ""
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def is_gone(holder: Holder, me: Holder) -> bool:
    """Say whether a holder certainly runs no more; what another machine's does cannot be seen from here."""
    if (holder.host, holder.machine) != (me.host, me.machine):
        return False
    return holder.boot != me.boot or started(holder.pid) != holder.started or not holder.started


def acquire(
    connection: Connection,
    portfolio_id: int,
    me: Holder,
    now_ms: int,
    is_gone: Callable[[Holder, Holder], bool] = is_gone,
    stood_still_ms: int | None = None,
) -> int:
    """Take the lease and give its token; `now_ms` is wall time, `stood_still_ms` the renewal that `watch` gave.

    Raises LeaseError that says who holds it and since when, unless that process is gone or has let it run out.
    """
    insert_missing_rows(connection, Heartbeat, [_Portfolio(portfolio_id)], **_NEW)
    row = _row(connection, portfolio_id, for_update=True)
    has_run_out = row.lease_renewed_ms is not None and row.lease_renewed_ms == stood_still_ms
    if _is_held(row, me, has_run_out, is_gone):
        raise LeaseError(f"{_described(row)}; it was left alone")
    return _take(connection, row, me, now_ms)


def is_held(connection: Connection, portfolio_id: int) -> bool:
    """Say whether a worker holds the lease, living or not; one that ended well gave it back."""
    asked = select(Heartbeat.lease_pid).where(Heartbeat.portfolio_id == portfolio_id)
    return connection.execute(asked).scalar() is not None


def seize(connection: Connection, portfolio_id: int, me: Holder, now_ms: int) -> int:
    """Take the lease whoever holds it, and give its token: nothing leaves under the number of before any more."""
    insert_missing_rows(connection, Heartbeat, [_Portfolio(portfolio_id)], **_NEW)
    return _take(connection, _row(connection, portfolio_id, for_update=True), me, now_ms)


def _take(connection: Connection, row: Row, me: Holder, now_ms: int) -> int:
    token = int(row.lease_token) + 1
    values: dict[str, Any] = {
        "lease_token": token,
        "lease_host": me.host,
        "lease_machine": me.machine,
        "lease_boot": me.boot,
        "lease_pid": me.pid,
        "lease_started": me.started,
        "lease_since_ms": now_ms,
        "lease_renewed_ms": now_ms,
    }
    connection.execute(update(Heartbeat).where(Heartbeat.portfolio_id == row.portfolio_id).values(**values))
    return token


def watch(engine: Engine, portfolio: str, me: Holder, clock: Clock) -> int | None:
    """Give the renewal at which the lease of another machine's worker stood still while it should have been renewed.

    None at once where there is no such lease, or its last renewal is of just now; where a renewal comes meanwhile, too.
    """
    first_ms = _renewal_elsewhere(engine, portfolio, me)
    if first_ms is None or 0 <= clock.now_ms() - first_ms <= LEASE_MS:
        return None
    until_ms = clock.monotonic_ms() + LEASE_MS
    while clock.monotonic_ms() < until_ms:
        clock.sleep(WATCH_SECONDS)
        if _renewal_elsewhere(engine, portfolio, me) != first_ms:
            return None
    return first_ms


def _renewal_elsewhere(engine: Engine, portfolio: str, me: Holder) -> int | None:
    own = Heartbeat.__table__.c
    asked = (
        select(own.lease_host, own.lease_machine, own.lease_renewed_ms)
        .join(Portfolio, Portfolio.id == own.portfolio_id)
        .where(Portfolio.name == portfolio, own.lease_pid.is_not(None))
    )
    with transaction(engine) as connection:
        row = connection.execute(asked).first()
    return None if row is None or (row.lease_host, row.lease_machine) == (me.host, me.machine) else row.lease_renewed_ms


def require_unheld(
    connection: Connection, me: Holder, now_ms: int, is_gone: Callable[[Holder, Holder], bool] = is_gone
) -> None:
    """Raise LeaseError where another worker, which may be of an older version, writes to this database."""
    # By name: an older version's table has no other columns yet.
    own = Heartbeat.__table__.c
    for row in connection.execute(select(*(own[name] for name in _LEASE))):
        if _is_held(row, me, now_ms - (row.lease_renewed_ms or 0) > OLDER_LEASE_MS, is_gone):
            raise LeaseError(f"{_described(row)}; the database was not migrated: stop that worker first")


def renew(connection: Connection, portfolio_id: int, token: int, now_ms: int, beat: Beat | None = None) -> None:
    """Renew the lease, first thing in each transaction, and with it write the heartbeat of a full pass.

    Raises LeaseError where another worker has taken it: what the transaction did must not be committed.
    """
    values: dict[str, Any] = {"portfolio": portfolio_id, "token": token, "lease_renewed_ms": now_ms}
    if beat is not None:
        values |= {name: getattr(beat, name) for name in Beat.__slots__}
    if connection.execute(_renewal(), values).rowcount != 1:
        row = _row(connection, portfolio_id)
        raise LeaseError(
            f"the lease must be this worker's (token {token}), was taken over by process {row.lease_pid} on "
            f"{row.lease_host}; nothing of this step was kept"
        )


# To put a statement together takes longer than to run it, and every transaction begins with this one.
@cache
def _renewal() -> Update:
    """Give the update of the columns that are given values beside portfolio and token."""
    own = Heartbeat.__table__.c
    return update(Heartbeat.__table__).where(
        own.portfolio_id == bindparam("portfolio"), own.lease_token == bindparam("token")
    )


def follow_clock(connection: Connection, portfolio_id: int, token: int, moved_ms: int, ahead_ms: int) -> None:
    """Move the wall times of the last pass with a clock that was set, and note how far the exchange's is ahead."""
    own = Heartbeat.__table__.c
    mine = update(Heartbeat).where(own.portfolio_id == portfolio_id, own.lease_token == token)
    connection.execute(mine.values(ahead_ms=ahead_ms))
    if moved_ms:
        connection.execute(mine.where(own.wall_ms > 0).values(wall_ms=own.wall_ms + moved_ms))
        connection.execute(mine.values(due_ms=own.due_ms + moved_ms))


def release(connection: Connection, portfolio_id: int, token: int) -> None:
    """Give the lease back; one that another worker has taken is left alone."""
    mine = update(Heartbeat).where(Heartbeat.portfolio_id == portfolio_id, Heartbeat.lease_token == token)
    connection.execute(mine.values(lease_pid=None, lease_renewed_ms=None))


_LEASE = (
    *("lease_host", "lease_machine", "lease_boot", "lease_pid", "lease_started"),
    *("lease_since_ms", "lease_renewed_ms"),
)
_NEW = {"step": 0, "market_ms": 0, "wall_ms": 0, "duration_ms": 0.0, "lateness_ms": 0.0, "lease_token": 0}


def _row(connection: Connection, portfolio_id: int, for_update: bool = False) -> Row:
    statement = select(Heartbeat.__table__).where(Heartbeat.portfolio_id == portfolio_id)
    return connection.execute(statement.with_for_update() if for_update else statement).one()


def _is_held(row: Row, me: Holder, has_run_out: bool, is_gone: Callable[[Holder, Holder], bool]) -> bool:
    if row.lease_pid is None:
        return False
    holder = _holder(row)
    run_out = has_run_out and (holder.host, holder.machine) != (me.host, me.machine)
    return holder != me and not run_out and not is_gone(holder, me)


def _described(row: Row) -> str:
    return (
        f"another worker (process {row.lease_pid} on {row.lease_host}) holds the lease since "
        f"{format_time(row.lease_since_ms)}, renewed {format_time(row.lease_renewed_ms)}"
    )


def _holder(row: Row) -> Holder:
    return Holder(row.lease_host, row.lease_machine, row.lease_boot, row.lease_pid, row.lease_started)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
