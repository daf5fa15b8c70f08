"""The lease: one living holder, a dead one replaced at once, and one taken for dead may not commit."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from shared.database import transaction
from shared.errors import LeaseError
from shared.tables import Heartbeat
from tests.store.fleets import open_books
from worker.store.lease import LEASE_MS, Beat, Holder, acquire, is_gone, release, renew, started, this_process

NOW_MS = 1_767_225_600_000
OTHER = Holder("elsewhere", "m2", "b2", 4711, "12")


@pytest.fixture
def engine(engine: Engine) -> Engine:
    with transaction(engine) as connection:
        open_books(connection)
    return engine


def take(engine: Engine, holder: Holder, now_ms: int = NOW_MS) -> int:
    with transaction(engine) as connection:
        return acquire(connection, 1, holder, now_ms)


def a_process() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_living_holder_refuses_another_and_is_named(engine: Engine) -> None:
    process = a_process()
    try:
        living = replace(this_process(), pid=process.pid, started=started(process.pid))
        take(engine, living)
        with pytest.raises(LeaseError, match=rf"process {process.pid} on .* since 2026-01-01 00:00 UTC.*left alone"):
            take(engine, this_process(), NOW_MS + 100 * LEASE_MS)
    finally:
        process.communicate(b"\n")


def test_a_holder_that_is_gone_is_replaced_at_once(engine: Engine) -> None:
    process = a_process()
    gone = replace(this_process(), pid=process.pid, started=started(process.pid))
    first = take(engine, gone)
    process.kill()
    process.communicate()
    assert take(engine, this_process()) == first + 1


def test_a_holder_that_was_killed_but_not_collected_is_gone() -> None:
    process = a_process()
    holder = replace(this_process(), pid=process.pid, started=started(process.pid))
    assert not is_gone(holder, this_process())
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(holder, this_process())
    process.wait()
    process.stdin.close()


def test_another_process_of_the_same_number_is_not_the_holder(engine: Engine) -> None:
    me = this_process()
    take(engine, replace(me, pid=os.getppid(), started="1"))
    take(engine, me)


def test_a_holder_from_before_a_reboot_is_gone(engine: Engine) -> None:
    me = this_process()
    take(engine, replace(me, boot="before", pid=os.getppid(), started=started(os.getppid())))
    take(engine, me)


def test_a_holder_on_another_host_is_replaced_when_its_lease_ran_out(engine: Engine) -> None:
    take(engine, OTHER)
    with pytest.raises(LeaseError, match="process 4711 on elsewhere"):
        take(engine, this_process(), NOW_MS + LEASE_MS)
    take(engine, this_process(), NOW_MS + LEASE_MS + 1)


def test_renewing_keeps_the_lease_and_writes_the_heartbeat(engine: Engine) -> None:
    token = take(engine, OTHER)
    with transaction(engine) as connection:
        renew(connection, 1, token, NOW_MS + LEASE_MS, Beat(7, 3, NOW_MS + LEASE_MS, 12.5, 30.0, NOW_MS * 2))
        row = connection.execute(select(Heartbeat.__table__)).one()
    assert (row.step, row.market_ms, row.duration_ms, row.lateness_ms, row.due_ms) == (7, 3, 12.5, 30.0, NOW_MS * 2)
    with pytest.raises(LeaseError):
        take(engine, this_process(), NOW_MS + 2 * LEASE_MS)


def test_one_that_was_taken_for_dead_may_not_commit(engine: Engine) -> None:
    old = take(engine, OTHER)
    take(engine, this_process(), NOW_MS + LEASE_MS + 1)
    with pytest.raises(LeaseError, match="taken over by process"), transaction(engine) as connection:
        renew(connection, 1, old, NOW_MS + LEASE_MS + 2)
    with transaction(engine) as connection:
        release(connection, 1, old)
        assert connection.execute(select(Heartbeat.lease_pid)).scalar() == os.getpid()


def test_a_released_lease_is_free(engine: Engine) -> None:
    token = take(engine, OTHER)
    with transaction(engine) as connection:
        release(connection, 1, token)
    assert take(engine, this_process()) == token + 1


def test_the_same_process_may_take_it_again(engine: Engine) -> None:
    assert take(engine, this_process()) + 1 == take(engine, this_process())
