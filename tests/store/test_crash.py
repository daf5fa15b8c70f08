"""A worker killed at any moment leaves whole steps."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import Engine, func, select, text

from shared.database import open_reader, open_writer, transaction
from shared.tables import BotState, Decision, EquityPoint, Fill, OpenDecision, PortfolioState
from tests.store.fleets import Books, open_books
from worker.store.states import load_states

STEPPING = """
import sys
from shared.database import open_writer, transaction
from tests.store.fleets import Books, open_books
from worker.store.states import load_states

engine = open_writer(sys.argv[1])
with transaction(engine) as connection:
    books = open_books(connection)
    load_states(connection, books.fleet, books.portfolio, books.sleeves, books.bots, books.market_keys, books.markets)
print("stepping", flush=True)
while True:
    close_ms = books.step(fills=1.0)
    with transaction(engine) as connection:
        books.save(connection, close_ms)
    print(books.portfolio.step, flush=True)
"""


def kill_while_stepping(url: str, seconds: float) -> int:
    """Run a worker, kill it, and give the last step it said it had committed."""
    process = subprocess.Popen(
        [sys.executable, "-c", STEPPING, url], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "stepping\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    return int(said[-1]) if said else 0


def assert_whole(engine: Engine) -> int:
    """Every table knows of the same steps, each of them whole."""
    with transaction(engine) as connection:
        step = connection.execute(select(PortfolioState.step)).scalar() or 0
        fills = connection.execute(select(Fill.step, func.count()).group_by(Fill.step).order_by(Fill.step)).all()
        assert [tuple(row) for row in fills] == [(at, 27) for at in range(1, step + 1)]
        points = select(func.count()).select_from(EquityPoint).where(EquityPoint.resolution == "STEP")
        assert connection.execute(points).scalar() == 4 * step
        covered = 0
        for model in (Decision, OpenDecision):
            covered += connection.execute(select(func.sum(model.to_step - model.from_step + 1))).scalar() or 0
        assert covered == 27 * step
        if step:
            assert connection.execute(select(func.count()).select_from(BotState)).scalar() == 27
    return step


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_kill_leaves_whole_steps_and_none_that_was_committed_is_lost(engine: Engine, url: str, kills: int) -> None:
    chance = random.Random(kills)
    engine.dispose()
    # A machine that is busy steps later.
    steps, patience = 0, 0.3
    for _ in range(kills):
        said = kill_while_stepping(url, chance.uniform(0.0, patience))
        patience = 0.3 if said > steps else 2 * patience
        reader = open_reader(url)
        kept = assert_whole(reader)
        reader.dispose()
        assert kept >= max(said, steps)
        steps = kept
    assert steps > kills


def test_half_a_step_would_be_noticed(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        books.save(connection, books.step(fills=1.0))
    assert assert_whole(engine) == 1
    with transaction(engine) as connection:
        connection.execute(text("DELETE FROM fill WHERE bot_id = 3"))
    with pytest.raises(AssertionError):
        assert_whole(engine)


def test_a_step_that_fails_in_the_middle_is_not_there(engine: Engine, url: str) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)

    def fail_in_the_middle() -> None:
        with transaction(engine) as connection:
            books.save(connection, books.step(fills=1.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert assert_whole(engine) == 0
    again = open_writer(url)
    with transaction(again) as connection:
        fresh = Books(books.fleet)
        assert load_states(
            connection, fresh.fleet, fresh.portfolio, fresh.sleeves, fresh.bots, fresh.market_keys, fresh.markets
        ).portfolio
    again.dispose()
