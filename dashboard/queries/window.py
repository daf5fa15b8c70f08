"""The time that the figures of a page cover: after one mark, until another ("One window" in `docs/dashboard.md`).

A mark is made at the close of a bar. It holds the exits that were worked all through the bar and the money that moved
at its close; what was filled at the open of the same time comes with the next mark.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from dashboard.queries.filters import EVERYTHING, Filters
from shared.enums import Resolution, ScopeKind, Trigger
from shared.tables import EquityPoint, Portfolio, PortfolioState, Transfer
from shared.units import DAY_MS, HOUR_MS, bar_open_ms

# Worked at the broker all through a bar, so that their fills at its close are in the mark made there.
_WITHIN_THE_BAR = (Trigger.STOP.name, Trigger.TRAILING_STOP.name, Trigger.LADDER.name)


@dataclass(frozen=True, slots=True)
class Window:
    """`(start_ms, end_ms]` between two marks; without a start since the books were opened.

    `newest_ms` is the newest mark of the fleet, the close of the bar that was stepped last.
    """

    start_ms: int | None
    end_ms: int
    newest_ms: int
    opened_ms: int
    step_ms: int

    @property
    def is_newest(self) -> bool:
        """Say whether it ends with the newest mark."""
        return self.end_ms == self.newest_ms

    @property
    def is_whole(self) -> bool:
        """Say whether it is all the time there was."""
        return self.start_ms is None and self.is_newest

    @property
    def begin_ms(self) -> int:
        """Give when it begins."""
        return self.opened_ms if self.start_ms is None else self.start_ms


def load_window(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> Window | None:
    """Load the window of the times of filters; None before the worker has opened its books.

    It begins with the last mark of the hour (of the step, where that is longer) in which the times begin and ends with
    that of the hour in which they end; without an end, or with a later one, with the newest mark. Every scope has marks
    there.
    """
    state, portfolio, moved, point = (model.__table__.c for model in (PortfolioState, Portfolio, Transfer, EquityPoint))
    first = (
        select(func.min(moved.time_ms)).where(moved.portfolio_id == portfolio_id).scalar_subquery(),
        # Of books that do not say what they were opened with: the day of the first mark.
        select(func.min(point.time_ms))
        .where(
            point.scope_kind == ScopeKind.PORTFOLIO.name,
            point.scope_id == portfolio_id,
            point.resolution == Resolution.DAY.name,
        )
        .scalar_subquery(),
    )
    statement = select(state.time_ms, portfolio.step_ms, func.coalesce(*first, state.time_ms)).join(
        Portfolio.__table__, portfolio.id == state.portfolio_id
    )
    row = connection.execute(statement.where(portfolio.id == portfolio_id)).first()
    if row is None:
        return None
    last_ms, step_ms, opened_ms = (int(value or 0) for value in row)
    newest_ms, grid_ms = last_ms + step_ms, max(step_ms, HOUR_MS)
    start_ms, end_ms = filters.start_ms, newest_ms
    if start_ms is not None:
        start_ms = min(bar_open_ms(start_ms, grid_ms), newest_ms)
    if filters.end_ms is not None:
        end_ms = min(-bar_open_ms(-filters.end_ms, grid_ms), newest_ms)
    if start_ms is not None and start_ms <= opened_ms:
        start_ms = None
    return Window(start_ms, end_ms, newest_ms, opened_ms, step_ms)


def windowed(connection: Connection, portfolio_id: int, filters: Filters) -> Filters:
    """Give filters whose times are those of their window, to be held against times by `marked_where`."""
    window = load_window(connection, portfolio_id, filters)
    return filters if window is None else replace(filters, start_ms=window.start_ms, end_ms=window.end_ms)


def marked_where(time: Any, trigger: Any, filters: Filters) -> list[ColumnElement[bool]]:
    """Say which fills, or which round trips by their last one, are in the marks after a start until an end."""
    within, terms = trigger.in_(_WITHIN_THE_BAR), []
    if filters.start_ms is not None:
        terms += [time >= filters.start_ms, or_(time > filters.start_ms, ~within)]
    if filters.end_ms is not None:
        terms += [time <= filters.end_ms, or_(time < filters.end_ms, within)]
    return terms


def marked_day_ms(time: Any, trigger: Any) -> ColumnElement[int]:
    """Give the UTC day whose marks hold a fill: one that was worked through the last bar of a day is of that day."""
    return (time - case((trigger.in_(_WITHIN_THE_BAR), 1), else_=0)) // DAY_MS * DAY_MS


def later_where(time: Any, trigger: Any, window: Window) -> ColumnElement[bool]:
    """Say which fills came after the newest mark."""
    return and_(*marked_where(time, trigger, Filters(start_ms=window.newest_ms)))
