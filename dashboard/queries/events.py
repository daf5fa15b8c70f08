"""What happened lately."""

from pandas import DataFrame
from sqlalchemy import Connection, and_, or_, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.frames import frame
from dashboard.queries.trips import period_where
from shared.enums import ScopeKind
from shared.tables import Event

_COLUMNS = ("time_ms", "wall_ms", "severity", "scope_kind", "scope", "kind", "message", "value", "limit")


def load_events(
    connection: Connection,
    portfolio_id: int,
    filters: Filters = EVERYTHING,
    severities: tuple[str, ...] = (),
    kinds: tuple[str, ...] = (),
    limit: int = 200,
) -> DataFrame:
    """Load events, newest first.

    Columns: event_id, time_ms (market), wall_ms, severity, scope_kind, scope (empty for the portfolio), kind, message,
    value, limit. Filters: times, bots and sleeves (events of these scopes themselves).
    """
    own = Event.__table__.c
    statement = select(own.id.label("event_id"), *(own[name] for name in _COLUMNS))
    statement = statement.where(own.portfolio_id == portfolio_id, *period_where(own.time_ms, filters))
    scopes = [
        and_(own.scope_kind == kind.name, own.scope.in_(names))
        for kind, names in ((ScopeKind.SLEEVE, filters.sleeves), (ScopeKind.BOT, filters.bots))
        if names
    ]
    if scopes:
        statement = statement.where(or_(*scopes))
    if severities:
        statement = statement.where(own.severity.in_(severities))
    if kinds:
        statement = statement.where(own.kind.in_(kinds))
    return frame(connection, statement.order_by(own.time_ms.desc(), own.id.desc()).limit(limit))
