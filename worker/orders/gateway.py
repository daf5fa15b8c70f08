"""The last door before an order leaves: what the tables and the state folder say now, whatever was decided before.

An order is marked SUBMITTED in a transaction of its own, and leaves within a second of that or not at all.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import transaction
from shared.enums import Level, OrderStatus, Purpose
from shared.state_folder import KILL_FILE
from shared.units import DAY_MS, MINUTE_MS
from worker.orders.live_order import REASON_EXPIRED, LiveOrder
from worker.store.accounts import count_order
from worker.store.latch import read_latch
from worker.store.live_orders import count_sent, mark_submitted

# The request leaves within so long of the mark that is committed before it, the commit included.
LEAVES_WITHIN_MS = 1_000

RUNAWAY, FIRST_ORDERS = "RUNAWAY", "FIRST_ORDERS"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What stops a runaway, whatever decided it, and how long an intention is good for."""

    fresh_ms: int
    max_order_notional: float | None
    max_orders_per_minute: int
    max_orders_per_day: int
    first_orders: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an order may leave; `refusal` is why not, `alarm` the cause of a level that this sets."""

    leave_by_ms: int = 0
    refusal: str = ""
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose order it is: the ids of each bot and its sleeve, by the bot's index."""

    portfolio_id: int
    bots: tuple[tuple[int, int], ...]


class Gateway:
    """Lets an order leave, or says why not. Called on the thread of its account."""

    def __init__(self, engine: Engine, owner: Owner, bounds: Bounds, state: Path, clock: Clock) -> None:
        self._engine = engine
        self._owner = owner
        self.bounds = bounds
        self._kill_file = state / KILL_FILE
        self._clock = clock

    def submit(self, order: LiveOrder, price: Decimal, is_confirmed: bool) -> Verdict:
        """Mark an order SUBMITTED at this price; `is_confirmed` where a person trusts the account."""
        if self._clock.monotonic_ms() - order.intended_ms > self.bounds.fresh_ms:
            return Verdict(refusal=REASON_EXPIRED)
        if order.purpose is not Purpose.SAFETY and self._kill_file.exists():
            return Verdict(refusal=f"{Level.HALTED.name}: there is a file {KILL_FILE} in the state folder")
        with transaction(self._engine) as connection:
            refusal = self._refuse_by_level(connection, order) or self._refuse_runaway(
                connection, order, price, is_confirmed
            )
            if refusal is not None:
                return refusal
            # From before the commit: a worker that falls asleep in it wakes up when the second is over.
            wall_ms, leave_by_ms = self._clock.now_ms(), self._clock.monotonic_ms() + LEAVES_WITHIN_MS
            limit_price = None if order.limit_price is None else float(order.limit_price)
            own = (self._owner.portfolio_id, order.client_order_id, order.fencing)
            marked = mark_submitted(connection, *own, wall_ms, float(price), limit_price)
            if marked and not order.sent_ms:
                count_order(connection, self._owner.portfolio_id, order.account)
        if not marked:
            return Verdict(refusal="the lease is another worker's, or the order is no intention any more")
        order.status, order.sent_ms, order.reference_price = OrderStatus.SUBMITTED, wall_ms, float(price)
        return Verdict(leave_by_ms=leave_by_ms)

    def may_rest(self, order: LiveOrder) -> bool:
        """Say whether an order that waits on the exchange may go on doing so."""
        if self._kill_file.exists():
            return False
        with self._engine.connect() as connection:
            refusal = self._refuse_by_level(connection, order)
            connection.rollback()
        return refusal is None

    def _refuse_by_level(self, connection: Connection, order: LiveOrder) -> Verdict | None:
        latch = read_latch(connection, self._owner.portfolio_id)
        level = max(latch.of_bot(*self._owner.bots[b]) for b in order.shares)
        if level >= Level.HALTED and order.purpose is not Purpose.SAFETY:
            return Verdict(refusal=Level.HALTED.name)
        if level >= Level.NO_ENTRIES and order.increases:
            return Verdict(refusal=Level.NO_ENTRIES.name)
        return None

    def _refuse_runaway(
        self, connection: Connection, order: LiveOrder, price: Decimal, is_confirmed: bool
    ) -> Verdict | None:
        """Exits are never refused here, only counted."""
        if not order.increases:
            return None
        bounds, portfolio_id, now_ms = self.bounds, self._owner.portfolio_id, self._clock.now_ms()
        notional = float(order.quantity * price)
        if bounds.max_order_notional is not None and notional > bounds.max_order_notional:
            said = f"an order worth {notional:,.2f} is above risk.max_order_notional {bounds.max_order_notional:,.2f}"
            return Verdict(refusal=said, alarm=RUNAWAY)
        for words, span_ms, most in (
            ("minute", MINUTE_MS, bounds.max_orders_per_minute),
            ("day", DAY_MS, bounds.max_orders_per_day),
        ):
            if count_sent(connection, portfolio_id, order.account, now_ms - span_ms) >= most:
                said = f"{most} orders left within a {words}, as many as risk.max_orders_per_{words} allows"
                return Verdict(refusal=said, alarm=RUNAWAY)
        if not is_confirmed and count_sent(connection, portfolio_id, order.account, 0) >= bounds.first_orders:
            said = f"the first {bounds.first_orders} orders of account {order.account} wait for a person's word"
            return Verdict(refusal=said, alarm=FIRST_ORDERS)
        return None
