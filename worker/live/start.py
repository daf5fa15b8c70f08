"""The start: every record of the fleet as the books have it, or as the settings begin it where they are empty."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.enums import TransferKind
from shared.settings import Settings
from worker.brokers.protocol import Broker
from worker.fleet.plan import FleetPlan, fresh_bot, open_fleet, plan_fleet, take_limits
from worker.live.books import Books
from worker.live.identity import registered_plan
from worker.live.stepper import Stepper
from worker.market.protocol import Limits, Market
from worker.risk.levels import set_levels
from worker.step.records import Fleet
from worker.store.fleet import RegisteredFleet
from worker.store.money import TransferRow, save_transfers
from worker.store.states import Fresh, load_states


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker goes on with."""

    plan: FleetPlan
    fleet: Fleet
    books: Books
    stepper: Stepper


def take_up(
    connection: Connection,
    settings: Settings,
    market: Market,
    registered: RegisteredFleet,
    version: int,
    broker: Broker,
) -> Start:
    """Take the books up where they are; empty ones are opened with the money of the settings.

    `version` is that of the settings in force.
    """
    plan = plan_fleet([registered_plan(bot, settings) for bot in registered.bots])
    fleet = open_fleet(settings, plan, {symbol: market.limits(symbol) for symbol in plan.symbols}, broker.keeps_shares)
    fresh = load_states(connection, registered, fleet.portfolio, fleet.sleeves, fleet.bots, plan.markets, fleet.markets)
    take_limits(settings, plan, known_limits(market, plan.symbols), fleet.markets)
    books = Books(registered, plan, fleet, settings.portfolio.money, version)
    books.load_positions(connection)
    if fresh.portfolio:
        _fund(connection, books, settings.portfolio.capital_per_bot, market.first_open_ms())
    else:
        _begin_without_money(settings, plan, fleet, fresh)
    stepper = Stepper(fleet, plan, settings.portfolio.name, registered.installation, broker)
    _resume_orders(connection, fleet, books, stepper)
    books.save_states(connection)
    return Start(plan, fleet, books, stepper)


def known_limits(market: Market, symbols: Iterable[str]) -> dict[str, Limits]:
    """Give what the market takes of its symbols; of one that it has no more, what the books know stands."""
    first_ms = market.first_open_ms()
    return {symbol: market.limits(symbol) for symbol in symbols if not market.ended(symbol, first_ms)}


def _fund(connection: Connection, books: Books, capital: float, time_ms: int) -> None:
    """Write the money the first start puts in."""
    rows = [TransferRow(id_, time_ms, 0, TransferKind.DEPOSIT, capital) for id_ in books.bot_ids]
    save_transfers(connection, books.portfolio_id, rows)


def _begin_without_money(settings: Settings, plan: FleetPlan, fleet: Fleet, fresh: Fresh) -> None:
    """Let what the books do not know yet wait for free cash at the next rebalance."""
    for b in fresh.bots:
        fleet.bots[b] = fresh_bot(settings, plan, plan.bots[b], 0.0)
    for s in fresh.sleeves:
        sleeve = fleet.sleeves[s]
        sleeve.equity = sleeve.settled_equity = sleeve.high_water = 0.0


def _resume_orders(connection: Connection, fleet: Fleet, books: Books, stepper: Stepper) -> None:
    """Let the orders that wait for their price wait on; a bot that now retires does not enter any more."""
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    rows = stepper.resume(books.load_waiting(connection))
    books.save_orders(connection, rows)
