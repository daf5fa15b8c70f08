"""Orders, fills, lots, round trips, money, candles: written and read back, and summed."""

from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from shared.database import transaction
from shared.enums import OrderStatus, ScopeKind, Side, TransferKind, Trigger
from shared.tables import AllocationPoint, RoundTrip, SettingsVersion
from shared.units import HOUR_MS
from tests.store.fleets import START_MS, make_fill, open_books
from worker.store.candles import Candles
from worker.store.events import save_settings_version
from worker.store.money import (
    AllocationRow,
    FundingRow,
    TransferRow,
    save_allocations,
    save_funding,
    save_transfers,
)
from worker.store.orders import (
    FillRow,
    OrderResult,
    OrderRow,
    load_fills,
    load_open_orders,
    save_fills,
    save_order_results,
    save_orders,
)
from worker.store.round_trips import (
    load_lots,
    load_open_round_trips,
    save_lots,
    save_open_round_trips,
    save_round_trips,
)
from worker.store.sums import bot_sums
from worker.strategies.bars import make_bars


def make_order(client_order_id: str = "w1", **changes: object) -> OrderRow:
    values = {
        "client_order_id": client_order_id,
        "account": "paper",
        "symbol": "C0/USDT",
        "side": Side.BUY,
        "units": 100_000_000,
        "quantity": 1.0,
        "trigger": Trigger.SIGNAL,
        "step": 1,
        "decided_ms": START_MS,
    }
    return OrderRow(**(values | changes))


