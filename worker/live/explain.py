"""The verdict of every row of the gate on one bot as it stands: what the one recorded reason leaves out.

Plain Python for people, never part of a step; it asks the functions the step asks.
"""

import math
from dataclasses import dataclass

from shared.enums import BarStatus, Level, Reason
from worker.risk.gate import is_as_wanted
from worker.risk.position import sign, without_increase
from worker.risk.quantity import coins
from worker.risk.sizing import wanted_units
from worker.step.records import Bot, Market, Portfolio, Rules, Signal


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
        Verdict(Reason.STALE, market.status != BarStatus.FRESH, float(market.status), float(BarStatus.FRESH)),
        Verdict(Reason.WARMUP, not is_warm, math.nan, math.nan),
    ]
    if is_warm and market.close > 0.0:
        verdicts += _of_change(rules, portfolio, bot, market, signal)
    return verdicts


def _of_change(rules: Rules, portfolio: Portfolio, bot: Bot, market: Market, signal: Signal) -> list[Verdict]:
    target = wanted_units(portfolio, bot, market, signal, rules)
    increases = without_increase(bot.units, target) != target
    locked = bot.lock_sign != 0 and sign(target) == bot.lock_sign
    move = signal.atr_fraction * bot.horizon_root
    worth = rules.edge_to_cost * 2.0 * (rules.fee_rate + rules.slippage)
    elapsed_ms = portfolio.time_ms + rules.step_ms - bot.last_fill_ms
    change = coins(market, abs(target - bot.units)) * market.close
    is_close = target == 0 and bot.units != 0
    rests = is_as_wanted(bot, market, target)
    return [
        Verdict(
            Reason.NO_ENTRIES, increases and bot.level >= Level.NO_ENTRIES, float(bot.level), float(Level.NO_ENTRIES)
        ),
        Verdict(Reason.REENTRY_LOCK, increases and locked, bot.confirmed, float(bot.lock_sign)),
        Verdict(Reason.UNCONFIRMED, bot.unconfirmed == 1, float(bot.streak_bars), float(rules.confirm_bars)),
        Verdict(Reason.HOLD, rests, bot.quantity, coins(market, target)),
        Verdict(Reason.COST, increases and move < worth, move, worth),
        Verdict(
            Reason.COOLDOWN, increases and elapsed_ms < rules.cooldown_ms, elapsed_ms / 1000, rules.cooldown_ms / 1000
        ),
        _cap(rules, portfolio, bot, market, target, increases),
        Verdict(
            Reason.MIN_NOTIONAL,
            not (is_close or rests) and change < rules.min_notional,
            change,
            rules.min_notional,
        ),
    ]


def _cap(rules: Rules, portfolio: Portfolio, bot: Bot, market: Market, target: int, increases: bool) -> Verdict:
    if bot.equity <= 0.0 or portfolio.equity <= 0.0:
        return Verdict(Reason.CAP, increases, bot.equity, 0.0)
    growth = coins(market, abs(target) - abs(bot.units)) * market.close
    portfolio_share = (portfolio.planned_exposure + growth) / portfolio.equity
    symbol_share = (market.exposure + growth) / portfolio.equity
    if rules.max_portfolio_exposure - portfolio_share <= rules.max_symbol_exposure - symbol_share:
        value, limit = portfolio_share, rules.max_portfolio_exposure
    else:
        value, limit = symbol_share, rules.max_symbol_exposure
    return Verdict(Reason.CAP, increases and value > limit, value, limit)
