"""Round trips counted from fills: from flat to flat; a reversal ends one and begins the next."""

from shared.enums import Leg
from tests.oracle.books import Run
from tests.oracle.world import World


def count_trips(run: Run, world: World) -> int:
    """Count the round trips that ended."""
    held, ended = [0] * len(world.bots), 0
    for fill in run.fills:
        held[fill.bot] += fill.units
        least = world.markets[world.bots[fill.bot].market].measure.min_units
        ended += fill.leg == Leg.CLOSE and abs(held[fill.bot]) < least
    return ended
