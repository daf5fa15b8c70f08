"""E: new weights every few steps; money moves as free cash and never forces a trade."""

from shared.enums import Policy
from worker.allocation.bounds import bound_high, bound_low, normalise, project
from worker.allocation.transfers import free_cash, grain_in_force, share_out, whole_grains
from worker.allocation.weights import raw_weight, remember_score
from worker.jit import rule
from worker.risk.brakes import after_flow
from worker.step.brake import watch_equity
from worker.step.mark import settle_returns


@rule
def rebalance(fleet) -> None:
    """Make new allocations when the step is due, and move money only where one would change by more than the band."""
    portfolio = fleet.portfolio
    portfolio.rebalanced = 0
    if portfolio.step % fleet.rules.rebalance_every != 0:
        return
    settle_returns(fleet)
    if fleet.rules.policy == Policy.SCORE:
        for bot in fleet.bots:
            remember_score(bot)
    if not _weigh_sleeves(fleet):
        return
    for s in range(len(fleet.sleeves)):
        _weigh_bots(fleet, s)
    if len(fleet.accounts) > 1:
        _bound_accounts(fleet)
    if _is_worth_moving(fleet):
        portfolio.rebalanced = 1
        for bot in fleet.bots:
            bot.allocation = bot.new_allocation
        move_money(fleet)
        _watch_money(fleet)


@rule
def _watch_money(fleet) -> None:
    bots, watches, equities = fleet.bots, fleet.watches, fleet.equities[fleet.scratch.row]
    for b in range(len(bots)):
        watches[b].cash = bots[b].cash
        equities[b] = bots[b].equity
        watch_equity(bots[b], watches[b], fleet.rules)


@rule
def _takes_part(bot) -> bool:
    return bot.retiring == 0 and bot.level_bankrupt == 0


@rule
def _weigh_sleeves(fleet) -> bool:
    """Set the sleeves' weights; say whether any bot takes part."""
    for sleeve in fleet.sleeves:
        sleeve.bots = 0
        sleeve.score = 0.0
    for bot in fleet.bots:
        if _takes_part(bot):
            fleet.sleeves[bot.sleeve].bots += 1
            fleet.sleeves[bot.sleeve].score += bot.score
    members = 0
    for sleeve in fleet.sleeves:
        if sleeve.bots > 0:
            sleeve.score /= sleeve.bots
            fleet.weights[members] = raw_weight(sleeve, fleet.rules)
            members += 1
    if members == 0:
        return False
    low = bound_low(fleet.rules.sleeve_low, fleet.rules.sleeve_low_most, members)
    _bound(fleet, members, low, fleet.rules.sleeve_high)
    member = 0
    for sleeve in fleet.sleeves:
        sleeve.weight = 0.0
        if sleeve.bots > 0:
            sleeve.weight = fleet.weights[member]
            member += 1
    return True


@rule
def _weigh_bots(fleet, s: int) -> None:
    bots, weights = fleet.bots, fleet.weights
    members = 0
    for run in fleet.runs:
        if run.sleeve == s:
            for b in range(run.first, run.end):
                if _takes_part(bots[b]):
                    weights[members] = raw_weight(bots[b], fleet.rules)
                    members += 1
    if members > 0:
        low = bound_low(fleet.rules.bot_low, fleet.rules.bot_low_most, members)
        _bound(fleet, members, low, fleet.rules.bot_high)
    money = fleet.portfolio.equity * fleet.sleeves[s].weight
    member = 0
    for run in fleet.runs:
        if run.sleeve == s:
            for b in range(run.first, run.end):
                bots[b].weight = 0.0
                if _takes_part(bots[b]):
                    bots[b].weight = weights[member]
                    member += 1
                bots[b].new_allocation = money * bots[b].weight


@rule
def _bound(fleet, members: int, low: float, high: float) -> None:
    normalise(fleet.weights, members, fleet.rules.policy == Policy.INVERSE_VOLATILITY)
    project(fleet.weights, fleet.pinned, members, low, bound_high(high, members))


