"""Closed candles of one market, kept so that a restart fetches only what is missing."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, select

from shared.database import transaction
from shared.tables import Candle
from worker.store.rows import write_sql
from worker.strategies.bars import Bars, make_bars, no_bars

_PRICES = ("open_ms", "open", "high", "low", "close", "volume")
_COLUMNS = ("market", "symbol", "timeframe_ms", *_PRICES)


class Candles:
    """The candle store of one market, such as `binance spot`; a call is a transaction of its own, outside a step's."""

    def __init__(self, engine: Engine, market: str) -> None:
        self._engine = engine
        self._market = market

    def load(self, symbol: str, timeframe_ms: int, start_ms: int, end_ms: int) -> Bars:
        """Give the kept bars that open in `[start_ms, end_ms)`, oldest first."""
        table = Candle.__table__.c
        statement = (
            select(*(table[name] for name in _PRICES))
            .where(table.market == self._market, table.symbol == symbol, table.timeframe_ms == timeframe_ms)
            .where(table.open_ms >= start_ms, table.open_ms < end_ms)
            .order_by(table.open_ms)
        )
        with transaction(self._engine) as connection:
            rows = connection.execute(statement).all()
        return make_bars(*zip(*rows, strict=True)) if rows else no_bars()

    def save(self, symbol: str, timeframe_ms: int, bars: Bars) -> None:
        """Keep bars; those kept before stay as they are."""
        if not len(bars):
            return
        columns = (getattr(bars, name).tolist() for name in _PRICES)
        rows = [(self._market, symbol, timeframe_ms, *row) for row in zip(*columns, strict=True)]
        with transaction(self._engine) as connection:
            connection.exec_driver_sql(write_sql(Candle, _COLUMNS, connection, "ignore"), rows)


def save_bars(
    connection: Connection, market: str, timeframe_ms: int, open_ms: int, bars: Mapping[str, tuple[float, ...]]
) -> None:
    """Keep one bar of several symbols (open, high, low, close, volume), within the transaction of a step."""
    rows = [(market, symbol, timeframe_ms, open_ms, *values) for symbol, values in bars.items()]
    if rows:
        connection.exec_driver_sql(write_sql(Candle, _COLUMNS, connection, "ignore"), rows)
