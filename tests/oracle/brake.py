"""D. Brakes: drawdowns and the day's loss on marked equity; a flow changes none of them."""

from tests.oracle.books import Fleet, Scope
from tests.oracle.world import World

DAY_MS = 86_400_000


def brake(world: World, fleet: Fleet, bar: int) -> None:
    """Trip the brakes that this mark trips; the day's loss is released by 00:00 UTC."""
    rules = world.rules
    if not rules.brakes:
        return
    _begin_day(fleet, world.open_ms[bar] + rules.step_ms)
    if fleet.day_start > 0.0 and 1.0 - fleet.portfolio.equity / fleet.day_start >= rules.daily_loss:
        fleet.is_daily_tripped = True
    _draw_down(fleet.portfolio, rules.portfolio_drawdown)
    for sleeve in fleet.sleeves:
        _draw_down(sleeve, rules.sleeve_drawdown)
    for bot in fleet.bots:
        _draw_down(bot.scope, rules.bot_drawdown)


def _begin_day(fleet: Fleet, time_ms: int) -> None:
    day = time_ms // DAY_MS
    if day != fleet.day:
        # The last mark at or before 00:00 is this one, or the one before where none fell on 00:00.
        fleet.day, fleet.is_daily_tripped = day, False
        fleet.day_start = fleet.portfolio.settled if time_ms % DAY_MS else fleet.portfolio.equity


def _draw_down(scope: Scope, limit: float) -> None:
    scope.high_water = max(scope.high_water, scope.equity)
    if scope.high_water > 0.0 and 1.0 - scope.equity / scope.high_water >= limit:
        scope.drawdown_tripped = True


def flow(scope: Scope, amount: float) -> None:
    """Let money in or out of a scope without changing its drawdown."""
    before, after = scope.equity, scope.equity + amount
    scope.high_water = scope.high_water * (after / before) if before > 0.0 else after
    scope.equity = after
