"""The statements behind the exports of money and of what concerns scopes: equity, allocations, transfers, events."""

from typing import Any

from sqlalchemy import Select, case, select, union_all

from shared.enums import CommandKind, ScopeKind
from shared.tables.commands import Command
from shared.tables.equity import equity_points
from shared.tables.export_filters import Filters, is_any, scopes_wanted, within, within_scopes
from shared.tables.fleet import Bot, Portfolio, Sleeve
from shared.tables.money import AllocationPoint, Funding, Transfer
from shared.tables.watch import Event


def equity(portfolio_id: int, filters: Filters) -> Select:
    """Select equity."""
    scopes = {
        ScopeKind.PORTFOLIO: (select(Portfolio.id).where(Portfolio.id == portfolio_id), None),
        ScopeKind.SLEEVE: (select(Sleeve.id).where(Sleeve.portfolio_id == portfolio_id), Sleeve.name),
        ScopeKind.BOT: (select(Bot.id).where(Bot.portfolio_id == portfolio_id), Bot.name),
    }
    parts = []
    for kind, wanted in scopes_wanted(filters).items():
        ids, name = scopes[kind]
        bounded = ids if wanted is None else ids.where(is_any(name, wanted))
        part = equity_points(kind, filters.resolution, bounded, filters.start_ms, filters.end_ms)
        parts.append(part.order_by(None))
    points = union_all(*parts).subquery("scopes").c
    return select(
        points.last_ms,
        points.time_ms,
        points.resolution,
        points.scope_kind,
        _scope_name(points.scope_kind, points.scope_id).label("scope"),
        points.equity,
        points.cash,
        points.exposure,
        points.open_profit,
        points.money_in,
        points.drawdown_fraction,
        points.low_equity,
        points.high_equity,
    ).order_by(points.time_ms, points.scope_kind, points.scope_id)


def allocations(portfolio_id: int, filters: Filters) -> Select:
    """Select allocations."""
    scope = _scope_name(AllocationPoint.scope_kind, AllocationPoint.scope_id)
    return (
        select(
            AllocationPoint.time_ms,
            AllocationPoint.step,
            AllocationPoint.scope_kind,
            scope.label("scope"),
            AllocationPoint.weight,
            AllocationPoint.allocation,
            AllocationPoint.equity,
        )
        .where(AllocationPoint.portfolio_id == portfolio_id)
        .where(within(filters, AllocationPoint.time_ms))
        .where(within_scopes(filters, AllocationPoint.scope_kind, scope))
        .order_by(AllocationPoint.time_ms, AllocationPoint.scope_kind, AllocationPoint.scope_id)
    )


def transfers(portfolio_id: int, filters: Filters) -> Select:
    """Select transfers."""
    return (
        select(
            Transfer.time_ms,
            Transfer.step,
            Transfer.kind,
            Bot.name.label("bot"),
            Sleeve.name.label("sleeve"),
            Transfer.amount,
            Transfer.command_id,
        )
        .outerjoin(Bot, Bot.id == Transfer.bot_id)
        .outerjoin(Sleeve, Sleeve.id == Bot.sleeve_id)
        .where(Transfer.portfolio_id == portfolio_id)
        .where(within(filters, Transfer.time_ms, Sleeve.name, Bot.name))
        .order_by(Transfer.time_ms, Transfer.id)
    )


def funding(portfolio_id: int, filters: Filters) -> Select:
    """Select settlements of funding."""
    return (
        select(
            Funding.time_ms,
            Funding.step,
            Bot.name.label("bot"),
            Sleeve.name.label("sleeve"),
            Funding.symbol,
            Funding.quantity,
            Funding.price,
            Funding.rate,
            Funding.amount,
        )
        .join(Bot, Bot.id == Funding.bot_id)
        .join(Sleeve, Sleeve.id == Bot.sleeve_id)
        .where(Funding.portfolio_id == portfolio_id)
        .where(within(filters, Funding.time_ms, Sleeve.name, Bot.name, Funding.symbol))
        .order_by(Funding.time_ms, Funding.id)
    )


def events(portfolio_id: int, filters: Filters) -> Select:
    """Select events."""
    return (
        select(
            Event.time_ms,
            Event.wall_ms,
            Event.severity,
            Event.scope_kind,
            Event.scope,
            Event.kind,
            Event.message,
            Event.value,
            Event.limit,
        )
        .where(Event.portfolio_id == portfolio_id)
        .where(within(filters, Event.time_ms))
        .where(within_scopes(filters, Event.scope_kind, Event.scope))
        .order_by(Event.time_ms, Event.id)
    )


def commands(portfolio_id: int, filters: Filters) -> Select:
    """Select what people asked for but explanations, and what was answered; times are those of the wall."""
    own: dict[str, Any] = dict(Command.__table__.c)
    names = (
        "kind",
        "scope_kind",
        "scope",
        "amount",
        "cause",
        "who",
        "reason",
        "status",
        "taken_ms",
        "answered_ms",
        "answer",
    )
    return (
        select(own["asked_ms"], own["id"].label("command_id"), *(own[name] for name in names))
        .where(own["portfolio_id"] == portfolio_id, own["kind"] != CommandKind.EXPLAIN.name)
        .where(within(filters, own["asked_ms"]))
        .where(within_scopes(filters, own["scope_kind"], own["scope"]))
        .order_by(own["asked_ms"], own["id"])
    )


def _scope_name(scope_kind: Any, scope_id: Any) -> Any:
    return case(
        (scope_kind == "PORTFOLIO", select(Portfolio.name).where(Portfolio.id == scope_id).scalar_subquery()),
        (scope_kind == "SLEEVE", select(Sleeve.name).where(Sleeve.id == scope_id).scalar_subquery()),
        else_=select(Bot.name).where(Bot.id == scope_id).scalar_subquery(),
    )
