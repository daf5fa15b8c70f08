"""The gate: from the top, a row stops a change or cuts it and hands the rest on; the last that did is the reason."""

import math

from shared.enums import BarStatus, Level, Reason, Trigger
from worker.jit import rule
from worker.risk.position import is_closing, is_dust, is_flat, sign, without_increase
from worker.risk.quantity import LARGEST_UNITS, coins, is_countable, whole_steps
from worker.risk.sizing import stop_distance, wanted_units


@rule
def gate(rules, portfolio, bot, market, signal) -> None:
    """Decide what a bot orders for the next open, and record the one reason with its measured value and limit.

    Reads the bot's confirmed exposure, level and marks; writes its order, frozen size, reason and room under the caps.
    """
    bot.order_units = 0
    bot.crossed_units = 0
    bot.ordered = 0
    if bot.level >= Level.HALTED:
        _because(bot, Reason.HALTED.value, float(bot.level), float(Level.HALTED.value))
    elif bot.level >= Level.FLATTEN:
        _because(bot, Reason.FLATTEN.value, float(bot.level), float(Level.FLATTEN.value))
        order_close(bot, market, Trigger.FLATTEN.value)
    elif is_closing(bot, market):
        _because(bot, Reason.CLOSE.value, bot.quantity, 0.0)
        order_close(bot, market, Trigger.CLOSE.value)
    elif market.status != BarStatus.FRESH:
        _because(bot, Reason.STALE.value, float(market.status), float(BarStatus.FRESH.value))
    elif math.isnan(signal.low) or math.isnan(signal.atr_fraction):
        _because(bot, Reason.WARMUP.value, math.nan, math.nan)
    elif bot.exit_units != 0:
        _because(bot, Reason.UNRESOLVED.value, 1.0, 0.0)
    else:
        _gate_signal(rules, portfolio, bot, market, signal)


@rule
def order_close(bot, market, trigger: int) -> None:
    """Order a position closed, less an exit that is under way, whatever its signal says; a flat bot stays flat."""
    bot.sized_exposure = 0.0
    left = bot.units + bot.exit_units
    if not is_dust(left, market):
        bot.order_units = -left
        bot.order_trigger = trigger
        bot.ordered = 1


@rule
def _because(bot, reason: int, value: float, limit: float) -> None:
    bot.reason = reason
    bot.reason_value = value
    bot.reason_limit = limit


@rule
def _gate_signal(rules, portfolio, bot, market, signal) -> None:
    bot.reason = Reason.TRADE.value
    target = wanted_units(portfolio, bot, market, signal, rules)
    if is_at_rest(bot, market, target):
        _rest(bot, market, target, rules.confirm_bars)
        return
    kept = without_increase(bot.units, target)
    if target != kept:
        target = _gate_increase(rules, portfolio, bot, market, signal, kept, target)
    elif is_without_money(bot, target):
        _because(bot, Reason.CAP.value, bot.equity, 0.0)
    if bot.reason == Reason.TRADE or not is_dust(target - bot.units, market):
        target = _min_notional(bot, market, target, rules.min_notional)
    if not is_dust(target - bot.units, market):
        _order(rules, portfolio, bot, market, signal, target)


@rule
def is_as_wanted(bot, market, target: int) -> bool:
    """Say whether nothing is left to trade; a bot that wants a position but gets a size of 0 is not content."""
    is_unpaid = bot.confirmed != 0.0 and target == 0
    return is_dust(target - bot.units, market) and not is_unpaid


@rule
def is_at_rest(bot, market, target: int) -> bool:
    """Say whether a bot trades nothing by itself; a flat one does not enter what its band has begun to contradict."""
    return is_as_wanted(bot, market, target) or (bot.unconfirmed == 1 and is_flat(bot, market))


@rule
def is_without_money(bot, target: int) -> bool:
    """Say whether a bot that wants a position is sized to nothing for it has no money."""
    return target == 0 and bot.confirmed != 0.0 and bot.equity <= 0.0


@rule
def _rest(bot, market, target: int, confirm_bars: int) -> None:
    if bot.unconfirmed == 1:
        _because(bot, Reason.UNCONFIRMED.value, float(bot.streak_bars), float(confirm_bars))
    else:
        # Most bots rest on what they want, and need no division to say so.
        wanted = bot.quantity if target == bot.units else coins(market, target)
        reason = Reason.FLAT.value if is_flat(bot, market) else Reason.HOLD.value
        _because(bot, reason, bot.quantity, wanted)


