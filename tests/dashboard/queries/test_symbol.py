"""One symbol over all bots, and holding instead: against fills and candles."""

import pytest
from sqlalchemy import Connection

from dashboard.queries.equity import PORTFOLIO, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.holding import load_held
from dashboard.queries.symbol import (
    load_crossed,
    load_symbol,
    load_symbol_bots,
    load_symbol_candles,
    load_symbol_fills,
)
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard.queries.catalogue import BEGIN_MS, ID, SYMBOL
from tests.dashboard.queries.conftest import newest_mark_ms
from tests.dashboard.queries.recomputed import STEPPED_CANDLES, Books, recompute, rows

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
PERIODS = ((None, None), (BEGIN_MS + 3 * DAY_MS + 5 * HOUR_MS, BEGIN_MS + 9 * DAY_MS))


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("period", PERIODS, ids=["all", "within"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_is_what_the_fills_of_its_bots_amount_to(
    connection: Connection, again: Books, symbol: str, period: tuple[int | None, int | None]
) -> None:
    found = load_symbol(connection, ID, symbol, Filters(*period))
    assert found is not None
    ended = recompute(connection, period[1] or newest_mark_ms(connection))
    begun = recompute(connection, period[0]) if period[0] else None
    own, close = [a for a in again.accounts.values() if a.symbol == symbol], again.closes[symbol]
    notionals = [account.quantity * close for account in own]
    assert (found.bots, found.positions) == (9, sum(abs(account.quantity) > 1e-7 for account in own))
    assert found.net_quantity == near(sum(account.quantity for account in own))
    assert found.long_notional == near(sum(max(value, 0.0) for value in notionals))
    assert found.short_notional == near(sum(min(value, 0.0) for value in notionals))
    assert found.open_profit == near(sum(account.open_profit(close) for account in own))

    def between(figure: object) -> float:
        return figure(ended) - (figure(begun) if begun else 0.0)

    def made(books: Books) -> float:
        return sum(a.equity(books.closes[symbol]) - a.money_in for a in books.accounts.values() if a.symbol == symbol)

    def summed(name: str) -> object:
        return lambda books: sum(getattr(a, name) for a in books.accounts.values() if a.symbol == symbol)

    def of_fills(value: object) -> object:
        return lambda books: sum(value(fill) for fill in books.fills if fill["symbol"] == symbol)

    assert found.profit == near(between(made))
    assert found.fees == near(between(summed("fees"))) and found.saved == near(between(summed("saved")))
    assert found.fills == between(of_fills(lambda fill: 1)) > 0
    assert found.crossed_notional == near(between(of_fills(lambda fill: abs(fill["crossed"]) * fill["price"])))
    assert found.traded_notional == near(between(of_fills(lambda fill: abs(fill["quantity"]) * fill["price"])))
    bots = load_symbol_bots(connection, ID, Filters(*period, symbols=(symbol,)))
    assert bots["period_profit"].sum() == near(found.profit) and bots["position"].sum() == near(found.net_quantity)
    crossed = load_crossed(connection, ID, Filters(*period, symbols=(symbol,)))
    assert crossed["crossed_notional"].sum() == near(found.crossed_notional)
    assert crossed["saved"].sum() == near(found.saved)


def test_what_crossed_in_house_sums_to_nothing_at_each_time(connection: Connection) -> None:
    crossed = load_crossed(connection, ID)
    assert len(crossed) > 4 and (crossed["crossed"] != 0.0).all()
    assert crossed.groupby(["symbol", "time_ms"])["crossed"].sum().abs().max() < 1e-9
    assert ((crossed["crossed"] > 0.0) == (crossed["side"] == "BUY")).all()


def test_everybodys_trades_are_on_its_candles(connection: Connection, again: Books) -> None:
    fills = load_symbol_fills(connection, ID, SYMBOL)
    own = [fill for fill in again.fills if fill["symbol"] == SYMBOL]
    assert fills["fill_id"].tolist() == [fill["id"] for fill in sorted(own, key=lambda f: (f["time_ms"], f["id"]))]
    assert fills["bot"].nunique() > 3 and set(fills["kind"]) == {"ENTRY_LONG", "ENTRY_SHORT", "EXIT_LONG", "EXIT_SHORT"}
    is_entry = fills["kind"].str.startswith("ENTRY")
    assert (is_entry == (fills["leg"] == "OPEN")).all()
    start_ms, end_ms = BEGIN_MS + 2 * DAY_MS + HOUR_MS, BEGIN_MS + 4 * DAY_MS
    within = load_symbol_fills(connection, ID, SYMBOL, start_ms, end_ms)
    count = len([fill for fill in recompute(connection, end_ms).fills if fill["symbol"] == SYMBOL])
    count -= len([fill for fill in recompute(connection, start_ms).fills if fill["symbol"] == SYMBOL])
    assert len(within) == count > 0
    candles = load_symbol_candles(connection, ID, SYMBOL, start_ms, end_ms)
    bars = [b for b in rows(connection, STEPPED_CANDLES) if b["symbol"] == SYMBOL and start_ms <= b["open_ms"] < end_ms]
    for name in ("open_ms", "open", "high", "low", "close"):
        assert candles[name].tolist() == [bar[name] for bar in bars]


def test_nobody_trades_a_symbol_that_is_not_there(connection: Connection) -> None:
    assert load_symbol(connection, ID, "NONE/USDT") is None
    assert load_symbol_candles(connection, ID, "NONE/USDT").empty


@pytest.mark.parametrize("period", PERIODS, ids=["all", "within"])
def test_holding_is_the_first_equity_in_equal_parts_at_the_first_prices(
    connection: Connection, period: tuple[int | None, int | None]
) -> None:
    held, curve = load_held(connection, ID, *period), load_equity(connection, ID, (PORTFOLIO,), *period)
    assert held["time_ms"].iloc[[0, -1]].tolist() == curve["time_ms"].iloc[[0, -1]].tolist()
    first, last = curve.iloc[0], curve.iloc[-1]
    closes: dict[tuple[str, int], float] = {}
    opens: dict[str, float] = {}
    for bar in rows(connection, STEPPED_CANDLES):
        closes[bar["symbol"], bar["open_ms"] + HOUR_MS] = bar["close"]
        opens.setdefault(bar["symbol"], bar["open"])
    begin_ms, end_ms = int(first["time_ms"]), int(last["time_ms"])
    worth = 0.0
    for symbol in SYMBOLS:
        price = closes[symbol, begin_ms] if period[0] else opens[symbol]
        worth += first["equity"] / len(SYMBOLS) / price * closes[symbol, end_ms]
    made = worth - first["equity"]
    assert held.iloc[0][["equity", "profit", "return_fraction"]].tolist() == near(
        [first["equity"], first["profit"], 0.0]
    )
    assert held["profit"].iloc[-1] == near(first["profit"] + made)
    assert held["return_fraction"].iloc[-1] == near(made / first["equity"])
    assert held["equity"].iloc[-1] == near(worth + last["money_in"] - first["money_in"])
