"""Why a bot did or did not trade."""

from typing import Any

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, Select, case, func, literal, select, union_all

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.frames import empty, frame
from dashboard.queries.trips import period_where
from shared.tables import BarRecord, Bot, Decision, OpenDecision, Portfolio, ReasonTotal

_COLUMNS = (
    *("from_ms", "to_ms", "from_step", "to_step", "low", "high", "confirmed", "reason", "ordered"),
    *("first_value", "first_limit", "last_value", "last_limit"),
)
CLOSED_BAR, OPEN_BAR = "CLOSED_BAR", "OPEN_BAR"


def load_decisions(
    connection: Connection,
    portfolio_id: int,
    bot: str,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = 2_000,
) -> DataFrame:
    """Load a bot's stretches of equal decisions that reach into a period: the newest `limit`, oldest first.

    Columns: from_ms, to_ms (opens of the first and last bar), until_ms (close of the last), from_step, to_step, steps,
    low, high (the band, NaN while it warms up), confirmed, reason, ordered (steps with an order), first_value,
    first_limit, last_value, last_limit (the deciding row's), is_open (1 where the stretch goes on). Times are compared
    with the opens of bars.
    """
    bot_id, step_ms = _bot_id(connection, portfolio_id, bot), _step_ms(connection, portfolio_id)
    parts = []
    for table, is_open in ((Decision.__table__, 0), (OpenDecision.__table__, 1)):
        own = table.c
        terms = [own.bot_id == bot_id]
        if start_ms is not None:
            # By the key: the stretch that was going on at the start, and all that began later.
            terms.append(own.from_ms >= _going_on(own, bot_id, start_ms))
            terms.append(own.to_ms >= start_ms)
        if end_ms is not None:
            terms.append(own.from_ms < end_ms)
        columns = (own[name] for name in _COLUMNS)
        part = select(*columns, literal(is_open).label("is_open")).where(*terms)
        parts.append(select(part.order_by(own.from_ms.desc(), own.from_step.desc()).limit(limit).subquery()))
    both = union_all(*parts).subquery("stretches").c
    newest = select(*both).order_by(both.from_ms.desc(), both.from_step.desc()).limit(limit)
    stretches = frame(connection, newest).iloc[::-1].reset_index(drop=True)
    stretches.insert(2, "until_ms", stretches["to_ms"] + step_ms)
    stretches.insert(5, "steps", stretches["to_step"] - stretches["from_step"] + 1)
    return stretches


def load_decision_at(connection: Connection, portfolio_id: int, bot: str, time_ms: int) -> DataFrame:
    """Load why a bot did or did not trade at a time: what was decided as the bar before it closed, then as its own did.

    Columns as `load_decisions`, and bar_open_ms (the bar that was decided on), asked (CLOSED_BAR for the bar that had
    closed by then, whose decision is traded at `time_ms`; OPEN_BAR for the one that contains it). A bar that is not
    in the books has no row.
    """
    step_ms = _step_ms(connection, portfolio_id)
    open_ms = time_ms - time_ms % step_ms
    found = []
    for asked, bar_ms in ((CLOSED_BAR, open_ms - step_ms), (OPEN_BAR, open_ms)):
        rows = load_decisions(connection, portfolio_id, bot, bar_ms, bar_ms + 1)
        found.append(rows.iloc[-1:].assign(bar_open_ms=bar_ms, asked=asked))
    return concat(found, ignore_index=True)


def load_fleet_decisions_at(connection: Connection, portfolio_id: int, time_ms: int) -> DataFrame:
    """Load what was decided for every bot on the bar that had closed by a time, whose decision is traded then.

    Columns: bot, sleeve, symbol, reason, value, limit (the deciding row's at the end of the stretch), confirmed, steps
    (of the stretch), from_ms (open of its first bar). A bot whose bar is not in the books has no row.
    """
    members, step_ms = load_members(connection, portfolio_id), _step_ms(connection, portfolio_id)
    bar_ms, bot = time_ms - time_ms % step_ms - step_ms, Bot.__table__.c
    parts = []
    for own in (Decision.__table__.c, OpenDecision.__table__.c):
        columns = (own[name] for name in ("bot_id", "reason", "confirmed", "from_ms", "last_value", "last_limit"))
        steps = (own.to_step - own.from_step + 1).label("steps")
        part = select(*columns, steps).join(Bot.__table__, bot.id == own.bot_id)
        # By the key of each bot: the stretch that was going on.
        going_on = (own.from_ms >= _going_on(own, bot.id, bar_ms), own.from_ms <= bar_ms, own.to_ms >= bar_ms)
        parts.append(part.where(bot.portfolio_id == portfolio_id, *going_on))
    found = frame(connection, union_all(*parts)).rename(columns={"last_value": "value", "last_limit": "limit"})
    named = members[["bot_id", "bot", "sleeve", "symbol"]].merge(found, on="bot_id")
    return named[["bot", "sleeve", "symbol", "reason", "value", "limit", "confirmed", "steps", "from_ms"]]


