"""The rows of a long history: what a worker that had stepped it live would have written, in bulk.

They go through the worker's own functions, many in one transaction.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Engine

from shared.database import transaction
from shared.enums import BarStatus, OrderStatus, Reason, ScopeKind, Side, TransferKind, Trigger
from shared.tables import Candle, OpenDecision
from tests.bench.long_ledger import Ledger
from tests.bench.long_steps import Rebalance, Steps
from worker.fleet.plan import FleetPlan
from worker.live.books import Books
from worker.live.rows import bar_rows, closed_trip_row, fill_row
from worker.orders.ids import client_order_id
from worker.orders.order_book import PROTECTIVE, purpose_of
from worker.research.candles import Grid
from worker.risk.quantity import coins
from worker.step.forms import to_records
from worker.step.journal import Fill
from worker.step.records import Market
from worker.store.decisions import save_ended
from worker.store.events import BarRow, save_bar_records, save_events
from worker.store.money import AllocationRow, TransferRow, save_allocations, save_transfers
from worker.store.orders import OrderRow, save_fills, save_orders
from worker.store.round_trips import save_round_trips
from worker.store.rows import write_sql

ROWS_AT_ONCE = 100_000
DECISION = tuple(OpenDecision.model_fields)
CANDLE = ("market", "symbol", "timeframe_ms", "open_ms", "open", "high", "low", "close", "volume")
REASONS = [reason.name for reason in sorted(Reason)]

# These orders never leave.
INSTALLATION = "longbooks2345672"


def save_trading(engine: Engine, books: Books, plan: FleetPlan, portfolio: str, steps: Steps, ledger: Ledger) -> None:
    """Write orders, fills and round trips."""
    orders, ids = make_orders(books._fleet.markets, plan, portfolio, steps)
    bots, version = books.registered.bots, books.settings_version_id
    for part in _parts(orders):
        with transaction(engine) as connection:
            save_orders(connection, books.portfolio_id, part)
    for first in range(0, len(steps.fills), ROWS_AT_ONCE):
        fills = to_records(steps.fills[first : first + ROWS_AT_ONCE], Fill)
        rows = [
            fill_row(bots[fill.bot], fill, books._money.quote, ids[at], version) for at, fill in enumerate(fills, first)
        ]
        with transaction(engine) as connection:
            save_fills(connection, books.portfolio_id, rows)
    for part in _parts(ledger.trips):
        with transaction(engine) as connection:
            save_round_trips(connection, books.portfolio_id, [closed_trip_row(bots[b], trip) for b, trip in part])


def make_orders(
    markets: Sequence[Market], plan: FleetPlan, portfolio: str, steps: Steps
) -> tuple[list[OrderRow], list[str | None]]:
    """Give every order as it ended, and of each fill the id of its order; those of the last bar still wait."""
    close_ms, bars = steps.close_ms.tolist(), len(steps.close_ms)
    netted: dict[tuple[int, int], OrderRow] = {}
    by_bar: list[list[OrderRow]] = [[] for _ in range(bars)]
    flattened = _flattened(steps)
    for bar, m in np.argwhere(steps.orders != 0).tolist():
        trigger = Trigger.FLATTEN if (bar, m) in flattened else Trigger.SIGNAL
        row = _order(markets, plan, portfolio, m, steps.orders[bar, m].item(), bar + 1, close_ms[bar], trigger, "", 0)
        netted[bar, m] = row
        by_bar[bar].append(row)
    ids: list[str | None] = []
    exits = [0] * bars
    made: list[list[OrderRow]] = [[] for _ in range(bars)]
    for bar, fill in zip(steps.fill_bars.tolist(), to_records(steps.fills, Fill), strict=True):
        if fill.trigger in PROTECTIVE:
            name, trigger = plan.bots[fill.bot].name, Trigger(fill.trigger)
            row = _order(
                markets, plan, portfolio, fill.market, fill.units, fill.step, fill.time_ms, trigger, name, exits[bar]
            )
            _take_share(row, markets, fill, fill.price)
            exits[bar] += 1
            made[bar].append(row)
        elif fill.units != fill.crossed_units:
            row = netted[bar - 1, fill.market]
            _take_share(row, markets, fill, steps.fill_prices[bar, fill.market].item())
        else:
            ids.append(None)
            continue
        ids.append(row.client_order_id)
    for (bar, _), row in netted.items():
        if bar + 1 < bars and row.status is OrderStatus.INTENT:
            row.status, row.done_ms = OrderStatus.CANCELLED, row.decided_ms
            row.reason = "the bar to fill in is missing"
    return [row for bar in range(bars) for row in (*made[bar], *by_bar[bar])], ids


def _flattened(steps: Steps) -> set[tuple[int, int]]:
    """Give the (bar, market) whose order was made by nothing but a flatten."""
    of_trigger: dict[int, set[tuple[int, int]]] = {}
    for trigger in (Trigger.FLATTEN, Trigger.SIGNAL):
        own = steps.fills["trigger"] == trigger
        of_trigger[trigger] = set(zip(steps.fill_bars[own] - 1, steps.fills["market"][own], strict=True))
    return of_trigger[Trigger.FLATTEN] - of_trigger[Trigger.SIGNAL]


def _order(
    markets: Sequence[Market],
    plan: FleetPlan,
    portfolio: str,
    market: int,
    units: int,
    step: int,
    decided_ms: int,
    trigger: Trigger,
    bot: str,
    number: int,
) -> OrderRow:
    account, symbol = plan.markets[market]
    name = client_order_id(INSTALLATION, portfolio, account, symbol, step, decided_ms, purpose_of(trigger), bot, number)
    side, quantity = Side.BUY if units > 0 else Side.SELL, coins(markets[market], abs(units))
    return OrderRow(name, account, symbol, side, abs(units), quantity, trigger, step, decided_ms)


def _take_share(row: OrderRow, markets: Sequence[Market], fill: Fill, price: float) -> None:
    row.filled_units += abs(fill.units - fill.crossed_units)
    row.filled_quantity = coins(markets[fill.market], row.filled_units)
    row.fee += fill.fee
    row.price, row.status = price, OrderStatus.FILLED
    row.sent_ms = row.done_ms = fill.time_ms


def save_money(engine: Engine, books: Books, steps: Steps) -> None:
    """Write the transfers and weights of every rebalance."""
    sleeve_ids = [sleeve.id for sleeve in books.registered.sleeves]
    for rebalance in steps.rebalances:
        close_ms, step = steps.close_ms[rebalance.bar].item(), rebalance.bar + 1
        with transaction(engine) as connection:
            save_transfers(connection, books.portfolio_id, _transfers(books.bot_ids, rebalance, close_ms, step))
            points = [
                AllocationRow(
                    ScopeKind.SLEEVE, id_, close_ms, step, weight, rebalance.portfolio_equity * weight, equity
                )
                for id_, weight, equity in zip(
                    sleeve_ids, rebalance.sleeve_weights.tolist(), rebalance.sleeve_equities.tolist(), strict=True
                )
            ]
            points += [
                AllocationRow(ScopeKind.BOT, id_, close_ms, step, weight, allocation, equity)
                for id_, weight, allocation, equity in zip(
                    books.bot_ids,
                    rebalance.weights.tolist(),
                    rebalance.allocations.tolist(),
                    rebalance.equities.tolist(),
                    strict=True,
                )
            ]
            save_allocations(connection, books.portfolio_id, points)


def _transfers(bot_ids: Sequence[int], rebalance: Rebalance, close_ms: int, step: int) -> list[TransferRow]:
    kind = TransferKind.REBALANCE
    flows: list[tuple[int | None, float]] = list(zip(bot_ids, rebalance.flows.tolist(), strict=True))
    flows.append((None, rebalance.portfolio_flow))
    return [TransferRow(id_, close_ms, step, kind, amount) for id_, amount in flows if amount != 0.0]


def save_decisions(engine: Engine, books: Books, steps: Steps) -> None:
    """Write the stretches in which a bot's decision did not change; the last of each is still open."""
    open_ms = steps.columns.open_ms
    for first in range(0, len(books.bot_ids), 32):
        ended: list[tuple] = []
        running: list[tuple] = []
        for b in range(first, min(first + 32, len(books.bot_ids))):
            rows = list(_stretches(books.bot_ids[b], {name: rows[:, b] for name, rows in steps.bots.items()}, open_ms))
            ended += rows[:-1]
            running.append(rows[-1])
        with transaction(engine) as connection:
            save_ended(connection, ended)
            connection.exec_driver_sql(write_sql(OpenDecision, DECISION, connection), running)


