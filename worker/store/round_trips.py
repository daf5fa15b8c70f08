"""The ledger's rows: open lots, round trips under way, and closed ones.

The records are the ledger's own; their fields are the columns of the tables.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, select

from shared.tables import Bot, Lot, OpenRoundTrip, RoundTrip
from worker.store.rows import insert_rows, load_rows, record_columns, upsert_rows

Record = TypeVar("Record")


def save_lots(connection: Connection, bot_ids: Sequence[int], lots: Sequence[Any]) -> None:
    """Replace all open lots of bots by the given ones, whose fields are those of `lot`."""
    _forget(connection, Lot, bot_ids)
    insert_rows(connection, Lot, lots)


def save_open_round_trips(connection: Connection, bot_ids: Sequence[int], trips: Sequence[Any]) -> None:
    """Replace the round trips that bots are in by the given ones; a bot without one is flat."""
    still_open = {trip.bot_id for trip in trips}
    _forget(connection, OpenRoundTrip, [bot_id for bot_id in bot_ids if bot_id not in still_open])
    upsert_rows(connection, OpenRoundTrip, trips)


def save_round_trips(connection: Connection, portfolio_id: int, trips: Sequence[Any]) -> None:
    """Append closed round trips, whose fields are those of `round_trip` but id and portfolio."""
    insert_rows(connection, RoundTrip, trips, portfolio_id=portfolio_id)


def load_lots(connection: Connection, portfolio_id: int, record: type[Record]) -> list[Record]:
    """Give all open lots as records, by bot, oldest first."""
    statement = select(*record_columns(Lot, record)).where(Lot.bot_id.in_(_bots_of(portfolio_id)))
    return load_rows(connection, statement.order_by(Lot.bot_id, Lot.number), Lot, record)


def load_open_round_trips(connection: Connection, portfolio_id: int, record: type[Record]) -> list[Record]:
    """Give the round trips under way as records, by bot."""
    statement = select(*record_columns(OpenRoundTrip, record)).where(OpenRoundTrip.bot_id.in_(_bots_of(portfolio_id)))
    return load_rows(connection, statement.order_by(OpenRoundTrip.bot_id), OpenRoundTrip, record)


def _bots_of(portfolio_id: int) -> Any:
    return select(Bot.id).where(Bot.portfolio_id == portfolio_id)


def _forget(connection: Connection, model: type[Lot] | type[OpenRoundTrip], bot_ids: Sequence[int]) -> None:
    if bot_ids:
        connection.execute(delete(model).where(model.bot_id.in_(list(bot_ids))))