def load_reason_counts(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Count steps by bot and reason; the parts of stretches outside the period are left out.

    Columns: bot, sleeve, symbol, reason, steps, ordered (steps with an order; a stretch cut by the period counts whole
    there). Filters: times (opens of bars), bots, sleeves, symbols.
    """
    members = load_members(connection, portfolio_id)
    taken = select_members(members, filters)
    ids = [int(bot_id) for bot_id in taken["bot_id"]]
    if not ids:
        return empty(bot="str", sleeve="str", symbol="str", reason="str", steps="int64", ordered="int64")
    step_ms = _step_ms(connection, portfolio_id)
    ended = _reasons(Decision, ids, filters, step_ms)
    if filters.start_ms is None and filters.end_ms is None:
        ended = _totals(ids)
    counted = [frame(connection, statement) for statement in (ended, _reasons(OpenDecision, ids, filters, step_ms))]
    counts = (
        concat(counted, ignore_index=True).groupby(["bot_id", "reason"], as_index=False)[["steps", "ordered"]].sum()
    )
    named = taken[["bot_id", "bot", "sleeve", "symbol"]].merge(counts, on="bot_id")
    return named.drop(columns="bot_id")


def _totals(ids: list[int]) -> Select:
    own = ReasonTotal.__table__.c
    return select(own.bot_id, own.reason, own.steps, own.ordered).where(own.bot_id.in_(ids))


def _reasons(model: Any, ids: list[int], filters: Filters, step_ms: int) -> Select:
    own, bot = model.__table__.c, Bot.__table__.c
    terms = [bot.id.in_(ids)]
    first, last = own.from_ms, own.to_ms
    if filters.start_ms is not None:
        # By the key of each bot: all stretches of years would be gone through for those of a week.
        terms += [own.from_ms >= _going_on(own, bot.id, filters.start_ms), own.to_ms >= filters.start_ms]
        first = _greatest(first, filters.start_ms)
    if filters.end_ms is not None:
        terms.append(own.from_ms < filters.end_ms)
        last = _least(last, filters.end_ms - 1)
    # Of a stretch that is whole its own steps; a cut one has a step each step_ms, from the first open within.
    cut = last // step_ms - (first + (step_ms - 1)) // step_ms + 1
    steps = cut if filters.start_ms is not None or filters.end_ms is not None else own.to_step - own.from_step + 1
    return (
        select(own.bot_id, own.reason, func.sum(steps).label("steps"), func.sum(own.ordered).label("ordered"))
        .join(Bot.__table__, bot.id == own.bot_id)
        .where(*terms)
        .group_by(own.bot_id, own.reason)
    )


def load_bar_records(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = 500
) -> DataFrame:
    """Load the bars that were late, missing, repaired or skipped, newest first.

    Columns: open_ms, symbol, status, late_ms (market time after its close), step, reason. Filters: times, symbols.
    """
    own = BarRecord.__table__.c
    statement = select(own.open_ms, own.symbol, own.status, own.late_ms, own.step, own.reason)
    statement = statement.where(own.portfolio_id == portfolio_id, *period_where(own.open_ms, filters))
    if filters.symbols:
        statement = statement.where(own.symbol.in_(filters.symbols))
    return frame(connection, statement.order_by(own.open_ms.desc(), own.id.desc()).limit(limit))


def _going_on(own: Any, bot_id: int, start_ms: int) -> Any:
    alias = own.bot_id.table.alias("before").c
    latest = select(func.max(alias.from_ms)).where(alias.bot_id == bot_id, alias.from_ms <= start_ms)
    return func.coalesce(latest.correlate(Bot).scalar_subquery(), start_ms)


def _greatest(column: Any, value: int) -> Any:
    return case((column > value, column), else_=value)


def _least(column: Any, value: int) -> Any:
    return case((column < value, column), else_=value)


def _bot_id(connection: Connection, portfolio_id: int, bot: str) -> int:
    members = load_members(connection, portfolio_id)
    found = members.loc[members["bot"] == bot, "bot_id"]
    return int(found.iloc[0]) if len(found) else -1


def _step_ms(connection: Connection, portfolio_id: int) -> int:
    own = Portfolio.__table__.c
    return int(connection.execute(select(own.step_ms).where(own.id == portfolio_id)).scalar() or np.iinfo(np.int64).max)
