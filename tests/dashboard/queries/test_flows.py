"""Money that moved is neither profit nor loss, at whatever resolution marks are read."""

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries import flows, marks
from dashboard.queries.bots import load_bots
from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.fleet import load_members
from dashboard.queries.returns import load_daily, return_figures
from shared.enums import Resolution, ScopeKind
from tests.dashboard.queries.catalogue import ID


def scopes(connection: Connection) -> list[Scope]:
    members = load_members(connection, ID)
    bots = [Scope(ScopeKind.BOT, name) for name in members["bot"]]
    return [PORTFOLIO, *(Scope(ScopeKind.SLEEVE, name) for name in members["sleeve"].unique()), *bots]


def test_days_make_the_same_return_as_steps_and_hours(connection: Connection) -> None:
    apart = []
    for scope in scopes(connection):
        curve, daily = load_equity(connection, ID, (scope,)), load_daily(connection, ID, scope)
        total = return_figures(daily).total_return
        assert total == pytest.approx(curve["return_fraction"].iloc[-1], rel=1e-9), scope
        by_days = marks.without_flows(daily["equity"].to_numpy(), daily["money_in"].to_numpy())
        apart.append(abs(by_days[-1] / by_days[0] - 1.0 - total))
    assert max(apart) > 0.003, "money must have moved within days, for marks of days alone to be off"


def test_every_page_says_the_same_return_of_a_bot(connection: Connection) -> None:
    table = load_bots(connection, ID).set_index("bot")
    for name in table.index:
        daily = load_daily(connection, ID, Scope(ScopeKind.BOT, name))
        assert return_figures(daily).total_return == pytest.approx(table.loc[name, "return_fraction"], rel=1e-9)


def test_a_table_made_of_days_says_the_same_as_one_of_hours(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hours = load_bots(connection, ID)["return_fraction"]
    monkeypatch.setattr("dashboard.queries.bots.MOST_MARKS", 400)
    by_days = load_bots(connection, ID)
    assert by_days["sparkline"].map(len).max() < 20, "the table must have been made of days"
    np.testing.assert_allclose(by_days["return_fraction"], by_hours, rtol=1e-9)


def test_of_too_many_flows_the_newest_are_exact(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = Scope(ScopeKind.BOT, "mr_btc_usdt_1h_p1")
    exact = load_daily(connection, ID, scope)["return_fraction"].to_numpy()[1:]
    monkeypatch.setattr(flows, "MOST_MARKS", 2)
    near = load_daily(connection, ID, scope)["return_fraction"].to_numpy()[1:]
    # A rebalance on the sixth day, a withdrawal on the seventh.
    assert np.flatnonzero(np.abs(exact - near) > 1e-9).tolist() == [5]
    np.testing.assert_allclose(near, exact, atol=0.01)


def test_marks_of_nobody_are_nothing(connection: Connection) -> None:
    none = marks.load_marks(connection, ScopeKind.BOT, [], Resolution.DAY)
    assert len(flows.flow_free(connection, ID, ScopeKind.BOT, none, Resolution.DAY)) == 0
