"""The last door before an order leaves: it reads the latch itself, whatever the step believed when it decided."""

from collections.abc import Mapping

from sqlalchemy import Connection

from shared.enums import Cause
from worker.live.stepper import Stepper, StepRows
from worker.store.fleet import RegisteredFleet
from worker.store.latch import read_latch

# The brakes on equity belong to the step itself, which is ahead of the tables until it commits.
OTHERS = (Cause.PERSON, Cause.CRASHES, Cause.RECONCILIATION, Cause.RUNAWAY, Cause.FIRST_ORDERS)


class Gateway:
    """Sends a step's orders through the paper broker, less what a level latched in the database forbids."""

    def __init__(self, registered: RegisteredFleet, stepper: Stepper) -> None:
        self._registered = registered
        self._stepper = stepper

    def send(self, connection: Connection, rows: StepRows, opens: Mapping[str, float]) -> bool:
        """Send what is allowed, and say whether a level had risen since the decision.

        A level asked for and not yet taken counts.
        """
        latch = read_latch(connection, self._registered.portfolio_id, OTHERS)
        risen = False
        for registered, bot in zip(self._registered.bots, self._stepper.fleet.bots, strict=True):
            level = latch.of_bot(registered.id, registered.sleeve_id)
            if level > bot.level:
                bot.level = int(level)
                risen = True
        if risen:
            self._stepper.withdraw()
        self._stepper.send(rows, opens)
        return risen
