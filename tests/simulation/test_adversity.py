"""Adversity by name: what each must end in, held against the exchange's own record and the books."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from shared.errors import LeaseError
from tests.live.plain_strategies import make_strategy, plain
from tests.simulation.adversity import LATER_BAR, MINUTE_MS, Trial, make_trial
from tests.simulation.checks import broken
from tests.simulation.crash_matrix import walk
from tests.simulation.world import START_MS, STEP_MS
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES

__all__ = ["plain"]

FOR_EVER = 10**9


def _later(bars: Bars, exposure: float) -> Bands:
    wanted = np.where(bars.open_ms >= START_MS + LATER_BAR * STEP_MS, exposure, 0.0)
    return Bands(wanted, wanted)


def _reasons(trial: Trial, strategy: str) -> set[str]:
    """Give why the bots of a strategy did or did not trade, but for what they do now."""
    asked = "SELECT DISTINCT reason FROM decision JOIN bot ON bot.id = bot_id WHERE substr(bot.name, 1, 2) = ?"
    return {reason for (reason,) in trial.rows(asked, strategy[:2])}


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch, plain: None) -> None:
    """Let settings name the strategy `later`, too."""
    monkeypatch.setitem(STRATEGIES, "later", make_strategy("later", _later))


def _outage(trial: Trial, fault: str, since: float, until: float, path: str = "*") -> None:
    """Let requests fail from one minute to another."""
    rule = trial.world.desk.faults.add(fault, path, times=FOR_EVER, code=503)
    rule.since_ms, rule.until_ms = (START_MS + round(minutes * MINUTE_MS) for minutes in (since, until))


@pytest.mark.slow
@pytest.mark.parametrize(("venue", "fault"), [("binance swap", "hang"), ("binance spot", "status")])
def test_an_outage_of_an_hour_in_positions(tmp_path: Path, venue: str, fault: str) -> None:
    trial, seen = make_trial(tmp_path, venue, "broker.reconcile_seconds=300"), []
    trial.before_sending = lambda: seen.extend(trial.rows("SELECT reconciled_ms FROM account_state"))
    _outage(trial, fault, 80, 140)
    # What is open there can be read later still.
    _outage(trial, fault, 80, 155, "*penOrders*")
    trial.market.is_down = lambda: 80 <= trial.minutes() < 140
    # Stops are reached within the outage; the later bots want to enter at the close of minute 135, within it too.
    trial.fall(95)
    trial.run(180)
    entries, exits, later = trial.placed()[:2], trial.placed()[2:4], trial.placed()[4:]
    assert [one.minutes for one in entries] == pytest.approx([15, 15], abs=0.1)
    # Exits at once: no later than the longest wait between two tries. Entries after a whole pass.
    assert all(one.side == "sell" and 140 <= one.minutes <= 141.1 for one in exits)
    assert [(one.side, round(one.minutes)) for one in later] == [("buy", 165), ("buy", 165)]
    assert all(reconciled_ms > START_MS + 155 * MINUTE_MS for (reconciled_ms,) in seen[-2:])
    assert "RECONCILIATION" in _reasons(trial, "later")
    (said,) = trial.events("RECONCILIATION_FAILED")
    assert said.endswith("no entries there until a pass agrees")
    assert trial.ends == []
    assert not broken(trial.world)


def _show(trial):
    print("ENDS", trial.ends, trial.booked(), {k: str(v) for k, v in trial.held().items()})
    for r in trial.rows("SELECT (wall_ms-?)/60000.0, kind, message from event", START_MS):
        print("EVENT", r)
    for r in trial.placed():
        print("PLACED", r)
    for r in trial.rows('SELECT symbol,side,status,(decided_ms-?)/60000.0,reason,trigger, client_order_id from "order"', START_MS):
        print("ORDER", r)
    print("ACCOUNT", trial.rows("select * from account_state"))
    print("BROKEN", broken(trial.world))


class Away:
    """A database that fails from a statement on, for some minutes."""

    def __init__(self, trial: Trial, begins: Callable[[str], bool], minutes: float) -> None:
        self._trial, self._begins, self._minutes = trial, begins, minutes
        self._until: float | None = None

    def __call__(self, statement: str) -> bool:
        if self._until is None and self._begins(statement):
            self._until = self._trial.minutes() + self._minutes
        return self._until is not None and self._trial.minutes() < self._until


def _orders_left(trial: Trial) -> int:
    """Count the requests that would place an order."""
    return sum(sent.method == "POST" and "newClientOrderId" in sent.text for sent in trial.world.sent)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before sending", "before the outcome"])
@pytest.mark.parametrize("minutes", [1, 10])
def test_a_database_that_stops_answering(tmp_path: Path, when: str, minutes: float) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    trial.database.words = "unable to open database file"

    def begins(statement: str) -> bool:
        if when == "before sending":
            return statement.startswith('UPDATE "order" SET') and not _orders_left(trial)
        return _orders_left(trial) > 0

    trial.database.fails = Away(trial, begins, minutes)
    trial.fall(95)
    trial.run(122)
    _show(trial)
    assert 0


@pytest.mark.slow
def test_two_workers_at_once(tmp_path: Path) -> None:
    trial, world, said = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300"), None, []
    world = trial.world

    def second() -> None:
        with pytest.raises(LeaseError) as refused:
            world.start(machine="two")
        said.append(str(refused.value))

    def take_over() -> None:
        """The first sleeps from here on, until the second has stepped a bar and ended."""
        world.clock.sleep(11)
        taker = world.start(machine="two")
        walk(world, taker, START_MS + 108 * MINUTE_MS)
        world.end(taker)

    trial.at(40, second)
    trial.at(101, take_over)
    trial.fall(95)
    trial.run(170)
    print(said)
    _show(trial)
    assert 0


@pytest.mark.slow
@pytest.mark.parametrize("off", [60_000, -60_000, 20_000])
def test_clock(tmp_path: Path, off: int) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    trial.at(50, lambda: trial.world.clock.set_wall_ms(trial.world.clock.now_ms() + off))
    trial.at(125, lambda: trial.world.clock.set_wall_ms(trial.world.clock.now_ms() - off))
    trial.fall(95)
    trial.run(170)
    _show(trial)
    assert 0


@pytest.mark.slow
def test_key(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    key = trial.world.account.key
    trial.at(91, lambda: setattr(key, "is_active", False))
    trial.fall(95)
    trial.run(112)
    _show(trial)
    trial.run(122)
    print(trial.ends)
    key.is_active = True
    trial.run(170)
    _show(trial)
    assert 0


@pytest.mark.slow
def test_ban(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    ex = trial.world.exchange
    def ban() -> None:
        ex.ban_status, ex.banned_until_ms = 418, START_MS + 130 * MINUTE_MS
    trial.at(91, ban)
    trial.fall(95)
    trial.run(112)
    trial.run(170)
    for s in trial.world.sent:
        m = (s.time_ms-START_MS)/60000
        if 91 <= m <= 131: print(m, s.method, s.text[:80])
    _show(trial)
    assert 0


@pytest.mark.slow
@pytest.mark.parametrize("where", ["commit", "request"])
def test_asleep(tmp_path: Path, where) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    state = {"marked": False, "done": False}
    def nap(statement: str) -> bool:
        if trial.minutes() > 100 and not state["done"]:
            if "sent_ms" in statement and statement.startswith('UPDATE "order"'):
                state["marked"] = True
            if statement == "COMMIT" and state["marked"]:
                state["done"] = True
                trial.world.clock.sleep(600)
        return False
    def before():
        if trial.minutes() > 100 and not state["done"]:
            state["done"] = True
            trial.world.clock.sleep(600)
    if where == "commit": trial.database.fails = nap
    else: trial.before_sending = before
    trial.fall(95)
    trial.run(170)
    _show(trial)
    assert 0
