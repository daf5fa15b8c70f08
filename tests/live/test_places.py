"""Accounts on several exchanges: candles of a symbol come from the exchange of its account."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dashboard.queries.bot import load_candles
from shared.clock import SystemClock
from shared.database import open_writer
from shared.settings import Settings
from tests.exchange.engine import Exchange
from tests.exchange.server import Server
from tests.live.fake_market import FakeMarket
from tests.live.running import Place, make_database, small_settings
from tests.live.test_parity import SYMBOLS, two_symbols
from worker.build import make_market
from worker.fleet.series import CandlePlace, candle_place, candle_sources, series_name
from worker.market.places import Places
from worker.store.candles import Candles
from worker.strategies.bars import Bars

ACCOUNTS = ("market.kind=ccxt", "accounts.main.exchange=binance", "accounts.other.exchange=gate")
SPLIT = (*ACCOUNTS, "strategies.breakout.account=other")


def _settings(*overrides: str) -> Settings:
    return small_settings(*ACCOUNTS, *overrides)


def test_candles_are_those_of_the_exchange_of_an_account() -> None:
    settings = _settings("accounts.futures.type=swap", "accounts.both.exchange=bybit", "accounts.both.type=unified")
    assert series_name(settings, "main", "BTC/USDT") == "BTC/USDT"
    assert series_name(settings, "other", "BTC/USDT") == "BTC/USDT@gate:spot"
    assert series_name(settings, "futures", "BTC/USDT") == "BTC/USDT@binance:swap"
    assert series_name(settings, "both", "BTC/USDT") == "BTC/USDT@bybit:spot"
    assert series_name(settings, "both", "BTC/USDT:USDT") == "BTC/USDT:USDT@bybit:swap"
    assert series_name(small_settings("accounts.other.exchange=gate"), "other", "BTC/USDT") == "BTC/USDT"


def test_what_a_paper_account_does_not_name_is_that_of_the_market() -> None:
    settings = small_settings(
        *("market.kind=ccxt", "market.exchange=kraken", "market.exchange_type=swap", "accounts.main.fee_rate=0.002")
    )
    assert candle_place(settings, "main", "BTC/USDT") == CandlePlace("kraken", "swap")
    live = settings.model_copy(update={"broker": settings.broker.model_copy(update={"kind": "ccxt"})})
    assert candle_place(live, "main", "BTC/USDT") == CandlePlace("binance", "spot")


def _opens(bars: Bars) -> dict[int, float]:
    return dict(zip(bars.open_ms.tolist(), bars.open.tolist(), strict=True))


@pytest.mark.slow
def test_each_bot_decides_and_fills_at_the_prices_of_its_own_exchange(tmp_path: Path) -> None:
    settings = small_settings(*SPLIT)
    here, there = two_symbols(120, 1), two_symbols(120, 50)
    assert set(candle_sources(settings, {})) >= {*SYMBOLS, *(f"{symbol}@gate:spot" for symbol in SYMBOLS)}
    markets = {"main": FakeMarket(here), "other": FakeMarket(there)}
    sources = {symbol: (markets["main"], symbol) for symbol in SYMBOLS}
    sources |= {f"{symbol}@gate:spot": (markets["other"], symbol) for symbol in SYMBOLS}
    place = Place(tmp_path, settings, Places(sources))  # type: ignore[arg-type]
    place.run(60)
    fills = place.rows(
        """SELECT sleeve.account, fill.symbol, fill.time_ms, fill.price FROM fill JOIN sleeve ON sleeve.id = sleeve_id
           WHERE "trigger" = 'SIGNAL' AND crossed = 0"""
    )
    assert {account for account, *_ in fills} == {"main", "other"}
    for account, symbol, time_ms, price in fills:
        own, foreign = (here, there) if account == "main" else (there, here)
        slippage = settings.broker.slippage
        assert abs(price / _opens(own[symbol])[time_ms] - 1) == pytest.approx(slippage)
        assert abs(price / _opens(foreign[symbol])[time_ms] - 1) != pytest.approx(slippage)
    marked = place.rows("SELECT account, symbol, close FROM market_state")
    assert len(marked) == 4
    for account, symbol, close in marked:
        assert close == (here if account == "main" else there)[symbol].close[-1]
    for name, bars in (("binance:spot", here), ("gate:spot", there)):
        for symbol in SYMBOLS:
            Candles(place.engine, name).save(symbol, settings.step_ms, bars[symbol])
    with place.engine.connect() as connection:
        bots = place.rows("SELECT bot.name, symbol, account FROM bot JOIN sleeve ON sleeve.id = sleeve_id")
        for bot, symbol, account in bots:
            drawn = load_candles(connection, 1, bot)
            assert drawn["close"].iloc[-1] == (here if account == "main" else there)[symbol].close[-1]


@pytest.mark.slow
def test_an_exchange_without_bars_keeps_nobody_elsewhere_from_stepping(tmp_path: Path) -> None:
    settings = small_settings(*SPLIT)
    markets = FakeMarket(two_symbols(60, 1)), FakeMarket(two_symbols(60, 50))
    sources = {symbol: (markets[0], symbol) for symbol in SYMBOLS}
    sources |= {f"{symbol}@gate:spot": (markets[1], symbol) for symbol in SYMBOLS}
    markets[1].silent |= set(SYMBOLS)
    place = Place(tmp_path, settings, Places(sources))  # type: ignore[arg-type]
    place.run()
    traded = place.rows("SELECT DISTINCT sleeve.account FROM fill JOIN sleeve ON sleeve.id = sleeve_id")
    assert traded == [("main",)]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Exchange(SystemClock().now_ms)) as server:
        yield server


@pytest.mark.slow
def test_spot_perpetuals_and_another_exchange_are_read_side_by_side(tmp_path: Path, server: Server) -> None:
    settings = small_settings(
        *("market.kind=ccxt", f"market.endpoint={server.url}", "portfolio.symbols=['BTC/USDT']"),
        *("accounts.spot.exchange=binance", f"accounts.spot.endpoint={server.url}"),
        *("accounts.futures.exchange=binance", "accounts.futures.type=swap", f"accounts.futures.endpoint={server.url}"),
        *("accounts.gate.exchange=gate", f"accounts.gate.endpoint={server.url}"),
        *("strategies.breakout.account=futures", "strategies.trend_following.account=gate"),
    )
    make_database(tmp_path)
    engine = open_writer(settings.database.url, tmp_path)
    market = make_market(settings, {"gate": ["ETH/USDT"]}, tmp_path, engine, SystemClock())
    end_ms = market.first_open_ms()
    names = ("BTC/USDT", "BTC/USDT@binance:swap", "BTC/USDT@gate:spot", "ETH/USDT@gate:spot")
    before = len(server.log)
    for name in names:
        bars = market.fetch_bars(name, end_ms - 10 * settings.step_ms, end_ms)
        assert len(bars) == 10
        assert np.all(bars.close > 0)
    paths = [path for _, path, _ in server.log[before:]]
    assert [path for path in paths if "kline" in path or "candle" in path] == [
        *("/api/v3/klines", "/fapi/v1/klines"),
        *("/api/v4/spot/candlesticks", "/api/v4/spot/candlesticks"),
    ]
    assert market.label.count(" and ") == 2
    kept = {market for (market,) in engine.connect().exec_driver_sql("SELECT DISTINCT market FROM candle")}
    assert kept == {f"{place}:{server.url}" for place in ("binance:spot", "binance:swap", "gate:spot")}
    engine.dispose()
