"""Closing on the exchange what it holds beyond the books: an order of nobody's, for a person asked for it."""

from decimal import Decimal

from sqlalchemy import Connection

from shared.enums import Level, Side
from shared.errors import CommandRefused
from shared.quantities import Unit
from worker.live.books import Books
from worker.live.stepper import Stepper, StepRows
from worker.orders.holdings import exceeds
from worker.orders.live_order import base_of, exact
from worker.orders.order_book import OrderRow
from worker.orders.reconciliation import Difference
from worker.orders.under_way import UnderWay
from worker.step.records import Market
from worker.store.commands import CommandRow


def close_excess(
    connection: Connection,
    under_way: UnderWay,
    stepper: Stepper,
    books: Books,
    command: CommandRow,
    found: Difference,
    market_ms: int,
) -> tuple[str, list[OrderRow]]:
    """Make the order that closes a difference, and say what it will do; the part of a step that stays is nobody's.

    Raises CommandRefused where the books hold more than the exchange, or no order can be sent.
    """
    m = _market_of(stepper, found)
    market, symbol = stepper.fleet.markets[m], stepper.plan.markets[m][1]
    _require_closable(stepper, books, found, symbol)
    units = _units(market, found)
    side = Side.SELL if found.gap > 0 else Side.BUY
    order = stepper.orders.nobodys(stepper.fleet, m, units if side is Side.BUY else -units, market_ms, command.id)
    portfolio = stepper.fleet.portfolio
    rows = StepRows(step=portfolio.step, open_ms=portfolio.time_ms, close_ms=market_ms, new_orders=[order])
    books.save_orders(connection, rows)
    under_way.save(connection, rows.new_orders)
    quantity = exact(units, Unit(market.coins_per_unit, market.units_per_coin))
    rest = found.gap - quantity.copy_sign(found.gap)
    if rest:
        under_way.explain(connection, found, rest)
    kept = f"; {rest.normalize():+f}, less than a step, is nobody's" if rest else ""
    said = f"order {order.client_order_id}, no bot's, {side.lower()}s {quantity.normalize():f} {symbol} at market"
    return f"{said} on account {found.account}{kept}; what it brings stays there as nobody's", rows.new_orders


def _market_of(stepper: Stepper, found: Difference) -> int:
    """Find the market on which a difference is closed: a position's own, else the one that trades the coin."""
    for m, (account, symbol) in enumerate(stepper.plan.markets):
        if account == found.account and found.coin in (symbol, base_of(symbol)):
            return m
    raise CommandRefused(
        f"close must be of a symbol that the fleet trades on account {found.account}, was of {found.coin}: say "
        "unattributed, or deposit or withdraw where it is the quote"
    )


def _require_closable(stepper: Stepper, books: Books, found: Difference, symbol: str) -> None:
    row = found.row
    if not exceeds(row):
        raise CommandRefused(
            f"close must be of what the exchange holds beyond the books; of {found.coin} it holds {row.found}, the "
            f"books expect {row.expected}: `reconcile adopt` takes it off a bot, `reconcile unattributed` off nobody"
        )
    if stepper.fleet.portfolio.level >= Level.HALTED:
        raise CommandRefused(f"the portfolio is at {Level.HALTED.name}: no order leaves before it is released")
    if symbol in stepper.untraded:
        raise CommandRefused(f"{symbol} is traded no more: `reconcile unattributed` lets the books expect it")


def _units(market: Market, found: Difference) -> int:
    """Give the whole steps of a difference that the exchange would take."""
    count = abs(found.gap) * Decimal(market.units_per_coin) / Decimal(market.coins_per_unit)
    units = int(count) // market.step_units * market.step_units
    worth = float(abs(found.gap)) * market.close
    if units < market.min_units or worth < market.min_notional:
        least = Unit(market.coins_per_unit, market.units_per_coin).coins(market.min_units)
        raise CommandRefused(
            f"close must be of at least {least:g} {found.coin} worth {market.min_notional:g}, for the exchange takes "
            f"no less; was of {abs(found.gap).normalize():f} worth {worth:.2f}: say unattributed"
        )
    return units
