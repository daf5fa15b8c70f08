"""The depth of a period is from its own highest: against every mark gone through again, bar by bar."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries import depths
from dashboard.queries.bot_days import load_bot_returns
from dashboard.queries.bots import load_bots
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import Filters
from dashboard.queries.flows import flow_free
from dashboard.queries.marks import load_marks
from dashboard.queries.returns import load_daily, return_figures
from shared.enums import CommandKind, Resolution, ScopeKind
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID, SLEEVE
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.totals.replayed import Curve, Replay, replay

STARTS = {
    "from a midnight": BEGIN_MS + 6 * DAY_MS,
    "from an hour": BEGIN_MS + 8 * DAY_MS + 5 * HOUR_MS,
    "of money that moved": BEGIN_MS + 2 * DAY_MS,
}
SCOPES = (
    PORTFOLIO,
    Scope(ScopeKind.SLEEVE, SLEEVE),
    Scope(ScopeKind.BOT, BOT),
    Scope(ScopeKind.BOT, "mr_btc_usdt_1h_p1"),
)


@pytest.fixture(scope="module")
def played(connection: Connection) -> Replay:
    return replay(connection)


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def of(played: Replay, scope: Scope) -> Curve:
    if scope.kind is ScopeKind.PORTFOLIO:
        return played.portfolio
    return played.sleeve(scope.name) if scope.kind is ScopeKind.SLEEVE else played.bots[scope.name]


def from_the_highest_ever(curve: Curve, time_ms: int) -> float:
    """Give what pages once showed: the worker's drawdowns of the period."""
    return max(curve.drawdowns[curve.at(time_ms) :])


@pytest.mark.parametrize("start", STARTS)
def test_a_period_is_as_deep_as_its_own_marks(connection: Connection, played: Replay, start: str) -> None:
    for scope in SCOPES:
        curve, first_ms = of(played, scope), STARTS[start]
        daily = load_daily(connection, ID, scope, STARTS[start])
        figures = return_figures(daily)
        assert figures.max_drawdown == near(max(curve.since(first_ms).drawdowns)), scope
        assert figures.drawdown_of == ("HOUR" if scope.kind is ScopeKind.BOT else "STEP")
        assert daily["drawdown_fraction"].iloc[0] == 0.0 and len(daily) > 2
        if figures.max_drawdown > 0.0:
            assert figures.calmar_ratio == near(figures.annual_return / figures.max_drawdown)


def test_the_highest_ever_would_say_another_depth(connection: Connection, played: Replay) -> None:
    """The rule that was: it must not pass as this one."""
    apart = []
    for start_ms in STARTS.values():
        for scope in SCOPES:
            shown = return_figures(load_daily(connection, ID, scope, start_ms)).max_drawdown
            old = from_the_highest_ever(of(played, scope), start_ms)
            assert shown <= old + 1e-12
            apart.append(old - shown)
    assert sum(difference > 0.002 for difference in apart) >= 4


def test_since_the_books_began_it_is_the_workers(connection: Connection, played: Replay) -> None:
    for scope in SCOPES:
        for start_ms in (None, BEGIN_MS - DAY_MS):
            figures = return_figures(load_daily(connection, ID, scope, start_ms))
            assert figures.max_drawdown == near(max(of(played, scope).drawdowns)) != 0.0
            assert figures.drawdown_of == "STEP"


@pytest.mark.parametrize("start", STARTS)
def test_each_bot_is_as_deep_as_its_own_marks(connection: Connection, played: Replay, start: str) -> None:
    filters = Filters(STARTS[start])
    table = load_bots(connection, ID, filters).set_index("bot")["max_drawdown_fraction"]
    reported = load_bot_returns(connection, ID, filters).set_index("bot")["max_drawdown"]
    assert set(table.index) == set(reported.index) == set(played.bots)
    for name, curve in played.bots.items():
        deepest = near(max(curve.since(STARTS[start]).drawdowns))
        assert (table[name], reported[name]) == (deepest, deepest), name
    old = [from_the_highest_ever(curve, STARTS[start]) for curve in played.bots.values()]
    assert np.sum(np.array(old) - table.reindex(list(played.bots)).to_numpy() > 0.004) > 3


def test_hours_and_days_never_say_more_than_every_mark(
    connection: Connection, played: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms = STARTS["of money that moved"]
    monkeypatch.setattr(depths, "MOST_MARKS", 1)
    for scope in SCOPES:
        daily = load_daily(connection, ID, scope, start_ms)
        figures, exact = return_figures(daily), max(of(played, scope).since(start_ms).drawdowns)
        by_closes = 1.0 - daily["flow_free_equity"] / daily["flow_free_equity"].cummax()
        assert figures.drawdown_of == "DAY"
        assert by_closes.max() - 1e-12 <= figures.max_drawdown <= exact + 1e-12
        assert figures.max_drawdown > 0.7 * exact > 0.0, "the lowest of a day must count"


@pytest.fixture
def in_and_out(folder: Path) -> Iterator[Connection]:
    """Give books where money came and went within a day."""
    books = seeding.Books(folder, seeding.settings_of(*seeding.TIGHT_BRAKES, days=4))

    def act(session: seeding.Session) -> None:
        session.step(50)
        session.ask(CommandKind.DEPOSIT, amount=9_000.0)
        session.step(3)
        session.ask(CommandKind.WITHDRAW, amount=9_000.0)
        session.step(30)

    seeding.run(books, act)
    yield from connected(books)


def test_money_that_came_and_went_within_a_mark_is_no_depth(in_and_out: Connection) -> None:
    days = load_marks(in_and_out, ScopeKind.PORTFOLIO, [ID], Resolution.DAY)
    grown = flow_free(in_and_out, ID, ScopeKind.PORTFOLIO, days, Resolution.DAY)
    told = depths.depths(in_and_out, ID, ScopeKind.PORTFOLIO, days, grown)
    equity = days["equity"].to_numpy()
    assert (days["high_equity"].to_numpy() / equity).max() > 1.2, "money must have come and gone within a day"
    assert np.diff(days["money_in"]).max() == 0.0
    assert told.max() < 0.05
