"""Explaining a bot: the row that decided in the step is among those that stop, with the same value and limit."""

import math

import pytest

from shared.enums import BarStatus, Level, Reason
from shared.settings import load_settings
from tests.kernel.tables import counted
from worker.fleet.plan import make_rules
from worker.live.explain import Verdict, explain
from worker.risk.gate import gate
from worker.step.records import Bot, Market, Signal
from worker.step.rules import Rules
from worker.step.scopes import Portfolio


def _rules(**changes: float) -> Rules:
    rules = make_rules(load_settings(None, {}))
    for name, value in changes.items():
        setattr(rules, name, value)
    return rules


def _verdicts(rules: Rules, portfolio: Portfolio, bot: Bot, market: Market, signal: Signal) -> dict[Reason, Verdict]:
    return {verdict.reason: verdict for verdict in explain(rules, portfolio, bot, market, signal)}


ENTRY = {"allocation": 1000.0, "equity": 1000.0, "confirmed": 1.0, "horizon_root": 5.0, "volatility_scale": 4.9}

WANTED = counted({"quantity": 5.0, "target_quantity": 5.0})
# Less than one coin is none.
DUST = {"min_units": 100_000_000}

CASES = [
    (Reason.HALTED, {"level": Level.HALTED.value}, {}, {}, {}),
    (Reason.FLATTEN, {"level": Level.FLATTEN.value}, {}, {}, {}),
    (Reason.CLOSE, {"lock_sign": 1, **counted({"quantity": 5.0})}, {}, {}, {}),
    (Reason.STALE, {}, {"status": BarStatus.LATE.value}, {}, {}),
    (Reason.WARMUP, {}, {}, {"low": math.nan, "high": math.nan}, {}),
    (Reason.NO_ENTRIES, {"level": Level.NO_ENTRIES.value}, {}, {}, {}),
    (Reason.REENTRY_LOCK, {"lock_sign": 1}, {}, {}, {}),
    (Reason.COST, {}, {}, {"atr_fraction": 0.0001}, {}),
    (Reason.COOLDOWN, {"last_fill_ms": 3_600_000 - 1000}, {}, {}, {}),
    (Reason.CAP, {}, {"exposure": 27_000.0}, {}, {"max_symbol_exposure": 1.0}),
    (Reason.CAP, {"equity": -5.0}, {}, {}, {}),
    (Reason.CAP, {"equity": 0.0, **WANTED}, {}, {}, {}),
    (Reason.CAP, {}, {"close": 1e-6}, {}, {}),
    (Reason.CAP, WANTED, {"close": 1e-6}, {}, {}),
    (Reason.MIN_NOTIONAL, {"allocation": 50.0}, {}, {}, {}),
    (Reason.MIN_NOTIONAL, counted({"quantity": 0.5}), DUST, {}, {"max_position": 0.001}),
    (Reason.FLAT, {"confirmed": 0.0}, {}, {}, {}),
    (Reason.FLAT, {"confirmed": 0.0, **counted({"quantity": 0.5})}, DUST, {}, {}),
    (Reason.UNCONFIRMED, {"unconfirmed": 1, "streak_bars": 1}, {}, {}, {}),
]


@pytest.mark.parametrize(("reason", "bot", "market", "signal", "rules"), CASES)
def test_the_deciding_row_is_among_those_that_stop(
    reason: Reason, bot: dict, market: dict, signal: dict, rules: dict
) -> None:
    records = (
        _rules(**rules),
        Portfolio(equity=27_000.0),
        Bot(**{**ENTRY, **bot}),
        Market(**{"close": 100.0, "status": 0, **market}),
        Signal(**{"low": 1.0, "high": 1.0, "atr_fraction": 0.01, **signal}),
    )
    explained = _verdicts(*records)
    assert list(explained) == sorted(explained), "in the order of the gate"
    gate(*records)
    decided = records[2]
    assert decided.reason == reason
    assert explained[reason].stops
    expected = (decided.reason_value, decided.reason_limit)
    assert (explained[reason].value, explained[reason].limit) == pytest.approx(expected, nan_ok=True)


def test_a_bot_that_trades_is_stopped_by_no_row() -> None:
    records = (
        _rules(),
        Portfolio(equity=27_000.0),
        Bot(**ENTRY),
        Market(close=100.0, status=0),
        Signal(low=1.0, high=1.0, atr_fraction=0.01),
    )
    assert not [verdict for verdict in explain(*records) if verdict.stops]
    gate(*records)
    assert records[2].reason == Reason.TRADE


def test_a_bot_that_holds_what_it_wants_rests_and_nothing_else_stops_it() -> None:
    bot = Bot(**ENTRY, **counted({"quantity": 5.0, "target_quantity": 5.0}), entry_price=100.0, sized_exposure=1.0)
    market = Market(close=100.0, status=0)
    verdicts = explain(_rules(), Portfolio(equity=27_000.0), bot, market, Signal(low=1.0, high=1.0, atr_fraction=0.01))
    assert [verdict.reason for verdict in verdicts if verdict.stops] == [Reason.HOLD]


@pytest.mark.parametrize("equity", [0.0, -3.0])
def test_a_portfolio_without_money_lets_nothing_grow_and_says_so(equity: float) -> None:
    records = (
        _rules(stop=0.0, volatility_sizing=0),
        Portfolio(equity=equity),
        Bot(**ENTRY),
        Market(close=100.0, status=0),
        Signal(low=1.0, high=1.0, atr_fraction=0.01),
    )
    explained = _verdicts(*records)[Reason.CAP]
    gate(*records)
    assert (explained.stops, explained.value, explained.limit) == (True, equity, 0.0)
    bot = records[2]
    assert (bot.reason, bot.reason_value, bot.reason_limit, bot.ordered) == (Reason.CAP, equity, 0.0, 0)
