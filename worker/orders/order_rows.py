"""Orders under way and their rows: from what a step decided, from what a start finds, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.clock import Clock
from shared.enums import OrderStatus, OrderStyle, Side, Trigger
from shared.quantities import Unit
from worker.exchange.protocol import OrderKind
from worker.fleet.plan import FleetPlan
from worker.orders.live_order import LiveOrder
from worker.orders.order_book import OrderRow
from worker.store.live_orders import ShareRow, StoredOrder
from worker.store.orders import OrderRow as SavedRow

# What rested is taken, and known to be, by the time the next bar is decided.
BEFORE_CLOSE_MS = 10_000


@dataclass(frozen=True, slots=True)
class OrderRows:
    """Turns rows into orders and back; `units` are by market, `bot_ids` by bot, `token` is the lease's.

    Orders by signal are of this `kind` and may rest for so long.
    """

    plan: FleetPlan
    units: Sequence[Unit]
    bot_ids: Sequence[int]
    token: int
    kind: OrderKind
    rests_ms: int
    bar_ms: int
    clock: Clock

    def live(self, row: OrderRow) -> LiveOrder:
        """Make an order of what was decided."""
        return LiveOrder(
            client_order_id=row.client_order_id,
            account=row.account,
            symbol=row.symbol,
            side=row.side,
            units=row.units,
            unit=self.units[row.market],
            purpose=row.purpose,
            trigger=row.trigger,
            kind=self._kind(row.trigger),
            step=row.step,
            fencing=self.token,
            increases=bool(row.increases),
            reduce_only=bool(row.reduces),
            shares={b: abs(units) for b, units in row.shares.items()},
            intended_ms=self.clock.monotonic_ms(),
            decided_price=row.reference_price,
            reference_price=row.reference_price,
            rests_until_ms=self._monotonic_ms(row.rests_until_ms),
        )

    def taken_up(self, stored: StoredOrder) -> LiveOrder | None:
        """Make an order of the books one that is under way again; a paper order has no shares."""
        row, place = stored.row, {id_: b for b, id_ in enumerate(self.bot_ids)}
        if not stored.shares:
            return None
        age_ms = max(self.clock.now_ms() - row.decided_ms, 0)
        return LiveOrder(
            client_order_id=row.client_order_id,
            account=row.account,
            symbol=row.symbol,
            side=row.side,
            units=row.units,
            unit=self.units[self.plan.markets.index((row.account, row.symbol))],
            purpose=row.purpose,
            trigger=Trigger(row.trigger),
            kind=OrderKind[row.style.name],
            step=row.step,
            fencing=self.token,
            increases=bool(row.increases),
            reduce_only=False,
            shares={place[share.bot_id]: abs(share.units) for share in stored.shares},
            filled={place[share.bot_id]: share.filled_units for share in stored.shares if share.filled_units},
            trade_ids=stored.trade_ids,
            filled_units=row.filled_units,
            filled_quote=stored.filled_quote,
            fee_quote=stored.fee_quote,
            intended_ms=self.clock.monotonic_ms() - age_ms,
            status=row.status,
            exchange_id=row.exchange_id,
            sent_ms=row.sent_ms or 0,
            decided_price=row.reference_price,
            reference_price=row.reference_price,
            limit_price=None if row.limit_price is None else Decimal(repr(row.limit_price)),
            attempt=row.attempt,
            rests_until_ms=self._monotonic_ms(row.rests_until_ms),
        )

    def let_rest(self, rows: Sequence[OrderRow]) -> list[OrderRow]:
        """Give those of new orders that may rest, which are told until when: before the next bar is decided."""
        resting = [row for row in rows if self._kind(row.trigger) is not OrderKind.MARKET]
        for row in resting:
            decided_next_ms = row.decided_ms + self.bar_ms
            row.rests_until_ms = min(self.clock.now_ms() + self.rests_ms, decided_next_ms - BEFORE_CLOSE_MS)
        return resting

    def parts(self, order: OrderRow | LiveOrder) -> list[ShareRow]:
        """Give each bot's part of an order."""
        sign = 1 if order.side is Side.BUY else -1
        return [
            ShareRow(order.client_order_id, self.bot_ids[b], sign * abs(units)) for b, units in order.shares.items()
        ]

    def stored(self, order: LiveOrder) -> SavedRow:
        """Give the row of an order that goes on with another, decided now."""
        rests_ms = order.rests_until_ms - self.clock.monotonic_ms()
        return SavedRow(
            order.client_order_id,
            order.account,
            order.symbol,
            order.side,
            order.units,
            float(order.quantity),
            order.trigger,
            order.step,
            self.clock.now_ms(),
            OrderStatus.INTENT,
            purpose=order.purpose,
            attempt=order.attempt,
            increases=int(order.increases),
            fencing=order.fencing,
            reference_price=order.reference_price,
            style=OrderStyle[order.kind.name],
            rests_until_ms=self.clock.now_ms() + rests_ms if order.rests_until_ms else 0,
        )

    def _kind(self, trigger: Trigger) -> OrderKind:
        """Protective exits, and what a person wants closed, always go at market."""
        return self.kind if trigger is Trigger.SIGNAL else OrderKind.MARKET

    def _monotonic_ms(self, wall_ms: int) -> int:
        return self.clock.monotonic_ms() + wall_ms - self.clock.now_ms() if wall_ms else 0
