"""The lease is renewed however long the worker's own thread takes, until another takes it."""

import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, select

from shared.clock import SystemClock
from shared.database import transaction
from shared.tables import Heartbeat
from tests.store.fleets import open_books
from worker.store.lease import acquire, this_process
from worker.store.lease_keeper import LeaseKeeper

EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 10.0


def _renewed_ms(engine: Engine) -> int:
    with transaction(engine) as connection:
        return connection.execute(select(Heartbeat.lease_renewed_ms)).scalar_one()


def _take(engine: Engine) -> int:
    with transaction(engine) as connection:
        return acquire(connection, 1, this_process(), 0)


def _kept(engine: Engine) -> LeaseKeeper:
    with transaction(engine) as connection:
        open_books(connection)
    keeper = LeaseKeeper(engine, SystemClock(), EVERY_SECONDS)
    keeper.start(1, _take(engine))
    return keeper


def _wait_for(engine: Engine, past_ms: int) -> int:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (renewed_ms := _renewed_ms(engine)) <= past_ms and time.monotonic() < give_up:
        time.sleep(EVERY_SECONDS)
    return renewed_ms


def test_it_is_renewed_again_and_again_until_it_is_stopped(engine: Engine, tmp_path: Path) -> None:
    keeper = _kept(engine)
    first_ms = _wait_for(engine, 0)
    assert _wait_for(engine, first_ms) > first_ms > 0
    keeper.stop()
    last_ms = _renewed_ms(engine)
    time.sleep(5 * EVERY_SECONDS)
    assert _renewed_ms(engine) == last_ms


def test_a_lease_that_another_took_is_left_alone(engine: Engine) -> None:
    keeper = _kept(engine)
    _wait_for(engine, 0)
    with transaction(engine) as connection:
        acquire(connection, 1, replace(this_process(), host="elsewhere"), 1, is_gone=lambda *_: True)
    time.sleep(5 * EVERY_SECONDS)
    assert _renewed_ms(engine) == 1
    keeper.stop()


def test_one_that_was_never_started_can_be_stopped(engine: Engine) -> None:
    LeaseKeeper(engine, SystemClock()).stop()
