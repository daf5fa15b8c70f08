"""The statement behind each export of what was traded and why: its columns in their stable order, filters, order."""

from typing import Any

from sqlalchemy import Select, case, literal, select, union_all

from shared.tables.export_filters import Filters, within
from shared.tables.fleet import Bot, Sleeve
from shared.tables.round_trips import RoundTrip
from shared.tables.trading import Decision, Fill, OpenDecision, Order


def fills(portfolio_id: int, filters: Filters) -> Select:
    """Select fills; of a fill the exit reason is its trigger."""
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
            # Two fills of a step may be equal in all else.
            Fill.id,
        )
        .join(Bot, Bot.id == Fill.bot_id)
        .join(Sleeve, Sleeve.id == Fill.sleeve_id)
        .where(Fill.portfolio_id == portfolio_id)
        .where(within(filters, Fill.time_ms, Sleeve.name, Bot.name, Fill.symbol, side, Fill.trigger))
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
        "reference_price",
    )
    return (
        select(*(own[name] for name in names))
        .where(own["portfolio_id"] == portfolio_id)
        .where(within(filters, own["decided_ms"], symbol=own["symbol"], side=own["side"]))
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
        .where(within(filters, RoundTrip.closed_ms, *names))
        .order_by(RoundTrip.closed_ms, RoundTrip.id)
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
            .where(within(filters, sleeve=Sleeve.name, bot=Bot.name, symbol=Bot.symbol))
        )
    stretches = union_all(*parts).subquery("stretches").c
    return select(*stretches).order_by(stretches.from_ms, stretches.bot)
