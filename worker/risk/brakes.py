"""Brakes: drawdown and daily loss on marked equity, latched until released."""

from shared.enums import NoticeKind
from shared.units import DAY_MS
from worker.jit import rule

# What `drawdown_brake` gives where there is nothing to notice; else it is a NoticeKind.
NOTHING = -1


@rule
def loss_fraction(equity: float, reference: float) -> float:
    """Give `1 − equity / reference`: the drawdown below a high-water mark, or the loss since the day's start.

    Where the reference is not positive there is nothing to lose a fraction of: 0.
    """
    # Rounded once, so that a fall of exactly the limit is the limit: 1 − 800 / 1000 is 0.19999999999999996.
    return (reference - equity) / reference if reference > 0.0 else 0.0


@rule
def after_flow(mark: float, equity_before: float, equity_after: float) -> float:
    """Move a high-water mark or a day's start with a flow, so that the flow changes no drawdown."""
    return mark * (equity_after / equity_before) if equity_before > 0.0 else equity_after


@rule
def day_of(time_ms: int) -> int:
    """Give the UTC day a mark belongs to; a mark at 00:00 starts the new day."""
    return time_ms // DAY_MS


@rule
def drawdown_brake(scope, limit: float, warn_at: float, level: int) -> int:
    """Move a scope's high-water mark and latch its drawdown level at the limit; give what there is to notice."""
    if scope.equity >= scope.high_water:
        scope.high_water = scope.equity
        scope.warned_drawdown = 0
        return NOTHING
    drawdown = loss_fraction(scope.equity, scope.high_water)
    if drawdown >= limit and scope.level_drawdown < level:
        scope.level_drawdown = level
        scope.warned_drawdown = 1
        return NoticeKind.TRIPPED.value
    if drawdown >= limit * warn_at and scope.warned_drawdown == 0:
        scope.warned_drawdown = 1
        return NoticeKind.WARNED.value
    return NOTHING
