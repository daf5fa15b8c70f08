"""What goes on with what an order that rested left: another that rests, one at market, or nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from shared.enums import Level, OrderStatus, Side
from shared.settings import Settings
from worker.exchange.protocol import OrderKind
from worker.orders.live_order import LiveOrder, Outcome
from worker.orders.order_book import reduces
from worker.orders.shares import share_units
from worker.risk.quantity import coins, only_steps
from worker.step.fill import closing_units
from worker.step.records import Fleet


@dataclass(frozen=True, slots=True)
class Styles:
    """How orders by signal ask to be filled, and what becomes of what they leave."""

    kind: OrderKind = OrderKind.MARKET
    limit_ms: int = 20_000
    maker_ms: int = 300_000
    limit_offset: Decimal = Decimal("0.001")
    requotes: int = 3
    takes_entries: bool = True

    @property
    def rests_ms(self) -> int:
        """Give how long an order by signal may rest."""
        return {OrderKind.LIMIT: self.limit_ms, OrderKind.MAKER: self.maker_ms}.get(self.kind, 0)


def styles_of(settings: Settings) -> Styles:
    """Give the styles of the settings; nothing rests for longer than a bar."""
    broker, bar_ms = settings.broker, settings.step_ms
    return Styles(
        OrderKind[broker.order.upper()],
        min(round(1000 * broker.patience), bar_ms),
        settings.resting_ms,
        Decimal(repr(broker.limit_offset)),
        broker.requotes,
        broker.maker_unfilled == "take",
    )


def goes_on(outcome: Outcome) -> bool:
    """Say whether another order may take up what one left, once its outcome is booked."""
    order = outcome.order
    return outcome.may_go_on and order.status is OrderStatus.CANCELLED and order.filled_units < order.units


def next_order(
    order: LiveOrder, name: str, styles: Styles, fleet: Fleet, busy: Collection[int], now_ms: int
) -> LiveOrder | None:
    """Give the order that goes on with what another left, named so; none where nothing is to.

    Bots that are `busy` with another order on the market are left out, and what opens where a level forbids entries.
    `now_ms` is of the time that only moves on.
    """
    follows = may_follow(order, styles) and now_ms < order.rests_until_ms
    takes_entries = follows or (order.kind is OrderKind.MAKER and styles.takes_entries)
    m = fleet.bots[next(iter(order.shares))].market
    market = fleet.markets[m]
    closing = {b: _closing(order, fleet, b) for b in order.shares}
    wanted = {b: _wanted(order, fleet, b, closing[b], takes_entries) for b in order.shares if b not in busy}
    units = only_steps(market, sum(wanted.values()))
    if units == 0 or coins(market, units) * market.close < market.min_notional:
        return None
    given = share_units(units, list(wanted.values()), market.step_units)
    shares = {b: part for b, part in zip(wanted, given, strict=True) if part}
    return LiveOrder(
        client_order_id=name,
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        units=units,
        unit=order.unit,
        purpose=order.purpose,
        trigger=order.trigger,
        kind=OrderKind.MAKER if follows else OrderKind.MARKET,
        step=order.step,
        fencing=order.fencing,
        increases=any(part > closing[b] for b, part in shares.items()),
        reduce_only=reduces(order.side, units, fleet, m),
        shares=shares,
        intended_ms=now_ms,
        decided_price=order.decided_price,
        reference_price=order.reference_price,
        attempt=order.attempt + 1,
        rests_until_ms=order.rests_until_ms if follows else 0,
    )


def may_follow(order: LiveOrder, styles: Styles) -> bool:
    """Say whether an order may still be placed anew where the price has gone."""
    return order.kind is OrderKind.MAKER and order.attempt < styles.requotes


def _closing(order: LiveOrder, fleet: Fleet, b: int) -> int:
    """Give what of the rest of a bot's part closes what it holds."""
    bot, left = fleet.bots[b], _left(order, b)
    return abs(closing_units(bot, fleet.markets[bot.market], left if order.side is Side.BUY else -left))


def _wanted(order: LiveOrder, fleet: Fleet, b: int, closing: int, takes_entries: bool) -> int:
    opens = takes_entries and fleet.bots[b].level < Level.NO_ENTRIES
    return _left(order, b) if opens else closing


def _left(order: LiveOrder, b: int) -> int:
    return max(order.shares[b] - order.filled.get(b, 0), 0)
