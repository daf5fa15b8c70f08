"""The orders of a step: one per account, symbol and step for what the fleet nets to, one per protective exit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.enums import BarStatus, OrderStatus, Purpose, Side, Trigger
from worker.fleet.plan import FleetPlan
from worker.orders.ids import client_order_id
from worker.risk.position import without_increase
from worker.risk.quantity import coins
from worker.step.journal import Fill
from worker.step.records import Fleet

PROTECTIVE = (int(Trigger.STOP), int(Trigger.TRAILING_STOP), int(Trigger.LADDER))
LAPSED = "not filled in its time"


@dataclass(slots=True)
class OrderRow:
    """One order as the books keep it, its counts positive; `bot` is the index of its bot, -1 where it nets several."""

    client_order_id: str
    account: str
    symbol: str
    side: Side
    units: int
    quantity: float
    trigger: Trigger
    step: int
    decided_ms: int
    status: OrderStatus
    market: int
    bot: int
    filled_units: int = 0
    filled_quantity: float = 0.0
    price: float | None = None
    fee: float = 0.0
    sent_ms: int | None = None
    done_ms: int | None = None
    reason: str | None = None
    purpose: Purpose = Purpose.NET
    attempt: int = 0
    # 1 where a bot holds more by it
    increases: int = 0
    # the number of the lease it was decided under
    fencing: int = 0
    # 1 where the account's own position can only get smaller by it
    reduces: int = 0
    reference_price: float | None = None
    # until when it may rest on the exchange, wall time; 0 for not at all
    rests_until_ms: int = 0
    exchange_id: str | None = None
    # each bot's part, signed whole units, by index
    shares: dict[int, int] = field(default_factory=dict)


class OrderBook:
    """Keeps the orders that wait for their fill, and turns what a step did into rows."""

    def __init__(self, portfolio: str, installation: str, plan: FleetPlan, keeps_shares: bool) -> None:
        self._portfolio = portfolio
        self._installation = installation
        self._plan = plan
        self._keeps_shares = keeps_shares
        self.waiting: list[OrderRow] = []

    def intend(self, fleet: Fleet, decided_ms: int, number: int = 0) -> list[OrderRow]:
        """Make the orders that the step decided; they wait for the next open."""
        if fleet.rules.netting == 1:
            wishes = [(m, -1, market.order_units) for m, market in enumerate(fleet.markets)]
        else:
            wishes = [(bot.market, b, bot.order_units) for b, bot in enumerate(fleet.bots)]
        self.waiting = [
            self._row(fleet, m, b, units, _trigger(fleet, m, b), decided_ms, OrderStatus.INTENT, number)
            for m, b, units in wishes
            if units != 0
        ]
        if not self._keeps_shares:
            return self.waiting
        # They leave once the step is committed; none waits for a bar.
        leaving, self.waiting = self.waiting, []
        for row in leaving:
            _share(row, fleet)
        return leaving

    def asked_exit(self, fleet: Fleet, b: int, decided_ms: int) -> OrderRow:
        """Make the order of a protective exit that was asked for, to leave at once."""
        bot, trigger = fleet.bots[b], Trigger(fleet.bots[b].exit_trigger)
        row = self._row(fleet, bot.market, b, bot.exit_units, trigger, decided_ms, OrderStatus.INTENT)
        row.shares = {b: bot.exit_units}
        row.reduces = int(reduces(row.side, row.units, fleet, row.market))
        row.reference_price = bot.exit_price
        return row

    def revise(self, before: Sequence[OrderRow], why: str, done_ms: int) -> tuple[list[OrderRow], list[OrderRow]]:
        """Hold what waits to the orders intended before: give those that are new, and those changed or cancelled."""
        known = {row.client_order_id for row in before}
        waiting = {row.client_order_id: row for row in self.waiting}
        new = [row for row in self.waiting if row.client_order_id not in known]
        changed = [waiting.get(row.client_order_id, row) for row in before]
        for row in changed:
            if row.client_order_id not in waiting:
                row.status, row.reason, row.done_ms = OrderStatus.CANCELLED, why, done_ms
        return new, changed

    def exit(self, fleet: Fleet, fill: Fill, number: int) -> OrderRow:
        """Make the order of one protective exit, filled as it is made; `number` counts them within the step."""
        trigger = Trigger(fill.trigger)
        row = self._row(fleet, fill.market, fill.bot, fill.units, trigger, fill.time_ms, OrderStatus.FILLED, number)
        _fill(row, fleet, [fill], fill.price, fill.time_ms)
        return row

    def settle(self, fleet: Fleet, fills: Sequence[Fill], done_ms: int) -> list[OrderRow]:
        """Give the waiting orders with their result: filled by these fills, or cancelled where there is none."""
        settled, self.waiting = self.waiting, []
        for row in settled:
            shares = [fill for fill in fills if belongs(fill, row)]
            if shares:
                _fill(
                    row,
                    fleet,
                    shares,
                    shares[0].price if row.bot >= 0 else fleet.markets[row.market].fill_price,
                    done_ms,
                )
            else:
                is_missing = fleet.markets[row.market].status == BarStatus.MISSING
                why = "the bar to fill in is missing" if is_missing else LAPSED
                row.status, row.reason, row.done_ms = OrderStatus.CANCELLED, why, done_ms
        return settled

    def order_of(self, fill: Fill, orders: Sequence[OrderRow]) -> str | None:
        """Give the client order id of a fill; None where it crossed in house entirely."""
        return next((row.client_order_id for row in orders if belongs(fill, row)), None)

    def _row(
        self,
        fleet: Fleet,
        m: int,
        b: int,
        units: int,
        trigger: Trigger,
        decided_ms: int,
        status: OrderStatus,
        number: int = 0,
    ) -> OrderRow:
        account, symbol = self._plan.markets[m]
        bot = self._plan.bots[b].name if b >= 0 else ""
        step, purpose = fleet.portfolio.step, purpose_of(trigger)
        name = client_order_id(
            self._installation, self._portfolio, account, symbol, step, decided_ms, purpose, bot, number
        )
        side = Side.BUY if units > 0 else Side.SELL
        size = abs(units)
        quantity = coins(fleet.markets[m], size)
        row = OrderRow(name, account, symbol, side, size, quantity, trigger, step, decided_ms, status, m, b)
        row.purpose = purpose
        return row


def _share(row: OrderRow, fleet: Fleet) -> None:
    """Note each bot's part of an order, and whether anybody holds more by it."""
    for b, bot in enumerate(fleet.bots):
        sent = bot.order_units - bot.crossed_units
        if bot.market == row.market and (row.bot in (-1, b)) and sent != 0 and (sent > 0) == (row.side is Side.BUY):
            row.shares[b] = sent
            # What crosses in house is booked first.
            held = bot.units + bot.crossed_units
            row.increases |= int(without_increase(held, held + sent) != held + sent)
    row.reduces = int(reduces(row.side, row.units, fleet, row.market))
    row.reference_price = fleet.markets[row.market].close


