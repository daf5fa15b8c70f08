"""E. Allocate: returns are observed at every step; now and then money follows the weights, as free cash."""

import math

from tests.oracle.books import Bot, Fleet
from tests.oracle.brake import flow
from tests.oracle.quantities import total
from tests.oracle.weigh import bot_weights, observe, sleeve_weights
from tests.oracle.world import World


def allocate(world: World, fleet: Fleet, bar: int) -> None:
    """Observe the step's returns, rebalance when it is time, and note what equity is after the flows."""
    step = bar + 1
    for scope in (*fleet.sleeves, *(bot.scope for bot in fleet.bots)):
        observe(scope, world.rules.step_ms)
    if step % world.rules.rebalance_every == 0:
        _rebalance(world, fleet, bar, step * world.rules.step_ms)
    for scope in (fleet.portfolio, *fleet.sleeves, *(bot.scope for bot in fleet.bots)):
        scope.settled = scope.equity


def _rebalance(world: World, fleet: Fleet, bar: int, seen_ms: int) -> None:
    for bot in fleet.bots:
        _score(bot)
    allocations = new_allocations(world, fleet, seen_ms)
    band = world.rules.rebalance_band
    if any(_moves(bot, allocation, band) for bot, allocation in zip(fleet.bots, allocations, strict=True)):
        for bot, allocation in zip(fleet.bots, allocations, strict=True):
            bot.allocation = allocation
        _transfer(world, fleet, bar)
    for bot in fleet.bots:
        bot.rebalanced_equity = bot.scope.equity


def _score(bot: Bot) -> None:
    profit = bot.scope.equity - bot.rebalanced_equity
    earned = profit / bot.allocation if bot.allocation > 0.0 else 0.0
    bot.score = 0.9 * bot.score + 0.1 * min(max(earned, -0.2), 0.2)


def new_allocations(world: World, fleet: Fleet, seen_ms: int) -> list[float]:
    """Give portfolio equity × sleeve weight × bot weight; what has retired gets nothing."""
    weights = sleeve_weights(world, fleet, seen_ms)
    within: dict[int, float] = {}
    for sleeve in range(len(fleet.sleeves)):
        within |= bot_weights(world, fleet, sleeve, seen_ms)
    equity = max(fleet.portfolio.equity, 0.0)
    asked = [equity * weights[bot.world.sleeve] * within.get(id(bot), 0.0) for bot in fleet.bots]
    accounts = [world.markets[bot.world.market].account for bot in fleet.bots]
    return asked if len(set(accounts)) == 1 else within_accounts(fleet, accounts, asked)


def within_accounts(fleet: Fleet, accounts: list[str], asked: list[float]) -> list[float]:
    """Cut what is asked of each account to what its bots have."""
    shares = dict.fromkeys(accounts, 1.0)
    for account in shares:
        has = total(bot.scope.equity for bot, own in zip(fleet.bots, accounts, strict=True) if own == account)
        wants = total(amount for amount, own in zip(asked, accounts, strict=True) if own == account)
        if wants > has:
            shares[account] = max(has, 0.0) / wants
    return [amount * shares[account] for amount, account in zip(asked, accounts, strict=True)]


def _moves(bot: Bot, allocation: float, band: float) -> bool:
    return abs(allocation - bot.allocation) > band * bot.allocation


def _transfer(world: World, fleet: Fleet, bar: int) -> None:
    flows: list[tuple[Bot, float]] = []
    for account in dict.fromkeys(market.account for market in world.markets):
        flows += flows_within(world, members(world, fleet, account), bar)
    # What is received is booked first: no sleeve passes through 0 on the way.
    for bot, money in sorted(flows, key=lambda flow: flow[1] < 0.0):
        if money:
            bot.cash += money
            flow(bot.scope, money)
            flow(fleet.sleeves[bot.world.sleeve], money)


def members(world: World, fleet: Fleet, account: str) -> list[Bot]:
    """Give the bots whose money is on an account: none of it goes to another."""
    return [bot for bot in fleet.bots if world.markets[bot.world.market].account == account]


def flows_within(world: World, bots: list[Bot], bar: int) -> list[tuple[Bot, float]]:
    """Give what each bot gets, or gives where it is negative."""
    given = [_gives(world, bot, bar) for bot in bots]
    # What a retired bot lost beyond its money, the others bear.
    lacks = [max(0.0, bot.allocation - bot.scope.equity) for bot in bots]
    if not any(lacks):
        return []
    if len(bots) < len(world.bots) and sum(given) * world.grain > total(lacks):
        # An account may have more than is asked of it: the rest stays where it is.
        given = [math.floor(gift * (total(lacks) / (sum(given) * world.grain))) for gift in given]
    amounts = shared_out(sum(given), lacks)
    return [(bot, (amount - gift) * world.grain) for bot, gift, amount in zip(bots, given, amounts, strict=True)]


def _gives(world: World, bot: Bot, bar: int) -> int:
    """Give the whole grains a bot gives: what it has above its allocation, as far as it is free."""
    close = world.markets[bot.world.market].close[bar]
    excess = bot.scope.equity - bot.allocation
    free = max(0.0, bot.scope.equity - abs(bot.measure.base(bot.units)) * close / world.rules.leverage)
    return math.floor(max(0.0, min(excess, free)) / world.grain)


def shared_out(grains: int, lacks: list[float]) -> list[int]:
    """Share whole grains out in proportion to what each lacks; what rounding leaves goes to who lacks most."""
    lacking = total(lacks)
    amounts = [math.floor(grains * (lack / lacking)) for lack in lacks]
    amounts[lacks.index(max(lacks))] += grains - sum(amounts)
    return amounts
