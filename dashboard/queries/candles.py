"""Candles, where the worker keeps them: of the market that the books are of, and few enough to draw."""

from collections.abc import Sequence

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection, func, select

from dashboard.queries.frames import empty, frame
from shared.tables import Candle, MarketState, Portfolio, PortfolioState

_PRICES = ("open", "high", "low", "close", "volume")
# Read for one chart at most, before they are merged.
MOST_BARS = 20_000


def candle_market(
    connection: Connection, portfolio_id: int, symbol: str | None = None, account: str | None = None
) -> str | None:
    """Give the name that the candles of a portfolio's market are kept under; None where none are kept.

    Where candles of several markets are kept it is the one whose bar at the last step closed where the books say, else
    the one with the newest bar. With `symbol`, and `account`, it is that of the symbol there.
    """
    own, state, market = Candle.__table__.c, PortfolioState.__table__.c, MarketState.__table__.c
    statement = select(state.time_ms, Portfolio.__table__.c.step_ms, market.symbol, market.close)
    statement = statement.join(Portfolio.__table__, Portfolio.__table__.c.id == state.portfolio_id)
    statement = statement.join(MarketState.__table__, market.portfolio_id == state.portfolio_id)
    statement = statement.where(state.portfolio_id == portfolio_id)
    for column, wanted in ((market.symbol, symbol), (market.account, account)):
        statement = statement if wanted is None else statement.where(column == wanted)
    last = connection.execute(statement.limit(1)).first()
    if last is None:
        return None
    found = []
    for name in _markets(connection):
        within = (own.market == name, own.symbol == last.symbol, own.timeframe_ms == last.step_ms)
        newest = connection.execute(select(func.max(own.open_ms)).where(*within)).scalar()
        if newest is not None:
            close = connection.execute(select(own.close).where(*within, own.open_ms == last.time_ms)).scalar()
            found.append((close == last.close, newest, name))
    return max(found)[2] if found else None


def _markets(connection: Connection) -> list[str]:
    """Give the names of all markets by looking each up behind the one before: the table is long, they are few."""
    own = Candle.__table__.c
    names: list[str] = []
    while True:
        next_one = select(func.min(own.market))
        name = connection.execute(next_one.where(own.market > names[-1]) if names else next_one).scalar()
        if name is None:
            return names
        names.append(name)


def load_bars(
    connection: Connection,
    market: str,
    symbol: str,
    timeframe_ms: int,
    start_ms: int | None,
    end_ms: int | None,
    most: int,
) -> DataFrame:
    """Load the newest bars that open in a period, oldest first, at most `most`.

    Columns: open_ms, open, high, low, close, volume.
    """
    own = Candle.__table__.c
    terms = [own.market == market, own.symbol == symbol, own.timeframe_ms == timeframe_ms]
    if start_ms is not None:
        terms.append(own.open_ms >= start_ms)
    if end_ms is not None:
        terms.append(own.open_ms < end_ms)
    columns = (own.open_ms, *(own[name] for name in _PRICES))
    newest = frame(connection, select(*columns).where(*terms).order_by(own.open_ms.desc()).limit(most))
    return newest.iloc[::-1].reset_index(drop=True)


def no_bars() -> DataFrame:
    """Make the empty frame of bars."""
    return empty(open_ms="int64", **dict.fromkeys(_PRICES, "float64"))


def load_merged(
    connection: Connection, market: str, symbol: str, timeframe_ms: int, start_ms: int, end_ms: int, most: int
) -> tuple[DataFrame, int]:
    """Load all bars that open in a period, merged into longer ones until there are at most `most`; and their length.

    Columns as `load_bars`. The database merges them, for they may be a hundred thousand.
    """
    length_ms = timeframe_ms * _times(start_ms, end_ms, timeframe_ms, most)
    own = Candle.__table__.c
    bars = (own.market == market, own.symbol == symbol, own.timeframe_ms == timeframe_ms)
    slot = (own.open_ms - own.open_ms % length_ms).label("slot_ms")
    ends = (func.min(own.open_ms).label("first_ms"), func.max(own.open_ms).label("last_ms"))
    sums = (func.max(own.high).label("high"), func.min(own.low).label("low"), func.sum(own.volume).label("volume"))
    statement = select(slot, *ends, *sums).where(*bars, own.open_ms >= start_ms, own.open_ms < end_ms).group_by(slot)
    table = frame(connection, statement.order_by(slot))
    wanted = sorted({*table["first_ms"].tolist(), *table["last_ms"].tolist()})
    edges = select(own.open_ms, own.open, own.close).where(*bars, own.open_ms.in_(wanted))
    prices = frame(connection, edges).set_index("open_ms")
    table["open"] = table["first_ms"].map(prices["open"]).astype("float64")
    table["close"] = table["last_ms"].map(prices["close"]).astype("float64")
    # What is not merged stands where it opened.
    table["open_ms"] = table["slot_ms"] if length_ms > timeframe_ms else table["first_ms"]
    return table[["open_ms", *_PRICES]], length_ms


def _times(start_ms: int, end_ms: int, timeframe_ms: int, most: int) -> int:
    times = max(-(-(end_ms - start_ms) // (timeframe_ms * most)), 1)
    # A period that begins within a longer bar reaches into one more.
    while times > 1 and (end_ms - 1) // (timeframe_ms * times) - start_ms // (timeframe_ms * times) >= most:
        times += 1
    return times


def load_closes(
    connection: Connection, portfolio_id: int, market: str | None, symbols: Sequence[str], times_ms: np.ndarray
) -> DataFrame:
    """Load closes of bars that closed at given times: a row per time, a column per symbol, NaN for none."""
    own, portfolio = Candle.__table__.c, Portfolio.__table__.c
    step_ms = int(connection.execute(select(portfolio.step_ms).where(portfolio.id == portfolio_id)).scalar_one())
    table = DataFrame(np.nan, index=times_ms, columns=list(symbols))
    for symbol in symbols if market is not None else ():
        opens = (times_ms - step_ms).tolist()
        statement = select(own.open_ms, own.close).where(
            own.market == market, own.symbol == symbol, own.timeframe_ms == step_ms, own.open_ms.in_(opens)
        )
        found = frame(connection, statement)
        table.loc[found["open_ms"].to_numpy() + step_ms, symbol] = found["close"].to_numpy()
    return table