@rule
def _gate_increase(rules, portfolio, bot, market, signal, kept: int, target: int) -> int:
    """Give the target that the rows marked ↑ leave; `kept` is the target without what increases the position.

    The rows stand in the order of the contract: the first that stops the increase leaves nothing for the next.
    """
    move, worth = expected_move(bot, signal), cost_of_trading(rules, market)
    elapsed_ms = since_last_fill_ms(rules, portfolio, bot)
    if bot.level >= Level.NO_ENTRIES:
        _because(bot, Reason.NO_ENTRIES.value, float(bot.level), float(Level.NO_ENTRIES.value))
    elif market.differs == 1:
        _because(bot, Reason.RECONCILIATION.value, 1.0, 0.0)
    elif bot.unresolved == 1:
        _because(bot, Reason.UNRESOLVED.value, 1.0, 0.0)
    elif is_locked(bot, target):
        _because(bot, Reason.REENTRY_LOCK.value, bot.confirmed, float(bot.lock_sign))
    elif move < worth:
        _because(bot, Reason.COST.value, move, worth)
    elif elapsed_ms < rules.cooldown_ms:
        _because(bot, Reason.COOLDOWN.value, elapsed_ms / 1000.0, rules.cooldown_ms / 1000.0)
    else:
        return _cap(rules, portfolio, bot, market, kept, target)
    return kept


@rule
def is_locked(bot, target: int) -> bool:
    """Say whether a target has the sign of the position that a protective exit closed last."""
    return bot.lock_sign != 0 and sign(target) == bot.lock_sign


@rule
def expected_move(bot, signal) -> float:
    """Give the move to expect over the bot's horizon, as a fraction of the price."""
    return signal.atr_fraction * bot.horizon_root


@rule
def cost_of_trading(rules, market) -> float:
    """Give the move that pays for a round trip as often as is asked for."""
    return rules.edge_to_cost * 2.0 * (market.fee_rate + rules.slippage)


@rule
def since_last_fill_ms(rules, portfolio, bot) -> int:
    """Give the time from the bot's last fill to the close that is decided at."""
    return portfolio.time_ms + rules.step_ms - bot.last_fill_ms


@rule
def room_for(rules, portfolio, bot, market, target: int) -> tuple[float, float, float]:
    """Give what an increase to a target leaves free, in quote and negative where it is too much; its value and limit.

    Money comes first, then what can be counted, both without any room; then the caps: the nearest of the portfolio's,
    the symbol's and the account's (gross, as fractions of equity).
    """
    money = bot.equity if bot.equity <= 0.0 else portfolio.equity
    if money <= 0.0:
        return -math.inf, money, 0.0
    if not is_countable(target):
        return -math.inf, coins(market, abs(target)), coins(market, LARGEST_UNITS)
    own, wanted = abs(bot.quantity) * market.close, coins(market, abs(target)) * market.close
    of_portfolio, of_symbol = portfolio.planned_exposure - own + wanted, market.exposure - own + wanted
    portfolio_room = rules.max_portfolio_exposure * portfolio.equity - of_portfolio
    symbol_room = rules.max_symbol_exposure * portfolio.equity - of_symbol
    account_room = market.account_room + own - wanted
    if account_room < min(portfolio_room, symbol_room):
        return account_room, (wanted - own) / portfolio.equity, market.account_room / portfolio.equity
    if portfolio_room <= symbol_room:
        return portfolio_room, of_portfolio / portfolio.equity, rules.max_portfolio_exposure
    return symbol_room, of_symbol / portfolio.equity, rules.max_symbol_exposure


@rule
def _cap(rules, portfolio, bot, market, kept: int, target: int) -> int:
    """Cut an increase to the room there is for it."""
    room, value, limit = room_for(rules, portfolio, bot, market, target)
    if room >= 0.0:
        return target
    _because(bot, Reason.CAP.value, value, limit)
    wanted = coins(market, abs(target)) * market.close
    size = whole_steps(market, max(wanted + room, 0.0) / market.close)
    if size - abs(kept) < market.min_units:
        return kept
    return size if target > 0 else -size


@rule
def _min_notional(bot, market, target: int, min_notional: float) -> int:
    """Stop a change that is worth too little."""
    if not is_too_small(bot, market, target, min_notional):
        return target
    _because(bot, Reason.MIN_NOTIONAL.value, worth_of_change(bot, market, target), min_notional)
    return bot.units


@rule
def is_too_small(bot, market, target: int, min_notional: float) -> bool:
    """Say whether a change is worth too little, both legs of a reversal together; closing to flat is exempt."""
    if target == 0 and not is_flat(bot, market):
        return False
    return worth_of_change(bot, market, target) < min_notional or is_dust(target - bot.units, market)


@rule
def worth_of_change(bot, market, target: int) -> float:
    """Give what is left to change, at the close."""
    return coins(market, abs(target - bot.units)) * market.close


@rule
def _order(rules, portfolio, bot, market, signal, target: int) -> None:
    bot.order_units = target - bot.units
    bot.order_trigger = Trigger.SIGNAL.value
    bot.order_stop = stop_distance(signal, rules)
    bot.order_target = signal.target
    bot.ordered = 1
    bot.target_units = target
    bot.sized_exposure = bot.confirmed if target != 0 else 0.0
    increase = coins(market, max(abs(target) - abs(bot.units), 0)) * market.close
    market.exposure += increase
    portfolio.planned_exposure += increase
    if bot.reason == Reason.TRADE:
        _because(bot, Reason.TRADE.value, coins(market, abs(bot.order_units)) * market.close, rules.min_notional)