def reduces(side: Side, units: int, fleet: Fleet, m: int) -> bool:
    """Say whether the account's own position in a market can only get smaller by an order."""
    held = sum(bot.units for bot in fleet.bots if bot.market == m)
    is_opposite = held < 0 if side is Side.BUY else held > 0
    return is_opposite and units <= abs(held)


def belongs(fill: Fill, row: OrderRow) -> bool:
    """Say whether a fill is a share of an order: not of one its whole quantity was kept from by crossing in house."""
    if fill.market != row.market or fill.step != row.step or (row.bot >= 0 and fill.bot != row.bot):
        return False
    if (fill.trigger in PROTECTIVE) != (row.trigger in PROTECTIVE):
        return False
    sent = fill.units - fill.crossed_units
    return sent != 0 and (sent > 0) == (row.side is Side.BUY)


def purpose_of(trigger: Trigger) -> Purpose:
    """Say what an order of a trigger is for."""
    if trigger in PROTECTIVE:
        return Purpose.EXIT
    return Purpose.FLATTEN if trigger is Trigger.FLATTEN else Purpose.NET


def _trigger(fleet: Fleet, m: int, b: int) -> Trigger:
    if b >= 0:
        return Trigger(fleet.bots[b].order_trigger)
    triggers = {bot.order_trigger for bot in fleet.bots if bot.market == m and bot.order_units != 0}
    return Trigger(triggers.pop()) if len(triggers) == 1 else Trigger.SIGNAL


def _fill(row: OrderRow, fleet: Fleet, fills: Sequence[Fill], price: float, done_ms: int) -> None:
    """Take the result over; the part of a share that crossed in house never reached the exchange."""
    row.filled_units = sum(abs(fill.units - fill.crossed_units) for fill in fills)
    row.filled_quantity = coins(fleet.markets[row.market], row.filled_units)
    row.price = price
    row.fee = sum(fill.fee for fill in fills)
    row.status, row.reason = OrderStatus.FILLED, None
    if row.filled_units < row.units:
        row.status, row.reason = OrderStatus.CANCELLED, LAPSED
    row.sent_ms = row.done_ms = done_ms
