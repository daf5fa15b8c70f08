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
    low, high = signal.low[bar], signal.high[bar]
    if bot.position is None and bot.confirmed != 0.0 and low <= 0.0 <= high:
        _settle(bot, 0.0)
        return
    wanted = min(max(bot.confirmed, low), high)
    if sign(wanted) == sign(bot.confirmed):
        _settle(bot, wanted)
        return
    if signal.closed[bar]:
        _count(bot, sign(wanted))
    bot.is_unconfirmed = True
    if bot.streak_bars >= world.rules.confirm_bars:
        _settle(bot, wanted)


def _count(bot: Bot, wanted_sign: int) -> None:
    is_more = bot.streak_bars > 0 and bot.streak_sign == wanted_sign
    bot.streak_sign, bot.streak_bars = wanted_sign, bot.streak_bars + 1 if is_more else 1


def _settle(bot: Bot, exposure: float) -> None:
    bot.confirmed, bot.streak_bars, bot.is_unconfirmed = exposure, 0, False
