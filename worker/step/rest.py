"""When a bot is at rest: F to H would end for it as they did, so they are left out until something wakes it.

At rest is a bot that wants what it has, by a band that admits what is confirmed, with nothing to count (`can_rest`).
Then F confirms nothing new, G gives the frozen size, and H finds it as wanted, whatever the prices and the money. What
could change that wakes it: a band that no longer admits its confirmed exposure, or is not known; a bar that is not
fresh; a fill; any level that changed. A replay begins with every bot awake, and so does each live step.
"""

from shared.enums import BarStatus, Reason
from worker.jit import rule
from worker.risk.position import position_sign, sign


@rule
def can_rest(bot, market, rules) -> bool:
    """Say whether the step that just ended for a bot would end the same way again, were its band the same."""
    if bot.streak_bars != 0 or not bot.low <= bot.confirmed <= bot.high:
        return False
    if bot.reason == Reason.FLAT:
        return bot.confirmed == 0.0
    is_frozen = rules.resize == 0 and bot.confirmed == bot.sized_exposure
    return bot.reason == Reason.HOLD and is_frozen and position_sign(bot, market) == sign(bot.confirmed)


@rule
def wake_all(fleet) -> None:
    """Wake every bot: a level changed."""
    for watch in fleet.watches:
        watch.awake = 1


@rule
def wake_stale(fleet) -> None:
    """Wake the bots of markets whose bar is not fresh."""
    for run in fleet.runs:
        if fleet.markets[run.market].status != BarStatus.FRESH:
            for b in range(run.first, run.end):
                fleet.watches[b].awake = 1


@rule
def wake_contradicted(watches, first_bot: int, low: float, high: float) -> None:
    """Wake the bots of a signal whose band, from `low` to `high`, does not admit what they have confirmed."""
    b = first_bot
    while b >= 0:
        watch = watches[b]
        watch.awake |= not low <= watch.rest <= high
        b = watch.next_bot


@rule
def list_awake(fleet) -> None:
    """List the bots that F to H look at in this bar."""
    watches, awake = fleet.watches, fleet.awake
    count = 0
    for b in range(len(watches)):
        awake[count] = b
        count += watches[b].awake
    fleet.scratch.awake = count
    fleet.scratch.looked_at += count
