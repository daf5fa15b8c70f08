"""The orders that are under way: put to their accounts, looked up until their fate is proved, and told of.

Called on the worker's own thread. What it gives back the worker books, each outcome in a transaction of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared.clock import Clock
from shared.enums import OrderStatus, Purpose
from worker.exchange.protocol import OrderKind
from worker.orders.lanes import Lanes, Urgency
from worker.orders.live_order import REASON_EXPIRED, LiveOrder, Outcome
from worker.orders.sending import Sender

# Looked up after 1, 2, 4 … 60 s.
FIRST_LOOK_MS = 1_000
LONGEST_LOOK_MS = 60_000
# An order that was accepted and not filled at once is asked for sooner.
OPEN_LOOK_MS = 200
# An exchange may show an order it accepted a moment late.
READ_LAG_MS = 5_000
# Where an exchange has no window in which orders must arrive: not found twice, so far apart, and what it holds agrees.
TWICE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long limit orders may rest, and when an order of which nothing is known is an error."""

    limit_ms: int
    maker_ms: int
    alarm_ms: int


class OrderDesk:
    """Keeps the orders of all accounts until nothing more comes of them."""

    def __init__(
        self,
        senders: Mapping[str, Sender],
        lanes: Lanes,
        clock: Clock,
        patience: Patience,
        agrees: Callable[[str, str, int], bool],
    ) -> None:
        """`agrees` says whether an account's symbol was found as the books have it since a wall time."""
        self.senders = senders
        self._lanes = lanes
        self._clock = clock
        self._patience = patience
        self._agrees = agrees
        self.under_way: dict[str, LiveOrder] = {}
        # how many orders left, by account
        self.sent: Counter[str] = Counter()
        # what else was done on the lanes
        self.others: list[object] = []
        self._at_work: set[str] = set()

    def put(self, orders: Iterable[LiveOrder]) -> None:
        """Let intentions leave, once they are committed: exits and reductions first."""
        for order in sorted(orders, key=_urgency):
            self.under_way[order.client_order_id] = order
            if order.status is OrderStatus.INTENT:
                self._work(order, _urgency(order), self.senders[order.account].send)
            elif not order.is_over:
                self._look_soon(order, 0)

    def tend(self, timeout_seconds: float = 0.0) -> list[Outcome]:
        """Ask for what is due, and give what became known, waiting so long for the first of it."""
        now_ms = self._clock.monotonic_ms()
        waiting = [order for id_, order in self.under_way.items() if id_ not in self._at_work]
        for order in waiting:
            if order.look_at_ms is not None and order.look_at_ms <= now_ms:
                self._ask_again(order, now_ms)
        done = self._lanes.collect(timeout_seconds)
        found = [item for item in done if isinstance(item, Outcome)]
        self.others += [item for item in done if not isinstance(item, Outcome)]
        for outcome in found:
            self._at_work.discard(outcome.order.client_order_id)
        return [self._judge(outcome) for outcome in found]

    def took(self, outcome: Outcome) -> None:
        """Go on from an outcome that is booked."""
        order = outcome.order
        if order.is_over:
            self.under_way.pop(order.client_order_id, None)
        elif order.look_at_ms is None:
            self._look_soon(order, self._pause_ms(order))

    def is_quiet(self, account: str, sent: int) -> bool:
        """Say whether no order moves an account, and none has left since so many had."""
        own = [order for order in self.under_way.values() if order.account == account]
        return self.sent[account] == sent and all(order.status is OrderStatus.UNKNOWN for order in own)

    def due_in_ms(self) -> int | None:
        """Give how long until something is to be asked; none where nothing waits."""
        now_ms = self._clock.monotonic_ms()
        times = [order.look_at_ms for order in self.under_way.values() if order.look_at_ms is not None]
        return max(min(times) - now_ms, 0) if times else None

    def overdue(self) -> list[LiveOrder]:
        """Give the orders of which nothing was known for too long, each once."""
        now_ms, found = self._clock.monotonic_ms(), []
        for order in self.under_way.values():
            since_ms = order.unknown_since_ms
            if since_ms is not None and not order.is_alarmed and now_ms - since_ms >= self._patience.alarm_ms:
                order.is_alarmed = True
                found.append(order)
        return found

    def close(self) -> None:
        """Ask nothing more."""
        self._lanes.close()

    def _ask_again(self, order: LiveOrder, now_ms: int) -> None:
        order.look_at_ms = None
        sender = self.senders[order.account]
        if order.status is OrderStatus.INTENT or _never_arrived(order):
            self._work(order, _urgency(order), sender.send)
        elif self._has_rested(order, now_ms):
            self._work(order, Urgency.EXIT, sender.cancel)
        else:
            order.looks += 1
            self._work(order, Urgency.LOOK_UP, sender.look_up)

    def _work(self, order: LiveOrder, urgency: Urgency, call: Callable[[LiveOrder], Outcome]) -> None:
        order.look_at_ms = None
        self._at_work.add(order.client_order_id)
        if call == self.senders[order.account].send:
            self.sent[order.account] += 1
        self._lanes.put(order.account, urgency, lambda: call(order))

    def _judge(self, outcome: Outcome) -> Outcome:
        """Say what an outcome means for the order: that it leaves again, is unknown, or is proved absent."""
        order, now_ms = outcome.order, self._clock.monotonic_ms()
        if outcome.again_in_ms is not None:
            return self._leave_again(outcome, now_ms)
        if outcome.status is OrderStatus.UNKNOWN and order.unknown_since_ms is None:
            order.unknown_since_ms = now_ms
        elif outcome.status not in (None, OrderStatus.UNKNOWN):
            order.unknown_since_ms = order.first_absent_ms = None
        if outcome.is_absent and order.status is OrderStatus.UNKNOWN and self._is_proved_absent(order, now_ms):
            return Outcome(order, OrderStatus.ABSENT, text="not found after all ways were asked")
        return outcome

    def _leave_again(self, outcome: Outcome, now_ms: int) -> Outcome:
        order = outcome.order
        fresh_ms = self.senders[order.account].fresh_ms
        if now_ms + (outcome.again_in_ms or 0) - order.intended_ms > fresh_ms:
            return Outcome(order, OrderStatus.CANCELLED, text=f"{REASON_EXPIRED}: {outcome.text}")
        order.never_arrived = order.status is not OrderStatus.INTENT
        order.look_at_ms = now_ms + (outcome.again_in_ms or 0)
        return Outcome(order, None, text=outcome.text)

    def _is_proved_absent(self, order: LiveOrder, now_ms: int) -> bool:
        finality, wall_ms = self.senders[order.account].client.finality, self._clock.now_ms()
        if finality.window_ms is not None:
            if wall_ms < order.sent_ms + finality.window_ms + READ_LAG_MS:
                return False
            if finality.named_ms is None or wall_ms <= order.sent_ms + finality.named_ms:
                return True
        if order.first_absent_ms is None:
            order.first_absent_ms = now_ms
        is_twice = now_ms - order.first_absent_ms >= TWICE_MS
        return is_twice and self._agrees(order.account, order.symbol, order.sent_ms)

    def _has_rested(self, order: LiveOrder, now_ms: int) -> bool:
        most_ms = self._patience.maker_ms if order.kind is OrderKind.MAKER else self._patience.limit_ms
        is_resting = order.status in (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)
        return order.kind is not OrderKind.MARKET and is_resting and now_ms - order.intended_ms >= most_ms

    def _pause_ms(self, order: LiveOrder) -> int:
        first_ms = FIRST_LOOK_MS if order.status is OrderStatus.UNKNOWN else OPEN_LOOK_MS
        return min(first_ms * 2 ** min(order.looks, 16), LONGEST_LOOK_MS)

    def _look_soon(self, order: LiveOrder, pause_ms: int) -> None:
        order.look_at_ms = self._clock.monotonic_ms() + pause_ms


def _never_arrived(order: LiveOrder) -> bool:
    return order.status is OrderStatus.SUBMITTED and order.never_arrived


def _urgency(order: LiveOrder) -> Urgency:
    return Urgency.ENTRY if order.increases and order.purpose is Purpose.NET else Urgency.EXIT
