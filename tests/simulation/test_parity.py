"""Through ccxt to an exchange that fills at the open as the model does, live gives the fills of the backtest."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from shared.settings import Settings
from tests.conftest import candles_folder
from tests.exchange import prices
from tests.exchange.accounts import Fees
from tests.exchange.listings import Product, usual_listings
from tests.exchange.orders import Order
from tests.live.fake_market import FakeMarket, random_bars
from tests.live.running import backtest, replay_fills
from tests.simulation.checks import broken
from tests.simulation.crash_matrix import walk
from tests.simulation.world import SPOT, VENUES, Process, World, settings_of
from worker.market.files import load_candles
from worker.market.protocol import Limits
from worker.orders.order_book import PROTECTIVE
from worker.research.replay import Replay
from worker.strategies.bars import Bars

FIVE_MINUTES_MS = 300_000
REAL_BARS = 8_640
SETTINGS = ("portfolio.timeframe=5m", "broker.reconcile_seconds=3600", "broker.fee_rate=0.001", "risk.brakes=false")

Legs = dict[tuple[int, str, str, str], list[float]]


class ListedMarket(FakeMarket):
    """Candles from memory, and what an exchange lists of each symbol."""

    listed: Mapping[str, Limits]

    def limits(self, symbol: str) -> Limits:
        return self.listed[symbol]


def run(root: Path, settings: Settings, bars: Mapping[str, Bars]) -> World:
    """Let a worker trade all bars on an exchange that has their prices."""
    rows = {SPOT[symbol]: _rows(own) for symbol, own in bars.items()}
    model = prices.Bars(rows, FIVE_MINUTES_MS, settings.broker.slippage)
    first_ms = int(next(iter(bars.values())).open_ms[0])
    # The fill model refuses no exit for being worth too little, so this exchange does not either.
    listings = [replace(one, min_notional=Decimal(0)) for one in usual_listings()[:2]]
    world = World(root, VENUES["binance spot"], settings, start_ms=first_ms, prices=model, listings=listings)
    rate = Decimal(repr(settings.broker.fee_rate))
    world.account.fees[Product.SPOT] = Fees(rate, rate, "quote")
    market = ListedMarket(bars, clock=world.clock)
    market.listed = {symbol: world.market.limits(symbol) for symbol in bars}
    world.market = market
    process = world.start()
    world.exchange.fill_at = lambda order: _level(process, order)
    walk(world, process, market.end_ms - FIVE_MINUTES_MS + 60_000)
    world.end(process)
    return world


def _level(process: Process, order: Order) -> Decimal | None:
    """Fill a protective exit at its level: the model has it filled within the bar that is over."""
    under_way = process.orders.desk.under_way[order.ticket.client_id]
    if int(under_way.trigger) not in PROTECTIVE or under_way.decided_price is None:
        return None
    return Decimal(repr(under_way.decided_price))


def _rows(bars: Bars) -> list[list[float]]:
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def hold(world: World, replay: Replay, least: int) -> None:
    """Hold the fills of the books to those of the backtest, by bar, bot, leg and trigger."""
    live = _summed(
        world.rows(
            """SELECT fill.time_ms, bot.name, fill.quantity, fill.price, fill.fee, fill.crossed, fill.leg, fill.trigger
               FROM fill JOIN bot ON bot.id = fill.bot_id ORDER BY fill.id"""
        )
    )
    replayed = _summed([fill for fill in replay_fills(replay) if fill[0] <= world.clock.now_ms()])
    assert len(live) > least
    assert not sorted(live.keys() ^ replayed.keys())[:5]
    for key, sums in live.items():
        assert sums[0] == pytest.approx(replayed[key][0], abs=1e-12), key
        assert sums[1:] == pytest.approx(replayed[key][1:], rel=1e-9, abs=1e-9), key
    assert not broken(world)


def _summed(fills: list[tuple[Any, ...]]) -> Legs:
    legs: Legs = defaultdict(lambda: [0.0] * 4)
    for time_ms, bot, quantity, price, fee, crossed, leg, trigger in fills:
        sums = legs[time_ms // FIVE_MINUTES_MS, bot, leg, trigger]
        for at, value in enumerate((quantity, quantity * price, fee, crossed)):
            sums[at] += value
    return legs


def check(root: Path, bars: Mapping[str, Bars], least: int) -> None:
    """Trade live and in the backtest, and hold one to the other."""
    settings = settings_of(VENUES["binance spot"], *SETTINGS)
    world = run(root, settings, bars)
    listed = {symbol: world.market.limits(symbol) for symbol in bars}
    hold(world, backtest(settings, bars, limits=listed), least)
    world.close()


def test_live_through_ccxt_is_the_backtest(tmp_path: Path) -> None:
    check(tmp_path, {symbol: random_bars(120, 3 + at) for at, symbol in enumerate(SPOT)}, 20)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("first_bar", [60_000, 20_000])
def test_live_through_ccxt_over_a_month_of_real_candles_is_the_backtest(tmp_path: Path, first_bar: int) -> None:
    folder = tmp_path / "candles"
    folder.mkdir()
    for symbol in SPOT:
        name = f"{symbol.replace('/', '_')}-5m.parquet"
        pq.write_table(pq.read_table(candles_folder("spot-5m") / name).slice(first_bar, REAL_BARS), folder / name)
    check(tmp_path / "run", {symbol: load_candles(folder, symbol, FIVE_MINUTES_MS) for symbol in SPOT}, 1_000)
