"""What the gateway to the broker asks before each order: the levels as the tables have them, not as memory does.

A level command that waits to be taken counts already, so that it works when the worker's loop does not get to it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    Select,
    bindparam,
    literal,
    or_,
    select,
    text,
    union_all,
)

from shared.enums import Cause, CommandKind, Level, ScopeKind
from shared.tables import Bot, BotState, Command, PortfolioState, Sleeve, SleeveState
from shared.tables.commands import COMMAND_IS_PENDING

_ASKED_LEVEL = {
    CommandKind.PAUSE.name: Level.NO_ENTRIES,
    CommandKind.FLATTEN.name: Level.FLATTEN,
    CommandKind.HALT.name: Level.HALTED,
}


_STATES: dict[ScopeKind, Any] = {
    ScopeKind.PORTFOLIO: PortfolioState,
    ScopeKind.SLEEVE: SleeveState,
    ScopeKind.BOT: BotState,
}


@dataclass(frozen=True, slots=True)
class Latch:
    """The levels in force: of the portfolio, and of those sleeves and bots, by id, that have one of their own."""

    portfolio: Level
    sleeves: dict[int, Level]
    bots: dict[int, Level]

    def of_bot(self, bot_id: int, sleeve_id: int) -> Level:
        """Give the level that rules a bot: the highest of its own, its sleeve's and the portfolio's."""
        return max(
            self.portfolio,
            self.sleeves.get(sleeve_id, Level.RUNNING),
            self.bots.get(bot_id, Level.RUNNING),
        )


def read_latch(connection: Connection, portfolio_id: int, causes: Collection[Cause] = tuple(Cause)) -> Latch:
    """Read the levels in force for the given causes, and those asked for but not taken yet."""
    latches: dict[str, dict[int, Level]] = {kind.name: {} for kind in _STATES}
    for scope_kind, scope_id, *names in connection.execute(_raised(tuple(causes)), {"portfolio": portfolio_id}):
        latches[scope_kind][scope_id] = max(Level[name] for name in names)
    for scope_kind, scope_id, level in _asked(connection, portfolio_id):
        levels = latches[scope_kind]
        levels[scope_id] = max(level, levels.get(scope_id, Level.RUNNING))
    portfolio, sleeves, bots = latches.values()
    return Latch(portfolio.get(portfolio_id, Level.RUNNING), sleeves, bots)


# To put a statement together takes longer than to run it.
@cache
def _raised(causes: tuple[Cause, ...]) -> CompoundSelect:
    """Give the scopes that a cause has raised: kind and id, then the name of each cause's level."""
    portfolio: BindParameter[int] = bindparam("portfolio")
    within = {
        ScopeKind.PORTFOLIO: PortfolioState.portfolio_id == portfolio,
        ScopeKind.SLEEVE: SleeveState.sleeve_id.in_(select(Sleeve.id).where(Sleeve.portfolio_id == portfolio)),
        ScopeKind.BOT: BotState.bot_id.in_(select(Bot.id).where(Bot.portfolio_id == portfolio)),
    }
    selects = []
    for kind, model in _STATES.items():
        columns, key = model.__table__.c, next(iter(model.__table__.primary_key))
        levels = [columns[f"level_{cause.name.lower()}"] for cause in causes]
        raised = or_(*(column != Level.RUNNING.name for column in levels))
        selects.append(select(literal(kind.name), key, *levels).where(within[kind], raised))
    return union_all(*selects)


@cache
def _asked_statement() -> Select:
    return (
        select(Command.kind, Command.scope_kind, Sleeve.id, Bot.id)
        .outerjoin(Sleeve, (Sleeve.portfolio_id == Command.portfolio_id) & (Sleeve.name == Command.scope))
        .outerjoin(Bot, (Bot.portfolio_id == Command.portfolio_id) & (Bot.name == Command.scope))
        .where(Command.portfolio_id == bindparam("portfolio"), text(f"command.{COMMAND_IS_PENDING}"))
    )


def _asked(connection: Connection, portfolio_id: int) -> list[tuple[str, int, Level]]:
    asked = []
    for kind, scope_kind, sleeve_id, bot_id in connection.execute(_asked_statement(), {"portfolio": portfolio_id}):
        scope_id = {"PORTFOLIO": portfolio_id, "SLEEVE": sleeve_id, "BOT": bot_id}[scope_kind]
        if kind in _ASKED_LEVEL and scope_id is not None:
            asked.append((scope_kind, scope_id, _ASKED_LEVEL[kind]))
    return asked
