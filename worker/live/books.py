"""What a step left becomes rows, within one transaction; and the way back at a start."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from shared.enums import ScopeKind, TransferKind
from shared.money import Money
from shared.quantities import Unit
from worker.fleet.plan import FleetPlan
from worker.ledger.desk import Booked, LedgerDesk
from worker.ledger.lots import Execution, Lot, Position
from worker.live.rows import (
    LotRow,
    OpenTripRow,
    bar_rows,
    closed_trip_row,
    fill_row,
    funding_row,
    lot_rows,
    notice_event,
    open_trip_row,
    order_result,
    stored_order,
    trip_under_way,
    waiting_order,
)
from worker.live.stepper import StepRows
from worker.orders.order_book import OrderRow
from worker.risk.brakes import loss_fraction
from worker.step.journal import Fill, Notice
from worker.step.records import Fleet
from worker.store.decisions import save_decisions
from worker.store.equity import EquityMark, save_equity
from worker.store.events import EventRow, save_bar_records, save_events
from worker.store.fleet import RegisteredFleet
from worker.store.money import (
    AllocationRow,
    TransferRow,
    save_allocations,
    save_funding,
    save_transfers,
)
from worker.store.orders import load_waiting_orders, save_fills, save_order_results, save_orders
from worker.store.round_trips import (
    load_lots,
    load_open_round_trips,
    save_lots,
    save_open_round_trips,
    save_round_trips,
)
from worker.store.states import save_states

SCOPE_KINDS = (ScopeKind.PORTFOLIO, ScopeKind.SLEEVE, ScopeKind.BOT)


class Books:
    """Writes a fleet's steps. One object per run of the worker; the fleet's records are the worker's own."""

    def __init__(
        self, registered: RegisteredFleet, plan: FleetPlan, fleet: Fleet, money: Money, settings_version_id: int
    ) -> None:
        self.registered = registered
        self.portfolio_id = registered.portfolio_id
        self.bot_ids = [bot.id for bot in registered.bots]
        self._sleeve_ids = [sleeve.id for sleeve in registered.sleeves]
        self._plan = plan
        self._fleet = fleet
        self._money = money
        self.quote = money.quote
        self.settings_version_id = settings_version_id
        self.desk = LedgerDesk(self._positions())

    def load_positions(self, connection: Connection) -> None:
        """Take up the open lots and round trips; the markets must have their limits by then."""
        place = {bot_id: b for b, bot_id in enumerate(self.bot_ids)}
        positions = self._positions()
        for row in load_lots(connection, self.portfolio_id, LotRow):
            if row.bot_id in place:
                lot = Lot(row.opened_ms, row.units, row.price, row.fee)
                positions[place[row.bot_id]].lots.append(lot)
        for trip in load_open_round_trips(connection, self.portfolio_id, OpenTripRow):
            if trip.bot_id in place:
                positions[place[trip.bot_id]].trip = trip_under_way(trip)
        self.desk.positions = positions

    def _positions(self) -> list[Position]:
        markets = [self._fleet.markets[bot.market] for bot in self._fleet.bots]
        return [Position(Unit(market.coins_per_unit, market.units_per_coin), market.min_units) for market in markets]

    def load_waiting(self, connection: Connection) -> list[OrderRow]:
        """Give the orders that wait for their price."""
        return [waiting_order(order) for order in load_waiting_orders(connection, self.portfolio_id)]

    def book(self, fills: Iterable[Fill]) -> Booked:
        """Book fills into lots and round trips, in memory."""
        booked = Booked()
        for fill in fills:
            execution = Execution(
                fill.time_ms, fill.units, fill.price, fill.fee, fill.trigger, fill.best_price, fill.worst_price
            )
            self.desk.book(fill.bot, execution, booked)
        return booked

    def marks(self) -> list[EquityMark]:
        """Give every scope's equity as the last close marks it; to be taken before the next open's fills are booked."""
        fleet = self._fleet
        bots: list[EquityMark] = []
        sleeves = [[0.0, 0.0, 0.0, 0.0] for _ in fleet.sleeves]
        for b, bot in enumerate(fleet.bots):
            close = fleet.markets[bot.market].close
            exposure = bot.quantity * close
            profit = self.desk.positions[b].unrealised(close)
            drawdown = loss_fraction(bot.equity, bot.high_water)
            bots.append(
                EquityMark(
                    ScopeKind.BOT, self.bot_ids[b], bot.equity, bot.cash, exposure, profit, bot.money_in, drawdown
                )
            )
            for at, amount in enumerate((bot.cash, abs(exposure), profit, bot.money_in)):
                sleeves[bot.sleeve][at] += amount
        marks = [
            EquityMark(
                ScopeKind.SLEEVE,
                sleeve_id,
                sleeve.equity,
                cash,
                exposure,
                profit,
                money_in,
                loss_fraction(sleeve.equity, sleeve.high_water),
            )
            for sleeve_id, sleeve, (cash, exposure, profit, money_in) in zip(
                self._sleeve_ids, fleet.sleeves, sleeves, strict=True
            )
        ]
        portfolio = fleet.portfolio
        cash, exposure, profit, money_in = (sum(sums[at] for sums in sleeves) for at in range(4))
        whole = EquityMark(
            ScopeKind.PORTFOLIO,
            self.portfolio_id,
            portfolio.equity,
            portfolio.cash + cash,
            exposure,
            profit,
            portfolio.cash + money_in,
            loss_fraction(portfolio.equity, portfolio.high_water),
        )
        return [whole, *marks, *bots]

    def save_step(
        self,
        connection: Connection,
        rows: StepRows,
        booked: Booked,
        marks: Sequence[EquityMark],
        events: list[EventRow],
    ) -> None:
        """Write everything a step left but heartbeat and lease."""
        self.save_orders(connection, rows)
        self._save_fills(connection, rows)
        self.save_positions(connection, booked)
        funding = [funding_row(self.registered.bots[row.bot], row, rows.step) for row in rows.funding]
        save_funding(connection, self.portfolio_id, funding)
        if rows.rebalanced:
            self._save_rebalance(connection, rows)
        if marks:
            save_equity(connection, rows.step, rows.close_ms, marks)
        save_decisions(
            connection, self.portfolio_id, self.bot_ids, self._fleet.bots, rows.step, self._fleet.portfolio.time_ms
        )
        save_bar_records(connection, self.portfolio_id, list(bar_rows(rows.statuses, rows.open_ms, rows.step)))
        save_events(connection, self.portfolio_id, events)
        self.save_states(connection)

    def save_trades(self, connection: Connection, rows: StepRows) -> None:
        """Book and write the fills of trades that became known between steps."""
        if rows.fills:
            self._save_fills(connection, rows)
            self.save_positions(connection, self.book(rows.fills))

    def _save_fills(self, connection: Connection, rows: StepRows) -> None:
        bots, version, quote = self.registered.bots, self.settings_version_id, self._money.quote
        trades = rows.trade_of_fill + [""] * (len(rows.fills) - len(rows.trade_of_fill))
        fills = [
            fill_row(bots[fill.bot], fill, quote, order_id, version, trade_id or None)
            for fill, order_id, trade_id in zip(rows.fills, rows.order_of_fill, trades, strict=True)
        ]
        save_fills(connection, self.portfolio_id, fills)

    def save_orders(self, connection: Connection, rows: StepRows) -> None:
        """Write the orders that a step made, and what became of earlier ones."""
        save_orders(connection, self.portfolio_id, [stored_order(order) for order in rows.new_orders])
        fresh = {order.client_order_id for order in rows.new_orders}
        results = [order_result(order) for order in rows.settled_orders if order.client_order_id not in fresh]
        save_order_results(connection, self.portfolio_id, results)

    def save_positions(self, connection: Connection, booked: Booked) -> None:
        """Write the lots, open round trips and closed ones of the bots that traded."""
        touched = sorted(booked.bots)
        ids = [self.bot_ids[b] for b in touched]
        positions = [(b, self.desk.positions[b]) for b in touched]
        lots = [row for b, position in positions for row in lot_rows(self.bot_ids[b], position)]
        save_lots(connection, ids, lots)
        trips = [
            open_trip_row(self.bot_ids[b], self._fleet.bots[b], position.trip)
            for b, position in positions
            if position.trip is not None
        ]
        save_open_round_trips(connection, ids, trips)
        closed = [closed_trip_row(self.registered.bots[b], trip) for b, trip in booked.round_trips]
        save_round_trips(connection, self.portfolio_id, closed)

    def save_states(self, connection: Connection) -> None:
        """Write every record of the fleet over its last state."""
        fleet = self._fleet
        save_states(
            connection, self.registered, fleet.portfolio, fleet.sleeves, fleet.bots, self._plan.markets, fleet.markets
        )

    def notice_events(self, notices: Iterable[Notice], wall_ms: int) -> list[EventRow]:
        """Say what the brakes did."""
        scopes = [(notice, SCOPE_KINDS[notice.scope_kind]) for notice in notices]
        return [
            notice_event(notice, kind, self.scope_name(kind, notice.scope), wall_ms, self._money)
            for notice, kind in scopes
        ]

    def scope_name(self, kind: ScopeKind, index: int) -> str:
        """Give the name of a sleeve or bot by its index, empty for the portfolio."""
        if kind is ScopeKind.SLEEVE:
            return self.registered.sleeves[index].name
        return self.registered.bots[index].name if kind is ScopeKind.BOT else ""

    def _save_rebalance(self, connection: Connection, rows: StepRows) -> None:
        kind, close_ms, step = TransferKind.REBALANCE, rows.close_ms, rows.step
        flows = [TransferRow(self.bot_ids[b], close_ms, step, kind, amount) for b, amount in rows.flows.items()]
        if rows.portfolio_flow != 0.0:
            flows.append(TransferRow(None, close_ms, step, kind, rows.portfolio_flow))
        save_transfers(connection, self.portfolio_id, flows)
        fleet = self._fleet
        money = fleet.portfolio.equity
        points = [
            AllocationRow(ScopeKind.SLEEVE, id_, close_ms, step, sleeve.weight, money * sleeve.weight, sleeve.equity)
            for id_, sleeve in zip(self._sleeve_ids, fleet.sleeves, strict=True)
        ]
        points += [
            AllocationRow(ScopeKind.BOT, id_, close_ms, step, bot.weight, bot.allocation, bot.equity)
            for id_, bot in zip(self.bot_ids, fleet.bots, strict=True)
        ]
        save_allocations(connection, self.portfolio_id, points)
