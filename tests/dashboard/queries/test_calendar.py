"""Profit and fees by day, week and month: against the books gone through again up to each end of one."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from dashboard.queries.calendar import Stretch, load_profit_by_time
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.returns import load_daily, return_figures
from shared.enums import ScopeKind
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID, SLEEVE
from tests.dashboard.queries.conftest import newest_mark_ms
from tests.dashboard.queries.recomputed import Books, recompute

SCOPES = (PORTFOLIO, Scope(ScopeKind.SLEEVE, SLEEVE), Scope(ScopeKind.BOT, BOT))
PERIODS = ((None, None), (BEGIN_MS + 3 * DAY_MS + 5 * HOUR_MS, BEGIN_MS + 10 * DAY_MS + 7 * HOUR_MS))


def begin_of(time_ms: int, by: Stretch) -> int:
    """Give where the stretch of a mark begins; one at midnight ends the day before."""
    day = datetime.fromtimestamp((time_ms - 1) / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if by is Stretch.WEEK:
        day = datetime.fromtimestamp(day.timestamp() - day.weekday() * 86_400, UTC)
    elif by is Stretch.MONTH:
        day = day.replace(day=1)
    return int(day.timestamp()) * 1000


def of(books: Books, scope: Scope) -> tuple[float, float, int]:
    """Give what a scope has made and paid, and how often it traded."""
    own = [
        account
        for account in books.accounts.values()
        if scope.kind is ScopeKind.PORTFOLIO or scope.name in (account.name, account.sleeve)
    ]
    names = {account.name for account in own}
    made = sum(account.equity(books.closes.get(account.symbol, 0.0)) - account.money_in for account in own)
    return made, sum(account.fees for account in own), sum(fill["bot"] in names for fill in books.fills)


@pytest.mark.parametrize("by", list(Stretch))
@pytest.mark.parametrize("period", PERIODS, ids=["all", "within"])
def test_each_stretch_is_what_the_fills_amount_to(
    connection: Connection, by: Stretch, period: tuple[int | None, int | None]
) -> None:
    start_ms, end_ms = period[0] or BEGIN_MS, period[1] or newest_mark_ms(connection)
    marks = range(start_ms + HOUR_MS, end_ms + 1, HOUR_MS)
    ends = {begin_of(time_ms, by): time_ms for time_ms in marks}
    books = {time_ms: recompute(connection, time_ms) for time_ms in (start_ms, *ends.values())}
    for scope in SCOPES:
        table = load_profit_by_time(connection, ID, by, scope, *period)
        assert table["from_ms"].tolist() == list(ends)
        before = of(books[start_ms], scope) if period[0] else (0.0, 0.0, 0)
        for row, until_ms in zip(table.to_dict("records"), ends.values(), strict=True):
            now = of(books[until_ms], scope)
            assert row["profit"] == pytest.approx(now[0] - before[0], abs=1e-7)
            assert row["fees"] == pytest.approx(now[1] - before[1], abs=1e-9)
            assert row["fills"] == now[2] - before[2]
            before = now
        assert table["fills"].sum() > 0
        whole = return_figures(load_daily(connection, ID, scope, *period))
        assert (1.0 + table["return_fraction"]).prod() - 1.0 == pytest.approx(whole.total_return)
        assert table["days"].sum() == whole.days


def test_a_stop_at_midnight_is_of_the_day_before(connection: Connection) -> None:
    """Its fill is in the mark that ends the day: so are its fee and its loss."""
    stops = connection.exec_driver_sql(
        f"SELECT count(*) FROM fill WHERE time_ms % {DAY_MS} = 0 AND trigger IN ('STOP', 'TRAILING_STOP')"
    ).scalar_one()
    opens = connection.exec_driver_sql(
        f"SELECT count(*) FROM fill WHERE time_ms % {DAY_MS} = 0 AND trigger = 'SIGNAL'"
    ).scalar_one()
    assert stops and opens, "the books must have both, or nothing is shown here"
