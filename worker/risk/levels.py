"""Levels: each scope keeps one per cause, and the highest over causes and scopes rules."""

from shared.enums import Level
from worker.jit import rule


@rule
def scope_level(scope) -> int:
    """Give the highest level over the causes of one scope (a portfolio, sleeve or bot record)."""
    raised = scope.level_person | scope.level_drawdown | scope.level_daily_loss | scope.level_crashes
    raised |= scope.level_reconciliation | scope.level_bankrupt | scope.level_runaway | scope.level_first_orders
    if raised == 0:
        return 0
    level = max(scope.level_person, scope.level_drawdown)
    level = max(level, scope.level_daily_loss)
    level = max(level, scope.level_crashes)
    level = max(level, scope.level_reconciliation)
    level = max(level, scope.level_bankrupt)
    level = max(level, scope.level_runaway)
    return max(level, scope.level_first_orders)


@rule
def set_levels(portfolio, sleeves, bots) -> None:
    """Set the level that rules each scope, from the portfolio down; a bot that retires only exits."""
    portfolio.level = scope_level(portfolio)
    for sleeve in sleeves:
        sleeve.level = max(portfolio.level, scope_level(sleeve))
    for bot in bots:
        bot.level = max(sleeves[bot.sleeve].level, scope_level(bot))
        if bot.retiring == 1 and bot.level < Level.NO_ENTRIES:
            bot.level = Level.NO_ENTRIES.value