@rule
def _bound_accounts(fleet) -> None:
    """Let the allocations of an account come to no more than there is: money never crosses accounts by itself."""
    accounts, bots, markets = fleet.accounts, fleet.bots, fleet.markets
    for account in accounts:
        account.equity = 0.0
        account.asked = 0.0
    accounts[0].equity = fleet.portfolio.cash
    for bot in bots:
        account = accounts[markets[bot.market].account_index]
        account.equity += bot.equity
        account.asked += bot.new_allocation
    for bot in bots:
        account = accounts[markets[bot.market].account_index]
        if account.asked > account.equity:
            bot.new_allocation *= max(account.equity, 0.0) / account.asked


@rule
def _is_worth_moving(fleet) -> bool:
    for bot in fleet.bots:
        if abs(bot.new_allocation - bot.allocation) > fleet.rules.rebalance_band * bot.allocation:
            return True
    return False


@rule
def move_money(fleet) -> None:
    """Let those above their new allocation give free cash to those of their account that are below."""
    for account in range(len(fleet.accounts)):
        _share_within(fleet, account)
    # Receipts first: a sleeve whose bots pass all its money on must not pass through 0, where drawdowns restart.
    for bot in fleet.bots:
        if bot.flow > 0.0:
            book_flow(fleet, bot, bot.flow)
    for bot in fleet.bots:
        if bot.flow < 0.0:
            book_flow(fleet, bot, bot.flow)


@rule
def _share_within(fleet, account: int) -> None:
    """Set the flows of an account's bots, which sum to 0 with what the portfolio's own cash gives in the first one."""
    portfolio, bots, markets = fleet.portfolio, fleet.bots, fleet.markets
    grain = grain_in_force(fleet.rules.grain, portfolio.equity)
    given = whole_grains(max(portfolio.cash, 0.0), grain) if account == 0 else 0.0
    from_portfolio = given
    lacking = 0.0
    for bot in bots:
        if markets[bot.market].account_index == account:
            bot.flow = 0.0
            excess = bot.equity - bot.new_allocation
            if excess > 0.0:
                close = markets[bot.market].close
                free = free_cash(bot.equity, bot.quantity, close, bot.reserved, fleet.rules.leverage)
                bot.flow = -whole_grains(min(excess, free), grain)
                given -= bot.flow
            lacking -= min(excess, 0.0)
    if len(fleet.accounts) > 1 and given > lacking:
        given, from_portfolio = _keep_surplus(fleet, account, from_portfolio, lacking / given, grain)
    if lacking > 0.0:
        share_out(bots, markets, account, given, lacking, grain)
        portfolio.cash -= from_portfolio
    else:
        _keep_flows(bots, markets, account)


@rule
def _keep_surplus(fleet, account: int, from_portfolio: float, share: float, grain: float) -> tuple[float, float]:
    """Let those above give only this share of it, where an account has more than is asked of it; give the new sums."""
    bots, markets = fleet.bots, fleet.markets
    from_portfolio = whole_grains(from_portfolio * share, grain)
    given = from_portfolio
    for bot in bots:
        if markets[bot.market].account_index == account:
            bot.flow = -whole_grains(-bot.flow * share, grain)
            given -= bot.flow
    return given, from_portfolio


@rule
def _keep_flows(bots, markets, account: int) -> None:
    """Let nobody give where nobody lacks anything."""
    for bot in bots:
        if markets[bot.market].account_index == account:
            bot.flow = 0.0


@rule
def book_flow(fleet, bot, amount: float) -> None:
    """Book money that came to a bot (or left it): it changes no drawdown of the bot or its sleeve."""
    sleeve = fleet.sleeves[bot.sleeve]
    bot.cash += amount
    bot.money_in += amount
    bot.high_water = after_flow(bot.high_water, bot.equity, bot.equity + amount)
    sleeve.high_water = after_flow(sleeve.high_water, sleeve.equity, sleeve.equity + amount)
    bot.equity += amount
    bot.settled_equity = bot.equity
    sleeve.equity += amount
    sleeve.settled_equity = sleeve.equity
