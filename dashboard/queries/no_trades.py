"""Which bots made no trade, and why: how often each reason decided, and what the one that binds measured."""

from dataclasses import dataclass

from pandas import DataFrame
from sqlalchemy import Connection, exists, select

from dashboard.queries.decisions import load_reason_counts
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.seen import horizon_bars
from dashboard.queries.states import load_bot_states
from dashboard.queries.window import marked_where, windowed
from shared.enums import Reason
from shared.no_trades import Standstill, binding_reason
from shared.tables import Bot, Fill, PortfolioState


@dataclass(frozen=True, slots=True)
class Idle:
    """Bots without a fill that one reason keeps from trading, of so many that were asked about."""

    bots: tuple[str, ...]
    of_bots: int
    stood: Standstill


def load_idle_fleet(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> Idle | None:
    """Load why none of the bots that filters take has a fill in a period; None where one has, or none has stepped."""
    filters = windowed(connection, portfolio_id, filters)
    idle, of_bots = _idle(connection, portfolio_id, filters)
    if not len(idle) or len(idle) < of_bots:
        return None
    groups = _grouped(connection, portfolio_id, idle, filters, by_reason=False)
    return Idle(groups[0][0], of_bots, groups[0][1]) if groups else None


def load_idle_bots(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> tuple[Idle, ...]:
    """Load why bots have no fill in a period: those that one reason keeps from it together, the most first."""
    filters = windowed(connection, portfolio_id, filters)
    idle, of_bots = _idle(connection, portfolio_id, filters)
    if not len(idle):
        return ()
    groups = _grouped(connection, portfolio_id, idle, filters, by_reason=True)
    found = [Idle(names, of_bots, stood) for names, stood in groups]
    return tuple(sorted(found, key=lambda group: len(group.bots), reverse=True))


def _idle(connection: Connection, portfolio_id: int, filters: Filters) -> tuple[DataFrame, int]:
    """Give the members without a fill, and how many were asked about."""
    taken = select_members(load_members(connection, portfolio_id), filters)
    own, bot = Fill.__table__.c, Bot.__table__.c
    traded = exists().where(own.bot_id == bot.id, *marked_where(own.time_ms, own.trigger, filters))
    ids = connection.execute(select(bot.id).where(bot.portfolio_id == portfolio_id, ~traded)).scalars().all()
    return taken[taken["bot_id"].isin(ids)], len(taken)


def _grouped(
    connection: Connection, portfolio_id: int, idle: DataFrame, filters: Filters, by_reason: bool
) -> list[tuple[tuple[str, ...], Standstill]]:
    names = tuple(idle["bot"])
    counted = load_reason_counts(connection, portfolio_id, Filters(filters.start_ms, filters.end_ms, bots=names))
    counts: dict[str, dict[Reason, int]] = {}
    for bot, reason, steps in counted[["bot", "reason", "steps"]].itertuples(index=False):
        counts.setdefault(bot, {})[Reason[reason]] = int(steps)
    groups: dict[Reason | None, list[str]] = {}
    for name in names:
        if name in counts:
            groups.setdefault(binding_reason(counts[name]) if by_reason else None, []).append(name)
    states = load_bot_states(connection, portfolio_id).set_index("bot")
    own = PortfolioState.__table__.c
    equity = float(connection.execute(select(own.equity).where(own.portfolio_id == portfolio_id)).scalar() or 0.0)
    members = idle.set_index("bot")
    return [
        (tuple(group), _standstill(group, counts, states.loc[group], members.loc[group], equity))
        for group in groups.values()
    ]


def _standstill(
    bots: list[str], counts: dict[str, dict[Reason, int]], states: DataFrame, members: DataFrame, equity: float
) -> Standstill:
    summed = {reason: sum(counts[bot].get(reason, 0) for bot in bots) for reason in Reason}
    looks = (
        horizon_bars(strategy, parameters)
        for strategy, parameters in zip(members["strategy"], members["parameters"], strict=True)
    )
    stood = Standstill(
        bots=len(bots),
        counts={reason: steps for reason, steps in summed.items() if steps},
        allocation=float(states["allocation"].max()),
        equity=equity,
        horizon_bars=max(looks),
        accounts=tuple(dict.fromkeys(members["account"])),
    )
    last = states[states["reason"] == stood.binds.name]
    return stood.measured(last["reason_value"], last["reason_limit"])
