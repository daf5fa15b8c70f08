"""Confirmation: a change of sign counts once it has been wanted for some closed bars in a row."""

import math

from shared.enums import BarStatus
from worker.jit import rule
from worker.risk.position import is_flat, sign


@rule
def wanted_exposure(confirmed: float, low: float, high: float) -> float:
    """Give the exposure nearest to the confirmed one that the band is content with."""
    if confirmed < low:
        return low
    return high if confirmed > high else confirmed


@rule
def confirm(bot, market, signal, rules) -> None:
    """Take the band of this step into the bot's confirmed exposure.

    A NaN band or a bar that is not fresh neither counts nor resets; nor does a step in which no bar of the bot's own
    timeframe closed, unless it gives the very sign that is counted for. A flat bot whose confirmed exposure was
    blocked, locked or stopped before lets it fall to 0 as soon as the band admits 0.
    """
    bot.low = signal.low
    bot.high = signal.high
    if not math.isnan(signal.low) and market.status == BarStatus.FRESH:
        _take(bot, market, signal, rules)
    if bot.lock_sign != 0 and sign(bot.confirmed) != bot.lock_sign and is_flat(bot, market):
        bot.lock_sign = 0


@rule
def _take(bot, market, signal, rules) -> None:
    if bot.confirmed != 0.0 and signal.low <= 0.0 <= signal.high and is_flat(bot, market):
        bot.confirmed = 0.0
    wanted = wanted_exposure(bot.confirmed, signal.low, signal.high)
    # Most bars change nothing, and a comparison is cheaper than two signs.
    bot.unconfirmed = 0
    if wanted == bot.confirmed or sign(wanted) == sign(bot.confirmed):
        bot.confirmed = wanted
        if signal.closed == 1 or bot.streak_sign == sign(wanted):
            bot.streak_bars = 0
    else:
        bot.unconfirmed = 1
        if signal.closed == 1:
            _count(bot, wanted, sign(wanted), rules.confirm_bars)


@rule
def _count(bot, wanted: float, wanted_sign: int, confirm_bars: int) -> None:
    bot.streak_bars = bot.streak_bars + 1 if bot.streak_bars > 0 and bot.streak_sign == wanted_sign else 1
    bot.streak_sign = wanted_sign
    if bot.streak_bars >= confirm_bars:
        bot.confirmed = wanted
        bot.streak_bars = 0
        bot.unconfirmed = 0
