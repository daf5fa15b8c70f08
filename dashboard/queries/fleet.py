"""Who there is: portfolios, sleeves and bots by name, the settings that ran last, and how far the books are."""

import json
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame
from sqlalchemy import Connection, func, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.frames import frame
from shared.tables import (
    Bot,
    Command,
    Event,
    Fill,
    Heartbeat,
    Portfolio,
    PortfolioState,
    RoundTrip,
    SettingsVersion,
    Sleeve,
)


@dataclass(frozen=True, slots=True)
class Newest:
    """How far the books are: while it stays equal, nothing was written. A key for what is cached."""

    step: int
    market_ms: int
    fill_id: int
    round_trip_id: int
    event_id: int
    command_id: int
    answered_ms: int
    settings_version_id: int


def load_portfolios(connection: Connection) -> DataFrame:
    """Load the portfolios of the database.

    Columns: portfolio_id, name, quote, step_ms, market_label, broker_label, created_ms (wall).
    """
    own = Portfolio.__table__.c
    names = ("name", "quote", "step_ms", "market_label", "broker_label", "created_ms")
    return frame(connection, select(own.id.label("portfolio_id"), *(own[name] for name in names)).order_by(own.id))


def load_members(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load the bots with their sleeves, in the order of the books.

    Columns: bot_id, bot, sleeve_id, sleeve, strategy, symbol, timeframe, parameters (JSON), account, status, note.
    """
    bot, sleeve = Bot.__table__.c, Sleeve.__table__.c
    statement = (
        select(
            bot.id.label("bot_id"),
            bot.name.label("bot"),
            bot.sleeve_id,
            sleeve.name.label("sleeve"),
            bot.strategy,
            bot.symbol,
            bot.timeframe,
            bot.parameters,
            sleeve.account,
            bot.status,
            bot.note,
        )
        .join(Sleeve.__table__, sleeve.id == bot.sleeve_id)
        .where(bot.portfolio_id == portfolio_id)
        .order_by(bot.id)
    )
    return frame(connection, statement)


def select_members(members: DataFrame, filters: Filters = EVERYTHING) -> DataFrame:
    """Give the rows of `load_members` that the bots, sleeves and symbols of the filters take."""
    for column, wanted in (("bot", filters.bots), ("sleeve", filters.sleeves), ("symbol", filters.symbols)):
        if wanted:
            members = members[members[column].isin(wanted)]
    return members


def load_settings(connection: Connection, portfolio_id: int) -> dict[str, Any]:
    """Load the settings that ran last, nested by section; {} before any ran."""
    own = SettingsVersion.__table__.c
    statement = select(own.settings).where(own.portfolio_id == portfolio_id).order_by(own.last_ms.desc(), own.id.desc())
    return json.loads(connection.execute(statement.limit(1)).scalar() or "{}")


def load_newest(connection: Connection, portfolio_id: int) -> Newest:
    """Load how far the books are; all 0 before the worker opened them."""

    def last(table: Any, column: Any) -> Any:
        return select(func.max(column)).where(table.portfolio_id == portfolio_id).scalar_subquery()

    def last_id(model: Any) -> Any:
        # Of all portfolios: by the key alone it takes no time, and one look too many does no harm.
        return select(func.max(model.__table__.c.id)).scalar_subquery()

    statement = select(
        last(PortfolioState.__table__.c, PortfolioState.__table__.c.step),
        last(Heartbeat.__table__.c, Heartbeat.__table__.c.market_ms),
        *(last_id(model) for model in (Fill, RoundTrip, Event, Command)),
        last(Command.__table__.c, Command.__table__.c.answered_ms),
        last_id(SettingsVersion),
    )
    return Newest(*(int(value or 0) for value in connection.execute(statement).one()))


def load_pulse(connection: Connection, portfolio_id: int) -> tuple[int, int]:
    """Load whose lease it is (process id) and when it was last renewed (wall); 0 where nobody holds it."""
    beat = Heartbeat.__table__.c
    statement = select(beat.lease_pid, beat.lease_renewed_ms).where(beat.portfolio_id == portfolio_id)
    pid, renewed_ms = connection.execute(statement).one_or_none() or (0, 0)
    return int(pid or 0), int(renewed_ms or 0)
