"""F. Confirm: a change of sign counts once it has been wanted long enough."""

from shared.enums import BarStatus
from tests.oracle.books import Bot
from tests.oracle.quantities import sign
from tests.oracle.world import Signal, World


def confirm(world: World, bot: Bot, bar: int) -> None:
    """Take a fresh bar's band into the confirmed exposure; a stale one or one without a band changes nothing."""
    signal, status = world.signals[bot.world.signal], world.markets[bot.world.market].status[bar]
    low = signal.low[bar]
    if status == BarStatus.FRESH and low == low:
        _take(world, bot, signal, bar)
    if sign(bot.confirmed) != bot.locked_sign:
        bot.locked_sign = 0


def _take(world: World, bot: Bot, signal: Signal, bar: int) -> None:
    low, high, is_closed = signal.low[bar], signal.high[bar], signal.closed[bar] == 1
    if bot.position is None and low <= 0.0 <= high:
        bot.confirmed = 0.0
    wanted = min(max(bot.confirmed, low), high)
    bot.is_unconfirmed = sign(wanted) != sign(bot.confirmed)
    if not bot.is_unconfirmed:
        bot.confirmed = wanted
        # Between own bars nothing is counted, nor reset but by the sign that was counted for.
        bot.streak_bars = 0 if is_closed or bot.streak_sign == sign(wanted) else bot.streak_bars
    elif is_closed:
        _count(bot, wanted, world.rules.confirm_bars)


def _count(bot: Bot, wanted: float, confirm_bars: int) -> None:
    is_more = bot.streak_bars > 0 and bot.streak_sign == sign(wanted)
    bot.streak_sign, bot.streak_bars = sign(wanted), bot.streak_bars + 1 if is_more else 1
    if bot.streak_bars >= confirm_bars:
        bot.confirmed, bot.streak_bars, bot.is_unconfirmed = wanted, 0, False