def _stretches(bot_id: int, of: dict[str, np.ndarray], open_ms: np.ndarray) -> Iterator[tuple]:
    begins = np.ones(len(open_ms), bool)
    begins[1:] = ~np.logical_and.reduce([_same(of[name]) for name in ("low", "high", "confirmed", "reason")])
    first = np.flatnonzero(begins)
    last = np.r_[first[1:], len(open_ms)] - 1
    ordered = np.add.reduceat(of["ordered"].astype(np.int64), first)
    columns: list[Any] = [
        open_ms[first],
        first + 1,
        open_ms[last],
        last + 1,
        of["low"][first],
        of["high"][first],
        of["confirmed"][first],
    ]
    reasons = [REASONS[reason] for reason in of["reason"][first].tolist()]
    ends = [of[name][at] for at in (first, last) for name in ("reason_value", "reason_limit")]
    for row in zip(*_plain(columns), reasons, ordered.tolist(), *_plain(ends), strict=True):
        yield bot_id, *row


def _plain(columns: list[np.ndarray]) -> list[list]:
    return [column.tolist() for column in columns]


def _same(values: np.ndarray) -> np.ndarray:
    same = values[1:] == values[:-1]
    return same | (np.isnan(values[1:]) & np.isnan(values[:-1])) if values.dtype.kind == "f" else same


def save_happenings(engine: Engine, books: Books, grid: Grid, steps: Steps) -> None:
    """Write what the brakes did, and the bars that did not come."""
    close_ms = steps.close_ms.tolist()
    events = [event for bar, notices in steps.notices for event in books.notice_events(notices, close_ms[bar])]
    missing = np.array([grid.status[symbol] == BarStatus.MISSING for symbol in grid.symbols])
    bars: list[BarRow] = []
    for bar in np.flatnonzero(missing.any(axis=0)).tolist():
        statuses = {symbol: BarStatus.MISSING for at, symbol in enumerate(grid.symbols) if missing[at, bar]}
        bars += bar_rows(statuses, grid.open_ms[bar].item(), bar + 1)
    with transaction(engine) as connection:
        save_events(connection, books.portfolio_id, events)
        save_bar_records(connection, books.portfolio_id, bars)


def save_candles(engine: Engine, market: str, step_ms: int, grid: Grid) -> None:
    """Keep the bars that came."""
    for symbol in grid.symbols:
        bars, came = grid.bars[symbol], grid.status[symbol] != BarStatus.MISSING
        columns = (getattr(bars, name)[came].tolist() for name in CANDLE[3:])
        rows = [(market, symbol, step_ms, *row) for row in zip(*columns, strict=True)]
        with transaction(engine) as connection:
            connection.exec_driver_sql(write_sql(Candle, CANDLE, connection), rows)


def _parts(rows: list) -> Iterator[list]:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[first : first + ROWS_AT_ONCE]
