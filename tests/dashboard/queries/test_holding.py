"""Buy and hold, against the candles themselves."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.holding import load_benchmark, load_holding
from shared.enums import ScopeKind
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID, SLEEVE
from tests.dashboard.queries.conftest import connected

SYMBOLS = ["BTC/USDT", "SOL/USDT"]
DAYS = np.arange(BEGIN_MS, BEGIN_MS + 12 * DAY_MS + 1, DAY_MS, dtype=np.int64)
PRICE = "SELECT {} FROM candle WHERE symbol = ? AND timeframe_ms = 3600000 AND open_ms = ?"


def price(connection: Connection, column: str, symbol: str, open_ms: int) -> float:
    return connection.exec_driver_sql(PRICE.format(column), (symbol, open_ms)).scalar_one()


def test_it_is_bought_at_the_first_mark_and_sold_at_the_last(connection: Connection) -> None:
    held = load_holding(connection, ID, SYMBOLS, DAYS)
    assert sorted(set(held["time_ms"])) == DAYS.tolist() and len(held) == 2 * len(DAYS)
    for symbol in SYMBOLS:
        own = held[held["symbol"] == symbol]["return_fraction"]
        first = price(connection, "open", symbol, BEGIN_MS)
        last = price(connection, "close", symbol, int(DAYS[-1]) - HOUR_MS)
        assert own.iloc[0] == 0.0 and own.iloc[-1] == pytest.approx(last / first - 1.0) != 0.0


def test_within_the_books_it_is_bought_at_the_close(connection: Connection) -> None:
    held = load_holding(connection, ID, SYMBOLS[:1], DAYS[3:6])["return_fraction"]
    prices = [price(connection, "close", SYMBOLS[0], int(time_ms) - HOUR_MS) for time_ms in DAYS[3:6]]
    assert held.tolist() == pytest.approx([value / prices[0] - 1.0 for value in prices])


def test_few_of_many_times_keep_both_ends(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_holding(connection, ID, SYMBOLS[:1], DAYS)
    monkeypatch.setattr("dashboard.queries.holding.MOST_CLOSES", 0)
    few = load_holding(connection, ID, SYMBOLS[:1], DAYS)
    assert len(few) == 10 < len(whole)
    assert few.iloc[[0, -1]].to_dict("list") == whole.iloc[[0, -1]].to_dict("list")


@pytest.mark.parametrize(
    ("scope", "symbols"),
    [
        (PORTFOLIO, {"", "BTC/USDT", "ETH/USDT", "SOL/USDT"}),
        (Scope(ScopeKind.SLEEVE, SLEEVE), {"", "BTC/USDT", "ETH/USDT", "SOL/USDT"}),
        (Scope(ScopeKind.BOT, BOT), {"ETH/USDT"}),
    ],
)
@pytest.mark.parametrize("start_ms", [None, BEGIN_MS + 2 * DAY_MS])
def test_a_scope_is_held_against_its_own_symbols_over_its_own_marks(
    connection: Connection, scope: Scope, symbols: set[str], start_ms: int | None
) -> None:
    curve, held = load_equity(connection, ID, (scope,), start_ms), load_benchmark(connection, ID, scope, start_ms)
    assert set(held["symbol"]) == symbols
    assert (held["time_ms"].min(), held["time_ms"].max()) == (curve["time_ms"].min(), curve["time_ms"].max())
    assert set(held["time_ms"]) <= set(curve["time_ms"]) and len(held) <= 2_000 + len(symbols)
    last = held.groupby("symbol")["return_fraction"].last()
    if "" in symbols:
        assert last[""] == pytest.approx(last[sorted(symbols - {""})].mean()) != 0.0


def test_a_symbol_that_came_later_delays_all(folder: Path) -> None:
    books = seeding.seeded(folder)
    books.write("DELETE FROM candle WHERE symbol = 'SOL/USDT' AND open_ms < ?", BEGIN_MS + 3 * DAY_MS)
    for connection in connected(books):
        held = load_holding(connection, ID, SYMBOLS, DAYS)
        assert held["time_ms"].min() == DAYS[4]
        assert set(held[held["time_ms"] == DAYS[4]]["return_fraction"]) == {0.0}


def test_without_candles_there_is_nothing(folder: Path) -> None:
    books = seeding.seeded(folder)
    books.write("DELETE FROM candle")
    for connection in connected(books):
        assert not len(load_holding(connection, ID, SYMBOLS, DAYS))
