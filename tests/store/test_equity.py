"""Equity: roll-ups made step by step are those of the raw marks, wherever they lie."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select

from shared.database import transaction
from shared.enums import Resolution, ScopeKind
from shared.tables import EquityPoint, EquityRecent
from shared.tables.equity import SLOTS, equity_points
from shared.units import DAY_MS, HOUR_MS, MINUTE_MS
from worker.store.equity import EquityMark, EquitySeries, rollup_ms, save_equity, save_equity_series

MEASURES = ("last_ms", "equity", "cash", "open_profit", "drawdown_fraction", "low_equity", "high_equity")
DAY_START_MS = 1_767_225_600_000


def mark(kind: ScopeKind, scope_id: int, equity: float, drawdown: float) -> EquityMark:
    return EquityMark(kind, scope_id, equity, equity / 2, equity / 3, equity / 4, 1000.0, drawdown)


def read(connection: Connection, kind: ScopeKind, scope_id: int, resolution: Resolution) -> list[tuple]:
    rows = connection.execute(equity_points(kind, resolution, [scope_id])).all()
    return [(row.time_ms, *(getattr(row, name) for name in MEASURES)) for row in rows]


def rolled_up(marks: list[tuple[int, float, float]], length_ms: int) -> list[tuple]:
    """The same from the raw marks (time, equity, drawdown), the plain way."""
    buckets: dict[int, list[tuple[int, float, float]]] = {}
    for one in marks:
        # A mark at 00:00 ends the day before.
        buckets.setdefault(-(-one[0] // length_ms) * length_ms - length_ms, []).append(one)
    return [
        (
            start_ms,
            within[-1][0],
            within[-1][1],
            within[-1][1] / 2,
            within[-1][1] / 4,
            max(drawdown for _, _, drawdown in within),
            min(equity for _, equity, _ in within),
            max(equity for _, equity, _ in within),
        )
        for start_ms, within in sorted(buckets.items())
    ]


MARKS = st.lists(
    st.tuples(
        st.sampled_from([MINUTE_MS, 7 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS, DAY_MS]),
        st.floats(1.0, 1e6),
        st.floats(0.0, 1.0),
    ),
    min_size=1,
    max_size=60,
)


def timed(steps: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    times = DAY_START_MS + np.cumsum([step[0] for step in steps])
    return [(int(time_ms), equity, drawdown) for time_ms, (_, equity, drawdown) in zip(times, steps, strict=True)]


@given(steps=MARKS, kind=st.sampled_from(list(ScopeKind)), scope_id=st.integers(1, 2 * SLOTS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_roll_ups_are_those_of_the_raw_marks(
    sqlite_engine: Engine, steps: list[tuple[int, float, float]], kind: ScopeKind, scope_id: int
) -> None:
    marks = timed(steps)
    with sqlite_engine.connect() as connection, connection.begin() as undone:
        for step, (time_ms, equity, drawdown) in enumerate(marks, start=1):
            save_equity(connection, step, time_ms, [mark(kind, scope_id, equity, drawdown)])
        for resolution, length_ms in ((Resolution.HOUR, HOUR_MS), (Resolution.DAY, DAY_MS)):
            assert read(connection, kind, scope_id, resolution) == rolled_up(marks, length_ms)
        steps_read = [row[1:3] for row in read(connection, kind, scope_id, Resolution.STEP)]
        assert steps_read == ([] if kind is ScopeKind.BOT else [one[:2] for one in marks])
        undone.rollback()


@given(steps=MARKS, kind=st.sampled_from(list(ScopeKind)), cut=st.integers(0, 60))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_series_written_at_once_and_continued_is_the_same(
    sqlite_engine: Engine, steps: list[tuple[int, float, float]], kind: ScopeKind, cut: int
) -> None:
    marks = timed(steps)
    before = marks[: min(cut, len(marks))]
    columns = [np.array([one[at] for one in before], kind_) for at, kind_ in enumerate((np.int64, float, float))]
    times, equity, drawdown = columns
    series = EquitySeries(
        kind, 3, times, equity, equity / 2, equity / 3, equity / 4, np.full(len(times), 1000.0), drawdown
    )
    with sqlite_engine.connect() as connection, connection.begin() as undone:
        save_equity_series(connection, series)
        for step, (time_ms, value, depth) in enumerate(marks[len(before) :], start=1):
            save_equity(connection, step, time_ms, [mark(kind, 3, value, depth)])
        for resolution, length_ms in ((Resolution.HOUR, HOUR_MS), (Resolution.DAY, DAY_MS)):
            assert read(connection, kind, 3, resolution) == rolled_up(marks, length_ms)
        undone.rollback()


@pytest.mark.parametrize(("hours", "start"), [(24, 0), (24.5, 24), (1 / 3_600_000, 0), (48, 24)])
def test_midnight_ends_the_day_before(hours: float, start: float) -> None:
    assert rollup_ms(DAY_START_MS + round(hours * HOUR_MS), DAY_MS) == DAY_START_MS + start * HOUR_MS


def test_each_step_moves_one_slot_and_the_newest_wait(engine: Engine) -> None:
    bots = range(1, 3 * SLOTS + 1)
    with transaction(engine) as connection:
        for step in range(1, 4 * SLOTS + 1):
            marks = [mark(ScopeKind.BOT, bot_id, float(step), 0.0) for bot_id in bots]
            save_equity(connection, step, DAY_START_MS + step * HOUR_MS, marks)
        waiting = connection.execute(select(func.count()).where(EquityRecent.resolution == "HOUR")).scalar_one()
        moved = connection.execute(select(func.count()).where(EquityPoint.resolution == "HOUR")).scalar_one()
        assert waiting + moved == len(bots) * 4 * SLOTS
        assert waiting <= len(bots) * SLOTS
        for bot_id in (1, SLOTS, 2 * SLOTS + 5):
            hours = read(connection, ScopeKind.BOT, bot_id, Resolution.HOUR)
            assert [row[2] for row in hours] == [float(step) for step in range(1, 4 * SLOTS + 1)]


def test_points_are_selected_by_scope_and_time(engine: Engine) -> None:
    with transaction(engine) as connection:
        for step in range(1, 6):
            marks = [mark(ScopeKind.SLEEVE, scope_id, step * 10.0 + scope_id, 0.0) for scope_id in (1, 2, 3)]
            save_equity(connection, step, DAY_START_MS + step * HOUR_MS, marks)
        statement = equity_points(
            ScopeKind.SLEEVE, Resolution.HOUR, [1, 3], DAY_START_MS + HOUR_MS, DAY_START_MS + 3 * HOUR_MS
        )
        rows = connection.execute(statement).all()
    assert [(row.scope_id, row.equity) for row in rows] == [(1, 21.0), (1, 31.0), (3, 23.0), (3, 33.0)]


def test_a_second_mark_at_the_same_moment_replaces_the_first(engine: Engine) -> None:
    with transaction(engine) as connection:
        for step, equity in ((1, 10.0), (2, 8.0)):
            save_equity(connection, step, DAY_START_MS + HOUR_MS, [mark(ScopeKind.PORTFOLIO, 1, equity, 0.0)])
        (row,) = read(connection, ScopeKind.PORTFOLIO, 1, Resolution.STEP)
        assert row[2] == 8.0
        (hour,) = read(connection, ScopeKind.PORTFOLIO, 1, Resolution.HOUR)
        assert hour[2] == 8.0 and hour[-2:] == (8.0, 10.0)
