"""Orders between a step and what became of them, as the worker drives them: one small protocol, and its paper form."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from shared.errors import CommandRefused
from shared.settings import Settings
from worker.exchange.protocol import ExchangeTrade
from worker.fleet.plan import FleetPlan
from worker.orders.booking import Booked
from worker.orders.live_order import LiveOrder, Outcome
from worker.orders.order_book import OrderRow
from worker.orders.reading import Reading
from worker.orders.reconciliation import Reconciled, Resolved
from worker.step.records import Fleet
from worker.store.fleet import RegisteredFleet


class UnderWay(Protocol):
    """Orders that left or are about to; every call comes from the worker's own thread."""

    @property
    def warnings(self) -> Sequence[str]:
        """Give what a person should know of the accounts at the start."""
        ...

    @property
    def arrives_within_ms(self) -> int:
        """Give how long an order may still arrive of a worker whose lease was taken over."""
        ...

    @property
    def is_told_to_wait(self) -> bool:
        """Say whether an exchange wants silence for longer than was kept."""
        ...

    def take_up(
        self, connection: Connection, registered: RegisteredFleet, plan: FleetPlan, fleet: Fleet, token: int
    ) -> None:
        """Take up what is not over yet, within the transaction of a start; `token` is the lease's."""
        ...

    def resume(self) -> None:
        """Go on with what was taken up, once that is committed."""
        ...

    def mark(self, fleet: Fleet) -> None:
        """Put into the records what a step must know: exits under way, what is not resolved, what it may come to."""
        ...

    def look(self, fleet: Fleet) -> Sequence[float]:
        """Give the middle of the best bid and ask by market, 0 where unknown, where a step has orders."""
        ...

    def save(self, connection: Connection, orders: Sequence[OrderRow]) -> None:
        """Keep each bot's part of new orders, within the transaction that keeps the orders."""
        ...

    def leave(self, orders: Sequence[OrderRow]) -> None:
        """Let orders leave, once they are committed."""
        ...

    def tend(self, timeout_seconds: float = 0.0) -> list[Outcome]:
        """Ask what is due and give what became known, waiting so long for the first of it."""
        ...

    def book(self, connection: Connection, outcome: Outcome) -> Booked:
        """Write an outcome into the books of orders."""
        ...

    def took(self, outcome: Outcome) -> None:
        """Go on from an outcome, once it is committed."""
        ...

    def next_attempt(self, connection: Connection, outcome: Outcome, fleet: Fleet) -> LiveOrder | None:
        """Intend the order that goes on with what one left that rested, within the transaction that books its end."""
        ...

    def go_on(self, order: LiveOrder) -> None:
        """Let such an order leave, once it is committed."""
        ...

    def is_leaving(self, client_order_ids: Sequence[str]) -> bool:
        """Say whether any of these orders has not been answered for yet."""
        ...

    def overdue(self) -> list[LiveOrder]:
        """Give the orders of which nothing has been known for too long, each once."""
        ...

    def readings(self) -> list[Reading]:
        """Give what passes over accounts have found since."""
        ...

    def reconcile(self, connection: Connection, reading: Reading) -> Reconciled:
        """Hold the books to what a pass found."""
        ...

    def resolve(self, connection: Connection, symbol: str) -> Resolved:
        """Let a difference of a symbol or coin be accounted for by a person's word, and say what it was.

        Raises CommandRefused where there is none.
        """
        ...

    def late(self, client_order_id: str, trades: Sequence[ExchangeTrade]) -> Outcome | None:
        """Make trades that a pass found of an order one of its outcomes; none where the books do not have the order."""
        ...

    def confirm(self, connection: Connection) -> None:
        """Take in that a person says that the first orders look right."""
        ...

    def in_force(self, settings: Settings) -> Settings:
        """Give settings with the share of its limit that each account really uses."""
        ...

    def refuse_ramp(self, account: str, share: float) -> str:
        """Say why an account may not use so much of its limit; nothing where it may."""
        ...

    def take_over(self, connection: Connection, settings: Settings) -> None:
        """Take over settings that changed while running."""
        ...

    def keep(self, connection: Connection) -> None:
        """Keep what is known of the accounts."""
        ...

    def close(self) -> None:
        """Ask nothing more."""
        ...


class NothingUnderWay:
    """On paper an order is filled as it is made, or waits for its bar."""

    warnings: Sequence[str] = ()
    arrives_within_ms = 0
    is_told_to_wait = False

    def take_up(
        self, connection: Connection, registered: RegisteredFleet, plan: FleetPlan, fleet: Fleet, token: int
    ) -> None:
        """Nothing to take up."""

    def resume(self) -> None:
        """Nothing to go on with."""

    def mark(self, fleet: Fleet) -> None:
        """Nothing to mark."""

    def look(self, fleet: Fleet) -> Sequence[float]:
        """Nothing crosses before its bar opens."""
        return ()

    def save(self, connection: Connection, orders: Sequence[OrderRow]) -> None:
        """The fills say what each bot got."""

    def leave(self, orders: Sequence[OrderRow]) -> None:
        """Nothing leaves."""

    def tend(self, timeout_seconds: float = 0.0) -> list[Outcome]:
        """Nothing becomes known."""
        return []

    def book(self, connection: Connection, outcome: Outcome) -> Booked:
        """There are no outcomes."""
        return Booked(outcome.order)

    def took(self, outcome: Outcome) -> None:
        """There are no outcomes."""

    def next_attempt(self, connection: Connection, outcome: Outcome, fleet: Fleet) -> LiveOrder | None:
        """Nothing rests."""
        return None

    def go_on(self, order: LiveOrder) -> None:
        """Nothing goes on."""

    def is_leaving(self, client_order_ids: Sequence[str]) -> bool:
        """Nothing leaves."""
        return False

    def overdue(self) -> list[LiveOrder]:
        """Nothing is."""
        return []

    def readings(self) -> list[Reading]:
        """There is no account."""
        return []

    def reconcile(self, connection: Connection, reading: Reading) -> Reconciled:
        """There is no account."""
        return Reconciled(reading.question.account)

    def resolve(self, connection: Connection, symbol: str) -> Resolved:
        """There is no account."""
        raise CommandRefused("orders are paper: there is no account to reconcile with")

    def late(self, client_order_id: str, trades: Sequence[ExchangeTrade]) -> Outcome | None:
        """There are no trades."""
        return None

    def confirm(self, connection: Connection) -> None:
        """Nothing to confirm."""

    def in_force(self, settings: Settings) -> Settings:
        """Paper uses all of a limit."""
        return settings

    def refuse_ramp(self, account: str, share: float) -> str:
        """Paper has no ramp."""
        return ""

    def take_over(self, connection: Connection, settings: Settings) -> None:
        """Nothing depends on them."""

    def keep(self, connection: Connection) -> None:
        """Nothing to keep."""

    def close(self) -> None:
        """Nothing to end."""
