"""The statement behind each export: its columns in their stable order, its filters, its order."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, literal, null, or_, select, union_all

from shared.enums import Resolution, ScopeKind
from shared.tables import (
    AllocationPoint,
    Bot,
    Decision,
    Event,
    Fill,
    OpenDecision,
    Order,
    Portfolio,
    RoundTrip,
    Sleeve,
    Transfer,
)
from shared.tables.equity import equity_points


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows to take: times in `[start_ms, end_ms)`, names exactly, one or any of several; what is None takes all.

    A filter that a kind has no column for takes none of its rows away. `resolution` is for equity only.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    sleeve: str | tuple[str, ...] | None = None
    bot: str | tuple[str, ...] | None = None
    symbol: str | tuple[str, ...] | None = None
    side: str | tuple[str, ...] | None = None
    exit_reason: str | tuple[str, ...] | None = None
    resolution: Resolution = Resolution.HOUR


def _is(column: Any, wanted: str | tuple[str, ...]) -> Any:
    return column.in_(wanted) if isinstance(wanted, tuple) else column == wanted


def _within(
    filters: Filters,
    time: Any,
    sleeve: Any = None,
    bot: Any = None,
    symbol: Any = None,
    side: Any = None,
    exit_reason: Any = None,
) -> ColumnElement[bool]:
    wanted = [
        (sleeve, filters.sleeve),
        (bot, filters.bot),
        (symbol, filters.symbol),
        (side, filters.side),
        (exit_reason, filters.exit_reason),
    ]
    terms = [_is(column, value) for column, value in wanted if column is not None and value is not None]
    if filters.start_ms is not None:
        terms.append(time >= filters.start_ms)
    if filters.end_ms is not None:
        terms.append(time < filters.end_ms)
    return and_(True, *terms)


def fills(portfolio_id: int, filters: Filters) -> Select:
    """Select fills."""
    side = case((Fill.quantity > 0, "BUY"), else_="SELL")
    return (
        select(
            Fill.time_ms,
            Fill.step,
            Bot.name.label("bot"),
            Sleeve.name.label("sleeve"),
            Fill.symbol,
            side.label("side"),
            Fill.leg,
            Fill.trigger,
            Fill.quantity,
            Fill.price,
            Fill.fee,
            Fill.fee_currency,
            Fill.crossed,
            Fill.saved,
            Fill.client_order_id,
            Fill.exchange_trade_id,
        )
        .join(Bot, Bot.id == Fill.bot_id)
        .join(Sleeve, Sleeve.id == Fill.sleeve_id)
        .where(Fill.portfolio_id == portfolio_id)
        .where(_within(filters, Fill.time_ms, Sleeve.name, Bot.name, Fill.symbol, side))
        .order_by(Fill.time_ms, Fill.id)
    )


def orders(portfolio_id: int, filters: Filters) -> Select:
    """Select orders."""
    own: dict[str, Any] = dict(Order.__table__.c)
    names = (
        "decided_ms",
        "step",
        "client_order_id",
        "account",
        "symbol",
        "side",
        "quantity",
        "filled_quantity",
        "price",
        "fee",
        "status",
        "trigger",
        "sent_ms",
        "done_ms",
        "exchange_id",
        "reason",
    )
    return (
        select(*(own[name] for name in names))
        .where(own["portfolio_id"] == portfolio_id)
        .where(_within(filters, own["decided_ms"], symbol=own["symbol"], side=own["side"]))
        .order_by(own["decided_ms"], own["id"])
    )


def round_trips(portfolio_id: int, filters: Filters) -> Select:
    """Select round trips."""
    names = (Sleeve.name, Bot.name, RoundTrip.symbol, RoundTrip.side, RoundTrip.exit_reason)
    return (
        select(
            RoundTrip.closed_ms,
            RoundTrip.opened_ms,
            RoundTrip.duration_ms,
            Bot.name.label("bot"),
            Sleeve.name.label("sleeve"),
            RoundTrip.symbol,
            RoundTrip.side,
            RoundTrip.quantity,
            RoundTrip.entry_price,
            RoundTrip.exit_price,
            RoundTrip.profit,
            RoundTrip.fees,
            RoundTrip.return_fraction,
            RoundTrip.exit_reason,
            RoundTrip.best_fraction,
            RoundTrip.worst_fraction,
            RoundTrip.fills,
        )
        .join(Bot, Bot.id == RoundTrip.bot_id)
        .join(Sleeve, Sleeve.id == RoundTrip.sleeve_id)
        .where(RoundTrip.portfolio_id == portfolio_id)
        .where(_within(filters, RoundTrip.closed_ms, *names))
        .order_by(RoundTrip.closed_ms, RoundTrip.id)
    )


def _scope_name(scope_kind: Any, scope_id: Any) -> Any:
    return case(
        (scope_kind == "PORTFOLIO", select(Portfolio.name).where(Portfolio.id == scope_id).scalar_subquery()),
        (scope_kind == "SLEEVE", select(Sleeve.name).where(Sleeve.id == scope_id).scalar_subquery()),
        else_=select(Bot.name).where(Bot.id == scope_id).scalar_subquery(),
    )


def equity(portfolio_id: int, filters: Filters) -> Select:
    """Select equity."""
    parts = []
    for kind, ids, name in (
        (ScopeKind.PORTFOLIO, select(Portfolio.id).where(Portfolio.id == portfolio_id), None),
        (ScopeKind.SLEEVE, select(Sleeve.id).where(Sleeve.portfolio_id == portfolio_id), Sleeve.name),
        (ScopeKind.BOT, select(Bot.id).where(Bot.portfolio_id == portfolio_id), Bot.name),
    ):
        wanted = {ScopeKind.SLEEVE: filters.sleeve, ScopeKind.BOT: filters.bot}.get(kind)
        if (filters.sleeve or filters.bot) and wanted is None:
            continue
        if wanted is not None:
            ids = ids.where(_is(name, wanted))
        part = equity_points(kind, filters.resolution, ids, filters.start_ms, filters.end_ms).order_by(None)
        parts.append(part)
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
    wanted = [
        (kind, name)
        for kind, name in ((ScopeKind.SLEEVE, filters.sleeve), (ScopeKind.BOT, filters.bot))
        if name is not None
    ]
    named = or_(False, *(and_(AllocationPoint.scope_kind == kind.name, _is(scope, name)) for kind, name in wanted))
    statement = (
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
        .where(_within(filters, AllocationPoint.time_ms))
        .order_by(AllocationPoint.time_ms, AllocationPoint.scope_kind, AllocationPoint.scope_id)
    )
    return statement.where(named) if wanted else statement


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
        .where(_within(filters, Transfer.time_ms, Sleeve.name, Bot.name))
        .order_by(Transfer.time_ms, Transfer.id)
    )


def decisions(portfolio_id: int, filters: Filters) -> Select:
    """Select decisions."""
    parts = []
    for table, is_open in ((Decision.__table__, 0), (OpenDecision.__table__, 1)):
        own = table.c
        measured = (own.first_value, own.first_limit, own.last_value, own.last_limit, literal(is_open).label("open"))
        # A stretch that began before the period and reaches into it belongs to it.
        reaches = own.to_ms >= filters.start_ms if filters.start_ms is not None else True
        begins = own.from_ms < filters.end_ms if filters.end_ms is not None else True
        parts.append(
            select(
                own.from_ms,
                own.to_ms,
                own.from_step,
                own.to_step,
                Bot.name.label("bot"),
                Sleeve.name.label("sleeve"),
                Bot.symbol,
                own.low,
                own.high,
                own.confirmed,
                own.reason,
                own.ordered,
                *measured,
            )
            .join(Bot, Bot.id == own.bot_id)
            .join(Sleeve, Sleeve.id == Bot.sleeve_id)
            .where(Bot.portfolio_id == portfolio_id, reaches, begins)
            .where(
                _within(
                    Filters(sleeve=filters.sleeve, bot=filters.bot, symbol=filters.symbol),
                    null(),
                    Sleeve.name,
                    Bot.name,
                    Bot.symbol,
                )
            )
        )
    stretches = union_all(*parts).subquery("stretches").c
    return select(*stretches).order_by(stretches.from_ms, stretches.bot)


def events(portfolio_id: int, filters: Filters) -> Select:
    """Select events."""
    wanted = [
        and_(Event.scope_kind == kind, _is(Event.scope, name))
        for kind, name in (("SLEEVE", filters.sleeve), ("BOT", filters.bot))
        if name is not None
    ]
    statement = (
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
        .where(_within(filters, Event.time_ms))
        .order_by(Event.time_ms, Event.id)
    )
    return statement.where(or_(False, *wanted)) if wanted else statement
