"""The verdict of every row of the gate on one bot as it stands: what the one recorded reason leaves out.

Plain Python for people, never part of a step; it asks the functions the step asks.
"""

import math
from dataclasses import dataclass

from shared.enums import BarStatus, Level, Reason
from worker.risk.gate import (
    cost_of_trading,
    expected_move,
    is_as_wanted,
    is_at_rest,
    is_locked,
    is_too_small,
    is_without_money,
    room_for,
    since_last_fill_ms,
    worth_of_change,
)
from worker.risk.position import is_closing, is_flat, without_increase
from worker.risk.quantity import coins
from worker.risk.sizing import wanted_units
from worker.step.records import Bot, Market, Signal
from worker.step.rules import Rules
from worker.step.scopes import Portfolio


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one row says: `stops` where it would stop or cut the change now; NaN where it measures nothing."""

    reason: Reason
    stops: bool
    value: float
    limit: float


def explain(rules: Rules, portfolio: Portfolio, bot: Bot, market: Market, signal: Signal) -> list[Verdict]:
    """Give the verdict of each row, from the top, on the bot's present position and confirmed exposure."""
    is_warm = not (math.isnan(signal.low) or math.isnan(signal.atr_fraction))
    verdicts = [
        Verdict(Reason.HALTED, bot.level >= Level.HALTED, float(bot.level), float(Level.HALTED)),
        Verdict(Reason.FLATTEN, bot.level == Level.FLATTEN, float(bot.level), float(Level.FLATTEN)),
        Verdict(Reason.CLOSE, is_closing(bot, market), bot.quantity, 0.0),
        Verdict(Reason.STALE, market.status != BarStatus.FRESH, float(market.status), float(BarStatus.FRESH)),
        Verdict(Reason.WARMUP, not is_warm, math.nan, math.nan),
    ]
    if is_warm and market.close > 0.0:
        verdicts += _of_change(rules, portfolio, bot, market, signal)
    return verdicts


def _of_change(rules: Rules, portfolio: Portfolio, bot: Bot, market: Market, signal: Signal) -> list[Verdict]:
    target = wanted_units(portfolio, bot, market, signal, rules)
    increases = without_increase(bot.units, target) != target
    rests = is_as_wanted(bot, market, target)
    waits = bot.unconfirmed == 1 and is_at_rest(bot, market, target)
    move, worth = expected_move(bot, signal), cost_of_trading(rules, market)
    elapsed_ms = since_last_fill_ms(rules, portfolio, bot)
    room, value, limit = room_for(rules, portfolio, bot, market, target)
    is_small = not rests and is_too_small(bot, market, target, rules.min_notional)
    is_waiting = bot.exit_units != 0 or bot.unresolved == 1
    content = Reason.FLAT if is_flat(bot, market) else Reason.HOLD
    return [
        Verdict(
            Reason.NO_ENTRIES, increases and bot.level >= Level.NO_ENTRIES, float(bot.level), float(Level.NO_ENTRIES)
        ),
        Verdict(Reason.RECONCILIATION, increases and market.differs == 1, float(market.differs), 0.0),
        Verdict(Reason.UNRESOLVED, bot.exit_units != 0 or (increases and bot.unresolved == 1), float(is_waiting), 0.0),
        Verdict(Reason.REENTRY_LOCK, increases and is_locked(bot, target), bot.confirmed, float(bot.lock_sign)),
        Verdict(content, rests, bot.quantity, coins(market, target)),
        Verdict(Reason.UNCONFIRMED, waits, float(bot.streak_bars), float(rules.confirm_bars)),
        Verdict(Reason.COST, increases and move < worth, move, worth),
        Verdict(
            Reason.COOLDOWN, increases and elapsed_ms < rules.cooldown_ms, elapsed_ms / 1000, rules.cooldown_ms / 1000
        ),
        Verdict(Reason.CAP, (increases and room < 0.0) or is_without_money(bot, target), value, limit),
        Verdict(Reason.MIN_NOTIONAL, is_small, worth_of_change(bot, market, target), rules.min_notional),
    ]
