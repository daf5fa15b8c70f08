"""The room of an account: what may still be held there, shared by its bots in the order of the fleet."""

import math

from worker.jit import rule
from worker.risk.quantity import coins


@rule
def give_room(fleet) -> None:
    """Let the markets of an account that may hold only so much have what is left of it."""
    for account in range(len(fleet.accounts)):
        most = fleet.accounts[account].most
        if most < math.inf:
            room = most - _in_use(fleet, account)
            for market in fleet.markets:
                if market.account_index == account:
                    market.account_room = room


@rule
def _in_use(fleet, account: int) -> float:
    """Give what an account's positions are worth, and what orders under way may come to."""
    used = 0.0
    for bot in fleet.bots:
        market = fleet.markets[bot.market]
        if market.account_index == account:
            used += abs(bot.quantity) * market.close + bot.reserved
    return used


@rule
def use_room(markets, bot, market) -> None:
    """Take what a bot's order adds out of the room of its account, which all markets there share."""
    increase = coins(market, max(abs(bot.units + bot.order_units) - abs(bot.units), 0)) * market.close
    for other in markets:
        if other.account_index == market.account_index:
            other.account_room -= increase
