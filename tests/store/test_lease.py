"""The lease: one living holder, a dead one replaced at once, and one taken for dead may not commit."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from shared.clock import ManualClock
from shared.database import transaction
from shared.errors import LeaseError
from shared.tables import Heartbeat
from tests.store.fleets import IDENTITY, open_books
from worker.store.lease import (
    LEASE_MS,
    Beat,
    Holder,
    acquire,
    follow_clock,
    is_gone,
    release,
    renew,
    started,
    this_process,
    watch,
)

NOW_MS = 1_767_225_600_000
OTHER = Holder("elsewhere", "m2", "b2", 4711, "12")


@pytest.fixture
def engine(engine: Engine) -> Engine:
    with transaction(engine) as connection:
        open_books(connection)
    return engine


def take(engine: Engine, holder: Holder, now_ms: int = NOW_MS, stood_still_ms: int | None = None) -> int:
    with transaction(engine) as connection:
        return acquire(connection, 1, holder, now_ms, stood_still_ms=stood_still_ms)


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


class Renewing(ManualClock):
    """The clock of a machine that waits, while a worker elsewhere renews its lease every 5 s by a clock of its own."""

    def __init__(self, now_ms: int, engine: Engine, token: int) -> None:
        super().__init__(now_ms)
        self.engine = engine
        self.token = token

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.monotonic_ms() % 5_000 == 0:
            with transaction(self.engine) as connection:
                renew(connection, 1, self.token, NOW_MS + self.monotonic_ms())


@pytest.mark.parametrize("apart_ms", [LEASE_MS + 1, 3_600_000, -3_600_000])
def test_a_lease_of_another_host_is_taken_over_once_it_was_seen_to_stand_still(engine: Engine, apart_ms: int) -> None:
    take(engine, OTHER)
    clock = ManualClock(NOW_MS + apart_ms)
    with pytest.raises(LeaseError, match="process 4711 on elsewhere"):
        take(engine, this_process(), clock.now_ms())
    still_ms = watch(engine, IDENTITY.name, this_process(), clock)
    assert still_ms == NOW_MS
    assert clock.monotonic_ms() == LEASE_MS
    take(engine, this_process(), clock.now_ms(), still_ms)


@pytest.mark.parametrize("apart_ms", [LEASE_MS + 1, 3_600_000, -3_600_000])
def test_a_lease_that_is_renewed_is_kept_whatever_the_clocks_of_two_machines_say(engine: Engine, apart_ms: int) -> None:
    token = take(engine, OTHER)
    clock = Renewing(NOW_MS + apart_ms, engine, token)
    assert watch(engine, IDENTITY.name, this_process(), clock) is None
    assert clock.monotonic_ms() == 5_000
    with pytest.raises(LeaseError, match="process 4711 on elsewhere"):
        take(engine, this_process(), clock.now_ms(), None)


def test_a_lease_that_was_renewed_just_now_or_is_of_this_machine_is_not_watched(engine: Engine) -> None:
    clock = ManualClock(NOW_MS + 1_000)
    take(engine, OTHER)
    assert watch(engine, IDENTITY.name, this_process(), clock) is None
    take(engine, this_process(), NOW_MS, NOW_MS)
    clock.advance_ms(10 * LEASE_MS)
    assert watch(engine, IDENTITY.name, this_process(), clock) is None
    assert clock.monotonic_ms() == 10 * LEASE_MS


def test_the_last_pass_moves_with_a_clock_that_is_set(engine: Engine) -> None:
    token = take(engine, this_process())
    with transaction(engine) as connection:
        renew(connection, 1, token, NOW_MS, Beat(7, 3, NOW_MS, 12.5, 30.0, NOW_MS + 60_000))
        follow_clock(connection, 1, token, -3_600_000, 3_599_000)
        row = connection.execute(select(Heartbeat.__table__)).one()
    assert (row.wall_ms, row.due_ms, row.ahead_ms) == (NOW_MS - 3_600_000, NOW_MS - 3_540_000, 3_599_000)
    with transaction(engine) as connection:
        follow_clock(connection, 1, token, 0, 0)
        row = connection.execute(select(Heartbeat.__table__)).one()
    assert (row.wall_ms, row.ahead_ms) == (NOW_MS - 3_600_000, 0)


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
    take(engine, this_process(), NOW_MS + LEASE_MS + 1, NOW_MS)
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
