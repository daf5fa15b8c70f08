"""What holding symbols from one mark to another would have made, from prices at the very times of the marks."""

from collections.abc import Sequence

import numpy as np
from pandas import DataFrame, Series, concat
from sqlalchemy import Connection, select

from dashboard.queries.candles import candle_market, load_closes
from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.fleet import load_members
from dashboard.queries.frames import empty, frame
from dashboard.queries.marks import MAX_POINTS
from shared.enums import ScopeKind
from shared.tables import Candle, Portfolio

# Closes read at most, of all symbols together.
MOST_CLOSES = 40_000


def load_benchmark(
    connection: Connection,
    portfolio_id: int,
    scope: Scope = PORTFOLIO,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> DataFrame:
    """Load what holding a scope's symbols would have made at the marks of its curve; columns of `load_holding`.

    Several symbols come with their mean, all in equal parts of money, as the symbol "".
    """
    return _held_and_curve(connection, portfolio_id, scope, start_ms, end_ms)[0]


def load_held(
    connection: Connection, portfolio_id: int, start_ms: int | None = None, end_ms: int | None = None
) -> DataFrame:
    """Load what the fleet would have made by holding, in the window of these times (`load_window`).

    Its equity at the first mark is put in equal parts into every symbol it trades, at the price there, without costs,
    and kept. Money that people moved since is in equity and in no symbol. Columns: time_ms, equity, profit,
    return_fraction, as of `load_equity`, with which they begin. Empty where no candles are kept.
    """
    held, curve = _held_and_curve(connection, portfolio_id, PORTFOLIO, start_ms, end_ms)
    # Of one symbol there is no line of all.
    line = held[held["symbol"] == ""] if (held["symbol"] == "").any() else held
    if not len(line) or not len(curve):
        return empty(time_ms="int64", equity="float64", profit="float64", return_fraction="float64")
    begun = curve.iloc[0]
    own = line[["time_ms", "return_fraction"]].reset_index(drop=True)
    moved = np.interp(own["time_ms"], curve["time_ms"], curve["money_in"] - begun["money_in"])
    made = float(begun["equity"]) * own["return_fraction"]
    return own.assign(equity=float(begun["equity"]) + made + moved, profit=float(begun["profit"]) + made)[
        ["time_ms", "equity", "profit", "return_fraction"]
    ]


def _held_and_curve(
    connection: Connection, portfolio_id: int, scope: Scope, start_ms: int | None, end_ms: int | None
) -> tuple[DataFrame, DataFrame]:
    """Give `load_benchmark` and the curve of the scope at whose marks it is worked out."""
    symbols = _symbols(connection, portfolio_id, scope)
    curve = load_equity(connection, portfolio_id, (scope,), start_ms, end_ms, MAX_POINTS // (len(symbols) + 1))
    held = load_holding(connection, portfolio_id, symbols, curve["time_ms"].to_numpy(np.int64))
    return (concat([in_equal_parts(held), held], ignore_index=True) if len(symbols) > 1 else held), curve


def in_equal_parts(held: DataFrame) -> DataFrame:
    """Give what holding all symbols of `load_holding` in equal parts would have made, as the symbol ""."""
    line = held.groupby("time_ms", as_index=False)["return_fraction"].mean()
    line.insert(1, "symbol", "")
    return line


def load_holding(connection: Connection, portfolio_id: int, symbols: Sequence[str], times_ms: np.ndarray) -> DataFrame:
    """Load what each symbol would have made since the first of some times, without costs; nothing where none is known.

    Columns: time_ms (of those given, fewer where they are many; the first and the last stay), symbol, return_fraction
    (since the first time at which all have a price: the close there, else the open of the bar that begins there).
    """
    nothing = empty(time_ms="int64", symbol="str", return_fraction="float64")
    market = candle_market(connection, portfolio_id)
    if market is None or len(times_ms) < 2 or not symbols:
        return nothing
    at = np.unique(np.linspace(0, len(times_ms) - 1, max(MOST_CLOSES // len(symbols), 10), dtype=np.int64))
    times = np.asarray(times_ms, np.int64)[at]
    prices = load_closes(connection, portfolio_id, market, symbols, times)
    opens = _opens(connection, portfolio_id, market, int(times[0]))
    prices.iloc[0] = prices.iloc[0].fillna(opens.reindex(prices.columns))
    held = prices.ffill().dropna()
    if len(held) < 2:
        return nothing
    grown = held / held.iloc[0] - 1.0
    rows = grown.stack().rename("return_fraction").rename_axis(["time_ms", "symbol"]).reset_index()
    return rows.astype({"symbol": "str"}).sort_values("time_ms", kind="stable", ignore_index=True)


def _symbols(connection: Connection, portfolio_id: int, scope: Scope) -> list[str]:
    members = load_members(connection, portfolio_id)
    if scope.kind is not ScopeKind.PORTFOLIO:
        members = members[members[scope.kind.lower()] == scope.name]
    return list(dict.fromkeys(members["symbol"]))


def _opens(connection: Connection, portfolio_id: int, market: str, time_ms: int) -> Series:
    own, portfolio = Candle.__table__.c, Portfolio.__table__.c
    step_ms = connection.execute(select(portfolio.step_ms).where(portfolio.id == portfolio_id)).scalar_one()
    statement = select(own.symbol, own.open).where(
        own.market == market, own.timeframe_ms == step_ms, own.open_ms == time_ms
    )
    return frame(connection, statement).set_index("symbol")["open"]
