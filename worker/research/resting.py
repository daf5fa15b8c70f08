"""What orders that rest are filled by, as columns of a replay."""

from shared.settings import Settings
from worker.fleet.plan import FleetPlan
from worker.market.patience import patience_of
from worker.market.protocol import FinestBars
from worker.research.candles import Grid, stack
from worker.step.columns import Columns


def with_patience(settings: Settings, plan: FleetPlan, grid: Grid, columns: Columns) -> Columns:
    """Give the columns with what each bar did while an order rested, by the finest bars of the grid."""
    step_ms = settings.step_ms
    found = []
    for _, symbol in plan.markets:
        bars = grid.bars[symbol]
        finest = grid.finest.get(symbol, FinestBars(bars, step_ms))
        found.append(patience_of(bars, finest, step_ms, settings.resting_ms))
    return columns._replace(
        patience_low=stack([one.low for one in found]),
        patience_high=stack([one.high for one in found]),
        patience_close=stack([one.close for one in found]),
    )
