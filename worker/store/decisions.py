"""Why each bot did or did not trade, run-length: a stretch is one row, however many steps it has."""

import math
from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Select, bindparam, select

from shared.enums import Reason
from shared.tables import Bot as BotTable
from shared.tables import Decision, OpenDecision, ReasonTotal
from worker.step.records import Bot
from worker.store.rows import write_sql

_COLUMNS = (
    "bot_id",
    "from_ms",
    "from_step",
    "to_ms",
    "to_step",
    "low",
    "high",
    "confirmed",
    "reason",
    "ordered",
    "first_value",
    "first_limit",
    "last_value",
    "last_limit",
)
_TOTALS = ("bot_id", "reason", "steps", "ordered")
_BOT, _FROM_STEP, _TO_STEP, _KEY, _REASON, _ORDERED = 0, 2, 4, slice(5, 9), 8, 9
_REASONS = {reason.value: reason.name for reason in Reason}


def save_decisions(
    connection: Connection, portfolio_id: int, bot_ids: Sequence[int], bots: Sequence[Bot], step: int, time_ms: int
) -> None:
    """Take each bot's decision of a step into the stretch it belongs to, or end that and begin another.

    `time_ms` is the open time of the step's bar. A stretch goes on while low, high, confirmed and reason are the same
    and no step is left out.
    """
    running = _open_stretches(connection, portfolio_id)
    written, ended = [], []
    for bot_id, bot in zip(bot_ids, bots, strict=True):
        key = (_or_none(bot.low), _or_none(bot.high), bot.confirmed, _REASONS[bot.reason])
        value, limit = _or_none(bot.reason_value), _or_none(bot.reason_limit)
        before = running.get(bot_id)
        if before is not None and before[_KEY] == key and before[_TO_STEP] in (step - 1, step):
            ordered = before[_ORDERED] + bot.ordered
            written.append((*before[:3], time_ms, step, *key, ordered, *before[10:12], value, limit))
            continue
        if before is not None:
            ended.append(before)
        written.append((bot_id, time_ms, step, time_ms, step, *key, bot.ordered, value, limit, value, limit))
    if written:
        connection.exec_driver_sql(write_sql(OpenDecision, _COLUMNS, connection, "update"), written)
    save_ended(connection, ended)


def save_ended(connection: Connection, stretches: Sequence[tuple]) -> None:
    """Append finished stretches, values in the order of `decision`'s columns, and add them to the totals of reasons."""
    if not stretches:
        return
    totals: dict[tuple[int, str], list[int]] = {}
    for stretch in stretches:
        total = totals.setdefault((stretch[_BOT], stretch[_REASON]), [0, 0])
        total[0] += stretch[_TO_STEP] - stretch[_FROM_STEP] + 1
        total[1] += stretch[_ORDERED]
    connection.exec_driver_sql(write_sql(Decision, _COLUMNS, connection), list(stretches))
    rows = [(*key, *total) for key, total in totals.items()]
    connection.exec_driver_sql(write_sql(ReasonTotal, _TOTALS, connection, "add"), rows)


def _open_stretches(connection: Connection, portfolio_id: int) -> dict[int, tuple]:
    rows = connection.execute(_open_statement(), {"portfolio": portfolio_id})
    return {row[0]: tuple(row) for row in rows}


# To put a statement together takes longer than to run it.
@cache
def _open_statement() -> Select:
    columns = [OpenDecision.__table__.c[name] for name in _COLUMNS]
    of_portfolio = select(BotTable.id).where(BotTable.portfolio_id == bindparam("portfolio"))
    return select(*columns).where(OpenDecision.bot_id.in_(of_portfolio))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
