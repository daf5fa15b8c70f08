"""What a broker is to the step: it takes what the step decided, and says what of it is filled at once."""

from collections.abc import Sequence
from typing import Protocol

from worker.step.records import Fleet


class Broker(Protocol):
    """Where a fleet's orders go: intended within a step's own transaction, sent once that is committed.

    `keeps_shares`: orders leave after the step, so that each bot's part of them must be kept.
    """

    keeps_shares: bool

    def begin(self, fleet: Fleet, open_ms: int) -> None:
        """Do what a bar's open does to orders that still wait."""
        ...

    def intend(
        self, fleet: Fleet, prices: Sequence[float] | None, mids: Sequence[float], time_ms: int, style: int
    ) -> bool:
        """Take the orders the records hold.

        `prices` are the first of the next bar by market, none where unknown; `mids` the middles of the best bid and
        ask, 0 where unknown, and empty where nobody asked; `style` is an OrderStyle. Fills are in the fleet's journal.
        Says whether the orders are done with: filled, or cancelled for want of a price.
        """
        ...
