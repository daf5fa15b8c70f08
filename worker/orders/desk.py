"""The orders that are under way: put to their accounts, looked up until their fate is proved, and told of.

Called on the worker's own thread. What it gives back the worker books, each outcome in a transaction of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from shared.clock import Clock
from shared.enums import OrderStatus, Purpose
from worker.orders.lanes import Lanes, Urgency
from worker.orders.live_order import REASON_EXPIRED, LiveOrder, Outcome
from worker.orders.sending import Sender

# Looked up after 1, 2, 4 … 60 s.
FIRST_LOOK_MS = 1_000
LONGEST_LOOK_MS = 60_000
# An order that was accepted and not filled at once is asked for sooner.
OPEN_LOOK_MS = 200
# An order that rests is looked after so often.
FOLLOW_MS = 5_000
# An exchange may show an order it accepted a moment late.
READ_LAG_MS = 5_000
# Where an exchange has no window in which orders must arrive: not found twice, so far apart, and what it holds agrees.
TWICE_MS = 30_000


class OrderDesk:
    """Keeps the orders of all accounts until nothing more comes of them."""

    def __init__(
        self,
        senders: Mapping[str, Sender],
        lanes: Lanes,
        clock: Clock,
        alarm_ms: int,
        agrees: Callable[[str, str, int], bool],
    ) -> None:
        """`alarm_ms` is how long nothing may be known of an order before that is an error.

        `agrees` says whether an account's symbol was found as the books have it since a wall time.
        """
        self.senders = senders
        self._lanes = lanes
        self._clock = clock
        self._alarm_ms = alarm_ms
        self._agrees = agrees
        self.under_way: dict[str, LiveOrder] = {}
        # how many orders left, by account
        self.sent: Counter[str] = Counter()
        # what else was done on the lanes
        self.others: list[object] = []
        self._at_work: set[str] = set()

    def put(self, orders: Iterable[LiveOrder]) -> None:
        """Let intentions leave, once they are committed: exits and reductions first.

        What rests for a bot that is to exit rests no longer.
        """
        for order in sorted(orders, key=_urgency):
            if order.purpose is not Purpose.NET:
                self._rest_no_longer(order)
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
            self._look_soon(order, self.pause_ms(order))

    def busy_bots(self, order: LiveOrder) -> set[int]:
        """Name the bots that another order on the market of this one is under way for."""
        return {
            b
            for other in self.under_way.values()
            if other is not order and (other.account, other.symbol) == (order.account, order.symbol)
            for b in other.shares
        }

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
            if since_ms is not None and not order.is_alarmed and now_ms - since_ms >= self._alarm_ms:
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
        elif order.is_resting and order.rests_until_ms <= now_ms:
            self._work(order, Urgency.EXIT, sender.cancel)
        else:
            order.looks += 1
            self._work(order, Urgency.LOOK_UP, sender.follow if order.is_resting else sender.look_up)

    def _work(self, order: LiveOrder, urgency: Urgency, call: Callable[[LiveOrder], object]) -> None:
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
        finality = self.senders[order.account].client.finality
        if finality.window_ms is not None:
            # By the time that only moves on: the wall clock may have been set since it was sent.
            since_ms = now_ms if order.unknown_since_ms is None else order.unknown_since_ms
            if now_ms < since_ms + finality.window_ms + READ_LAG_MS:
                return False
            if finality.named_ms is None or self._clock.now_ms() <= order.sent_ms + finality.named_ms:
                return True
        if order.first_absent_ms is None:
            order.first_absent_ms = now_ms
        is_twice = now_ms - order.first_absent_ms >= TWICE_MS
        return is_twice and self._agrees(order.account, order.symbol, order.sent_ms)

    def _rest_no_longer(self, exit_order: LiveOrder) -> None:
        now_ms = self._clock.monotonic_ms()
        for order in self.under_way.values():
            is_there = (order.account, order.symbol) == (exit_order.account, exit_order.symbol)
            if is_there and order.rests_until_ms > now_ms and order.shares.keys() & exit_order.shares.keys():
                order.rests_until_ms = now_ms
                if order.look_at_ms is not None:
                    order.look_at_ms = now_ms

    def pause_ms(self, order: LiveOrder) -> int:
        """Give how long until an order is looked up once more, from its last outcome on."""
        first_ms = FIRST_LOOK_MS if order.status is OrderStatus.UNKNOWN else OPEN_LOOK_MS
        pause_ms = min(first_ms * 2 ** min(order.looks, 16), LONGEST_LOOK_MS)
        if not order.is_resting:
            return pause_ms
        left_ms = order.rests_until_ms - self._clock.monotonic_ms()
        return min(pause_ms, FOLLOW_MS, left_ms if left_ms > 0 else FIRST_LOOK_MS)

    def _look_soon(self, order: LiveOrder, pause_ms: int) -> None:
        order.look_at_ms = self._clock.monotonic_ms() + pause_ms


def _never_arrived(order: LiveOrder) -> bool:
    return order.status is OrderStatus.SUBMITTED and order.never_arrived


def _urgency(order: LiveOrder) -> Urgency:
    return Urgency.ENTRY if order.increases and order.purpose is Purpose.NET else Urgency.EXIT