def test_an_order_is_an_intent_until_its_result(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_books(connection)
        save_orders(connection, 1, [make_order("w1"), make_order("w2", side=Side.SELL, trigger=1)])
        save_order_results(connection, 1, [OrderResult("w1", OrderStatus.SUBMITTED, sent_ms=5, exchange_id="e1")])
        first, second = load_open_orders(connection, 1)
        assert (first.status, first.sent_ms, first.exchange_id) == (OrderStatus.SUBMITTED, 5, "e1")
        assert (second.status, second.side, second.trigger) == (OrderStatus.INTENT, Side.SELL, Trigger.STOP)
        save_order_results(
            connection, 1, [OrderResult("w1", OrderStatus.FILLED, 100_000_000, 1.0, 100.5, 0.1, done_ms=7)]
        )
        assert [order.client_order_id for order in load_open_orders(connection, 1)] == ["w2"]


def test_an_order_that_exists_is_not_written_twice(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_books(connection)
        save_orders(connection, 1, [make_order()])
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        save_orders(connection, 1, [make_order()])


def test_fills_come_back_as_they_were(engine: Engine) -> None:
    with transaction(engine) as connection:
        bots = open_books(connection).fleet.bots
        rows = [make_fill(bots[at % 5], START_MS + at, step=at, quantity=at - 7.5) for at in range(20)]
        save_fills(connection, 1, rows)
        assert load_fills(connection, 1) == rows
        assert load_fills(connection, 1, bots[2].id) == rows[2::5]


def test_a_fill_of_no_bot_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        bot = open_books(connection).fleet.bots[0]
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        save_fills(connection, 1, [make_fill(bot, START_MS, bot_id=999)])


@dataclass(slots=True)
class LotRow:
    bot_id: int
    number: int
    opened_ms: int
    units: int
    quantity: float
    price: float
    fee: float


@dataclass(slots=True)
class TripRow:
    bot_id: int
    side: Side
    opened_ms: int
    quantity: float = 1.0
    entry_quantity: float = 1.0
    entry_notional: float = 100.0
    exit_quantity: float = 0.0
    exit_notional: float = 0.0
    profit: float = 0.0
    fees: float = 0.1
    best_price: float = 1.0
    worst_price: float = 1.0
    fills: int = 1


def test_lots_and_trips_of_the_given_bots_are_replaced_and_no_others(engine: Engine) -> None:
    with transaction(engine) as connection:
        ids = [bot.id for bot in open_books(connection).fleet.bots]
        lots = [LotRow(bot_id, number, 1, 50_000_000, 0.5, 9.0, 0.1) for bot_id in ids[:3] for number in (1, 2)]
        save_lots(connection, ids[:3], lots)
        save_lots(connection, ids[1:2], [LotRow(ids[1], 2, 1, 25_000_000, 0.25, 9.0, 0.05)])
        save_lots(connection, ids[2:3], [])
        assert load_lots(connection, 1, LotRow) == [*lots[:2], LotRow(ids[1], 2, 1, 25_000_000, 0.25, 9.0, 0.05)]
        trips = [TripRow(bot_id, Side.SELL, 1) for bot_id in ids[:3]]
        save_open_round_trips(connection, ids[:3], trips)
        save_open_round_trips(connection, ids[:2], [TripRow(ids[1], Side.BUY, 2)])
        assert load_open_round_trips(connection, 1, TripRow) == [TripRow(ids[1], Side.BUY, 2), trips[2]]


@dataclass(slots=True)
class ClosedRow:
    sleeve_id: int
    bot_id: int
    symbol: str
    profit: float
    side: Side = Side.BUY
    opened_ms: int = START_MS
    closed_ms: int = START_MS + HOUR_MS
    duration_ms: int = HOUR_MS
    quantity: float = 1.0
    entry_price: float = 100.0
    exit_price: float = 101.0
    fees: float = 0.2
    return_fraction: float = 0.01
    exit_reason: Trigger = Trigger.TRAILING_STOP
    best_fraction: float = 0.02
    worst_fraction: float = -0.01
    fills: int = 2


@dataclass(slots=True)
class Misspelt:
    bot_id: int
    proffit: float


def test_a_record_whose_field_has_no_column_is_refused_by_name(engine: Engine) -> None:
    with transaction(engine) as connection, pytest.raises(Exception, match="round_trip, had not.*proffit"):
        save_round_trips(connection, 1, [Misspelt(1, 2.0)])


def test_the_sums_of_a_bot_are_those_of_its_rows(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        one, two = books.fleet.bots[:2]
        save_transfers(
            connection,
            1,
            [
                TransferRow(None, START_MS, 0, TransferKind.DEPOSIT, 5.0),
                TransferRow(one.id, START_MS, 0, TransferKind.DEPOSIT, 1000.0),
                TransferRow(one.id, START_MS, 1, TransferKind.REBALANCE, -40.0),
                TransferRow(two.id, START_MS, 1, TransferKind.REBALANCE, 40.0),
            ],
        )
        save_fills(
            connection,
            1,
            [
                make_fill(one, START_MS, quantity=2.0, price=100.0, fee=0.2, saved=0.5),
                make_fill(one, START_MS, quantity=-1.5, price=110.0, fee=0.3),
                make_fill(two, START_MS, quantity=1.0, fee=7.0, fee_currency="BNB"),
            ],
        )
        save_funding(connection, 1, [FundingRow(one.id, one.symbol, START_MS, 1, 0.5, 100.0, 0.0001, -0.005)])
        save_round_trips(connection, 1, [ClosedRow(one.sleeve_id, one.id, one.symbol, 12.5)])
        sums = bot_sums(connection, 1)
    assert sums[one.id].units == 50_000_000 and sums[one.id].fills == 2 and sums[one.id].saved == 0.5
    assert sums[one.id].cash == pytest.approx(1000 - 40 - 200 + 165 - 0.5 - 0.005, abs=1e-9)
    assert (sums[one.id].round_trips, sums[one.id].profit) == (1, 12.5)
    assert sums[two.id].fees == 0.0 and sums[two.id].transfers == 40.0
    assert sums[None].transfers == 5.0


def test_a_second_rebalance_at_one_moment_replaces_the_weights(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_books(connection)
        for weight in (0.3, 0.4):
            save_allocations(connection, 1, [AllocationRow(ScopeKind.SLEEVE, 1, START_MS, 5, weight, 100.0, 90.0)])
        assert connection.execute(select(AllocationPoint.weight)).scalars().all() == [0.4]


def test_a_configuration_that_ran_before_keeps_its_id(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_books(connection)
        ids = [save_settings_version(connection, 1, digest, "{}", at) for at, digest in enumerate("aba")]
        assert ids[0] == ids[2] != ids[1]
        row = connection.execute(select(SettingsVersion.__table__).where(SettingsVersion.id == ids[0])).one()
    assert (row.first_ms, row.last_ms) == (0, 2)


def test_candles_are_kept_once_by_market_symbol_and_timeframe(engine: Engine) -> None:
    times = START_MS + np.arange(5) * HOUR_MS
    prices = np.arange(5) + 100.0
    bars = make_bars(times, prices, prices + 1, prices - 1, prices, prices)
    candles = Candles(engine, "binance spot")
    candles.save("C0/USDT", HOUR_MS, bars[:3])
    candles.save("C0/USDT", HOUR_MS, make_bars(times, prices * 2, prices * 2, prices * 2, prices * 2, prices))
    candles.save("C0/USDT", HOUR_MS, bars[:0])
    kept = candles.load("C0/USDT", HOUR_MS, START_MS + HOUR_MS, START_MS + 4 * HOUR_MS)
    assert kept.open_ms.tolist() == times[1:4].tolist() and kept.close.tolist() == [101.0, 102.0, 206.0]
    assert not len(candles.load("C0/USDT", 2 * HOUR_MS, 0, 2 * START_MS))
    assert not len(Candles(engine, "gate spot").load("C0/USDT", HOUR_MS, 0, 2 * START_MS))


def test_all_that_a_round_trip_has_is_stored(engine: Engine) -> None:
    with transaction(engine) as connection:
        bot = open_books(connection).fleet.bots[0]
        save_round_trips(connection, 1, [ClosedRow(bot.sleeve_id, bot.id, bot.symbol, 12.5)])
        row = connection.execute(select(RoundTrip.__table__)).one()
    assert (row.side, row.exit_reason, row.profit, row.worst_fraction) == ("BUY", "TRAILING_STOP", 12.5, -0.01)
    assert FillRow.__slots__ and row.portfolio_id == 1
