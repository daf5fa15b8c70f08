"""Steps that the books should have and do not, as far as the books themselves can tell."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from shared.enums import Resolution, ScopeKind
from shared.tables import EquityPoint, Fill, Heartbeat, Order, Portfolio, PortfolioState, Transfer
from shared.units import format_time

_NUMBERED = (Fill, Order, Transfer, Heartbeat)


def missing_steps(connection: Connection, portfolio_id: int) -> list[str]:
    """Say which steps are missing, a sentence for each stretch of them."""
    own, state = Portfolio.__table__.c, PortfolioState.__table__.c
    statement = select(own.step_ms, state.step, state.time_ms).join(PortfolioState, state.portfolio_id == own.id)
    row = connection.execute(statement.where(own.id == portfolio_id)).first()
    if row is None or not row.step:
        return []
    return [
        *_after_the_last(connection, portfolio_id, row.step),
        *_between(connection, portfolio_id, row.step_ms, row.time_ms + row.step_ms),
    ]


def _after_the_last(connection: Connection, portfolio_id: int, last: int) -> Iterator[str]:
    """Look for rows of steps that the portfolio knows nothing of."""
    for table in (model.__table__ for model in _NUMBERED):
        largest = select(func.max(table.c.step)).where(table.c.portfolio_id == portfolio_id)
        step = connection.execute(largest).scalar() or 0
        if step > last:
            yield f"{table.name} has step {step}, the portfolio ends with step {last}"


def _between(connection: Connection, portfolio_id: int, step_ms: int, last_ms: int) -> Iterator[str]:
    """Look for closes without a point of the portfolio's equity."""
    points = EquityPoint.__table__.c
    of_portfolio = (
        select(points.time_ms, func.lag(points.time_ms).over(order_by=points.time_ms).label("before_ms"))
        .where(points.scope_kind == ScopeKind.PORTFOLIO.name, points.scope_id == portfolio_id)
        .where(points.resolution == Resolution.STEP.name)
        .subquery()
    )
    gaps = select(of_portfolio).where(of_portfolio.c.time_ms - of_portfolio.c.before_ms > step_ms)
    for time_ms, before_ms in connection.execute(gaps.order_by(of_portfolio.c.time_ms)):
        yield _said(before_ms, time_ms, step_ms)
    newest_ms = connection.execute(select(func.max(of_portfolio.c.time_ms))).scalar()
    if newest_ms is not None and newest_ms < last_ms:
        yield _said(newest_ms, last_ms + step_ms, step_ms)


def _said(before_ms: int, after_ms: int, step_ms: int) -> str:
    count = (after_ms - before_ms) // step_ms - 1
    first, last = format_time(before_ms + step_ms), format_time(after_ms - step_ms)
    return f"equity has no point of the {count} steps that closed from {first} to {last}"
