"""One run: a seed gives a world and a story; what does not hold afterwards is told, with how to see it again."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.exchange import record
from tests.simulation.checks import broken
from tests.simulation.story import Story
from tests.simulation.world import VENUES, World, settings_of

# Equity falls by what trading costs; brakes on it would end most runs early.
RUN = (
    "broker.reconcile_seconds=1800",
    "risk.portfolio_drawdown=0.9",
    "risk.daily_loss=0.9",
    "risk.sleeve_drawdown=0.9",
    "risk.bot_drawdown=0.9",
)


# Half of the seeds send market orders, the others orders that rest.
STYLES = ("market", "market", "limit", "maker")


@dataclass
class Result:
    """What came of a run: `broken` are sentences of what does not hold, `digest` is of all that happened."""

    seed: int
    days: float
    level: str
    broken: list[str]
    told: list[str]
    digest: str
    orders: int
    requests: int
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """Give what replays it."""
        return f"python -m tests.simulation --seed {self.seed} --days {self.days:g} --faults {self.level}"


def venue_of(seed: int) -> str:
    """Give where a seed trades."""
    return list(VENUES)[seed % len(VENUES)]


def style_of(seed: int) -> str:
    """Give how a seed's orders by signal are sent."""
    return STYLES[seed // len(VENUES) % len(STYLES)]


def simulate(root: Path, seed: int, days: float, level: str = "rough", **changes: Any) -> Result:
    """Run a seed in a folder of its own; `changes` are given to the world."""
    venue = VENUES[venue_of(seed)]
    world = World(root, venue, settings_of(venue, *RUN, f"broker.order={style_of(seed)}"), seed, **changes)
    story = Story(world, days, level)
    with written_log(root / "log"):
        story.run()
    found = broken(world)
    result = Result(seed, days, level, found, story.told, digest(world, story), *_counts(world))
    result.statuses = dict(world.rows('SELECT status, count(*) FROM "order" GROUP BY 1'))
    world.close()
    return result


def digest(world: World, story: Story) -> str:
    """Give a digest of what happened, of the exchange's record and of the books' events, orders and fills."""
    parts = [
        story.told,
        sorted(record.orders_by_client_id(world.exchange, world.account).items()),
        record.trades(world.exchange, world.account),
        world.rows("SELECT time_ms, wall_ms, kind, message FROM event ORDER BY id"),
        world.rows('SELECT client_order_id, status, filled_units, sent_ms, done_ms FROM "order" ORDER BY id'),
        world.rows("SELECT time_ms, bot_id, units, price, fee FROM fill ORDER BY id"),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _counts(world: World) -> tuple[int, int]:
    return world.rows('SELECT count(*) FROM "order"')[0][0], len(world.sent)


@contextmanager
def written_log(path: Path) -> Iterator[None]:
    """Write all that is logged to a file, as a worker's log is."""
    root, handler = logging.getLogger(), logging.FileHandler(path)
    before, root.level = root.level, logging.INFO
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
