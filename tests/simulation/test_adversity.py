"""Adversity by name: what each must end in, held against the exchange's own record and the books."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.live.plain_strategies import make_strategy, plain
from tests.simulation.adversity import LATER_BAR, MINUTE_MS, Trial, make_trial
from tests.simulation.checks import broken
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


@pytest.mark.slow
@pytest.mark.parametrize("venue", ["binance swap", "binance spot"])
def test_a_symbol_is_delisted_while_it_is_held(tmp_path: Path, venue: str) -> None:
    trial = make_trial(tmp_path, venue, "broker.reconcile_seconds=300")

    def delist() -> None:
        trial.world.exchange.delist("BTCUSDT")
        trial.market.gone = frozenset({"BTC/USDT"})

    trial.at(40, delist)
    trial.fall(95, "ETHUSDT")
    trial.run(170)
    print(trial.rows("SELECT kind, message from event"), trial.placed(), trial.rows("select * from account_coin"), trial.booked(), trial.held(), trial.rows("select * from account_state"))
    assert not broken(trial.world)


@pytest.mark.slow
def test_balances_vanish_and_trading_is_suspended(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, "binance spot", "broker.reconcile_seconds=300")
    world, equity = trial.world, []

    def break_in() -> None:
        equity.extend(trial.rows("SELECT equity FROM portfolio_state"))
        world.exchange.flows.vanish(world.account, "BTC")
        world.exchange.flows.vanish(world.account, "USDT", Decimal("0.5"))
        for listing in world.exchange.listings:
            listing.status = "BREAK"

    trial.at(40, break_in)
    trial.at(55, lambda: equity.extend(trial.rows("SELECT equity FROM portfolio_state")))
    trial.fall(95)
    trial.run(170)
    print(trial.rows("SELECT kind, message from event"), trial.placed(), trial.rows("select * from account_coin"), trial.booked(), trial.held(), trial.rows("select * from account_state"))
    print(trial.rows('SELECT symbol,side,status,(decided_ms-?)/60000.0,reason,trigger from "order"',START_MS), equity, trial.rows("SELECT equity FROM portfolio_state"), trial.ends)
    assert not broken(trial.world)


class Away:
    """A database that fails from a statement on, for some minutes."""

    def __init__(self, trial: Trial, begins: Callable[[str], bool], minutes: float) -> None:
        self._trial, self._begins, self._minutes = trial, begins, minutes
        self._until: float | None = None

    def __call__(self, statement: str) -> bool:
        if self._until is None and self._begins(statement):
            self._until = self._trial.minutes() + self._minutes
        return self._until is not None and self._trial.minutes() < self._until


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before sending", "before the outcome"])
@pytest.mark.parametrize("minutes", [1, 10])
def test_a_database_that_stops_answering(tmp_path: Path, when: str, minutes: float) -> None:
    trial = make_trial(tmp_path, "binance swap", "broker.reconcile_seconds=300")
    trial.database.words = "unable to open database file"

    def begins(statement: str) -> bool:
        if when == "before sending":
            return statement.startswith('UPDATE "order" SET') and not any(s.method == "POST" and "newClient" in s.text for s in trial.world.sent)
        return any(s.method == "POST" and "newClient" in s.text for s in trial.world.sent)

    trial.database.fails = Away(trial, begins, minutes)
    trial.fall(95)
    trial.run(170)
    print(trial.rows("SELECT kind, message from event"), trial.placed(), trial.booked(), trial.held(), trial.rows("select * from account_state"))
    print(trial.rows('SELECT symbol,side,status,(decided_ms-?)/60000.0,reason,trigger from "order"',START_MS), trial.rows("SELECT equity FROM portfolio_state"), trial.ends)
    assert not broken(trial.world)
