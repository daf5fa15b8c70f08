"""Orders that were sent without the database, taken into the books at a start, and then looked up like any other."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.enums import OrderStatus, Purpose, Side, Trigger
from shared.quantities import Unit
from worker.fleet.plan import FleetPlan
from worker.orders.direct_file import DirectOrder
from worker.orders.live_order import whole_units
from worker.orders.shares import share_units
from worker.step.records import Fleet
from worker.store.live_orders import ShareRow, known_orders, save_shares
from worker.store.orders import OrderRow, save_orders


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose orders they become."""

    portfolio_id: int
    bot_ids: Sequence[int]
    plan: FleetPlan
    fleet: Fleet
    token: int


def take_in(connection: Connection, owners: Owners, orders: Sequence[DirectOrder]) -> list[str]:
    """Write orders that the books do not know, each with the parts of the bots it closes, pro rata to what they hold.

    What is left of them comes with their look-up. Gives a sentence for each that no bot can have a part of.
    """
    known = known_orders(connection, owners.portfolio_id, [order.client_order_id for order in orders])
    given: dict[int, int] = {}
    orphans = []
    for order in orders:
        if order.client_order_id in known or order.filled == 0:
            continue
        shares = _shares(owners, order, given)
        if not shares:
            orphans.append(
                f"order {order.client_order_id} of flatten --direct ({order.side.lower()} {order.quantity:f} "
                f"{order.symbol} on {order.account}) closed nothing that a bot holds, and is not booked"
            )
            continue
        _save(connection, owners, order, shares)
    return orphans


def _shares(owners: Owners, order: DirectOrder, given: dict[int, int]) -> dict[int, int]:
    """Share an order out among the bots of the side that it closes; `given` is what earlier ones took of each."""
    fleet, key = owners.fleet, (order.account, order.symbol)
    if key not in owners.plan.markets:
        return {}
    m = owners.plan.markets.index(key)
    market, direction = fleet.markets[m], 1 if order.side is Side.SELL else -1
    bots = [b for b, bot in enumerate(fleet.bots) if bot.market == m and bot.units * direction > 0]
    held = [max(abs(fleet.bots[b].units) - given.get(b, 0), 0) for b in bots]
    if not sum(held):
        return {}
    closed = order.quantity if order.filled is None else order.filled
    units = whole_units(closed, Unit(market.coins_per_unit, market.units_per_coin))
    parts = share_units(min(units, sum(held)), held, market.step_units)
    for b, part in zip(bots, parts, strict=True):
        given[b] = given.get(b, 0) + part
    return {b: part for b, part in zip(bots, parts, strict=True) if part}


def _save(connection: Connection, owners: Owners, order: DirectOrder, shares: dict[int, int]) -> None:
    market = owners.fleet.markets[owners.plan.markets.index((order.account, order.symbol))]
    portfolio = owners.fleet.portfolio
    row = OrderRow(
        order.client_order_id,
        order.account,
        order.symbol,
        order.side,
        whole_units(order.quantity, Unit(market.coins_per_unit, market.units_per_coin)),
        float(order.quantity),
        Trigger.FLATTEN,
        portfolio.step,
        order.sent_ms,
        OrderStatus.SUBMITTED,
        sent_ms=order.sent_ms,
        purpose=Purpose.FLATTEN,
        fencing=owners.token,
        reference_price=float(order.price),
    )
    save_orders(connection, owners.portfolio_id, [row])
    sign = 1 if order.side is Side.BUY else -1
    save_shares(
        connection, [ShareRow(order.client_order_id, owners.bot_ids[b], sign * units) for b, units in shares.items()]
    )
