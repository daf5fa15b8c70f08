"""Curves, days, months, brakes and settings: what follows from marks and rows."""

import numpy as np
import pytest
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries import marks
from dashboard.queries.allocations import load_weights
from dashboard.queries.bots import load_bots
from dashboard.queries.control import load_command, load_commands, load_settings_versions, settings_table
from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.fleet import load_newest, load_settings
from dashboard.queries.overview import load_overview
from dashboard.queries.returns import (
    load_correlations,
    load_daily,
    monthly_returns,
    return_figures,
    rolling_sharpe,
)
from dashboard.queries.risk import load_brake_history, load_brakes
from dashboard.queries.round_trips import distribution, load_trip_facts
from shared.enums import Resolution, ScopeKind
from shared.metrics.round_trips import effective_interval, wilson_interval
from shared.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID


def test_the_resolution_is_the_finest_that_stays_small() -> None:
    portfolio, bot = ScopeKind.PORTFOLIO, ScopeKind.BOT
    assert marks.resolution_for(DAY_MS, MINUTE_MS, portfolio) is Resolution.STEP
    assert marks.resolution_for(2 * DAY_MS, MINUTE_MS, portfolio) is Resolution.HOUR
    assert marks.resolution_for(DAY_MS, MINUTE_MS, bot) is Resolution.HOUR
    assert marks.resolution_for(83 * DAY_MS, HOUR_MS, portfolio) is Resolution.STEP
    assert marks.resolution_for(84 * DAY_MS, HOUR_MS, portfolio) is Resolution.DAY


def test_a_deposit_is_no_return(connection: Connection) -> None:
    curve = load_equity(connection, ID)
    jump = int(np.argmax(np.diff(curve["money_in"].to_numpy()))) + 1
    assert curve["money_in"].diff().iloc[jump] == pytest.approx(5_000.0)
    assert curve["equity"].diff().iloc[jump] > 4_000.0
    assert abs(curve["profit"].diff().iloc[jump]) < 200.0
    assert abs(curve["return_fraction"].diff().iloc[jump]) < 0.01
    assert curve["drawdown_fraction"].max() < 0.1


def test_returns_chain_from_mark_to_mark(connection: Connection) -> None:
    curve = load_equity(connection, ID)
    equity, money_in = curve["equity"].to_numpy(), curve["money_in"].to_numpy()
    growth = 1.0
    for at in range(1, len(curve)):
        # No rebalance moves money of the portfolio: what came in came between the marks, and counts from the first.
        growth *= equity[at] / (equity[at - 1] + money_in[at] - money_in[at - 1])
    assert curve["return_fraction"].iloc[-1] == pytest.approx(growth - 1.0, rel=1e-9)
    assert curve["return_fraction"].iloc[0] == 0.0


def test_curves_begin_with_the_money_put_in(connection: Connection) -> None:
    for scope, money in (
        (PORTFOLIO, 27_000.0),
        (Scope(ScopeKind.SLEEVE, "breakout"), 9_000.0),
        (Scope(ScopeKind.BOT, BOT), 1_000.0),
    ):
        curve = load_equity(connection, ID, (scope,))
        assert (curve["time_ms"].iloc[0], curve["equity"].iloc[0]) == (BEGIN_MS, money)
        assert (np.diff(curve["time_ms"]) > 0).all()


def test_the_return_of_a_bot_is_that_of_its_curve(connection: Connection) -> None:
    table = load_bots(connection, ID).set_index("bot")
    for name in table.index[:6]:
        curve = load_equity(connection, ID, (Scope(ScopeKind.BOT, name),))
        assert table.loc[name, "return_fraction"] == pytest.approx(curve["return_fraction"].iloc[-1], abs=1e-12)
        assert table.loc[name, "max_drawdown_fraction"] == pytest.approx(curve["drawdown_fraction"].max())
        line = table.loc[name, "sparkline"]
        assert 2 <= len(line) <= 60 and line[-1] == table.loc[name, "return_fraction"]


def test_months_multiply_to_the_total(connection: Connection) -> None:
    daily = load_daily(connection, ID)
    figures, months = return_figures(daily), monthly_returns(daily)
    assert np.prod(1.0 + months["return_fraction"]) - 1.0 == pytest.approx(figures.total_return)
    assert months["days"].sum() == figures.days == len(daily) - 1
    assert months["profit"].sum() == pytest.approx(daily["profit"].sum())
    assert figures.max_drawdown >= daily["drawdown_fraction"].max() > 0.0


def test_a_mark_at_midnight_ends_the_month_before() -> None:
    midnight = 1_769_904_000_000  # 2026-02-01 00:00 UTC
    daily = DataFrame(
        {
            "time_ms": [midnight - DAY_MS, midnight, midnight + DAY_MS],
            "return_fraction": [np.nan, 0.10, 0.20],
            "profit": [np.nan, 10.0, 22.0],
        }
    )
    rows = monthly_returns(daily).to_dict("records")
    assert [(row["year"], row["month"], row["days"]) for row in rows] == [(2026, 1, 1), (2026, 2, 1)]
    assert [row["return_fraction"] for row in rows] == pytest.approx([0.10, 0.20])


def test_a_rolling_ratio_waits_until_it_has_its_days(connection: Connection) -> None:
    daily = load_daily(connection, ID)
    rolled = rolling_sharpe(daily, 5)
    assert len(rolled) == len(daily) - 1 - 4
    own = daily["return_fraction"].to_numpy()[-5:]
    assert rolled["sharpe_ratio"].iloc[-1] == pytest.approx(own.mean() / own.std(ddof=1) * 365**0.5)
    assert rolling_sharpe(daily, 10_000).empty


def test_bots_move_together_with_themselves(connection: Connection) -> None:
    table = load_correlations(connection, ID)
    own = np.diag(table.to_numpy())
    assert np.nansum(own) > 10 and np.allclose(own[~np.isnan(own)], 1.0)
    assert np.allclose(table, table.T, equal_nan=True)
    some = load_correlations(connection, ID, Filters(bots=(BOT, "bo_btc_usdt_1h_p1")))
    assert list(some.columns) == list(some.index) == [BOT, "bo_btc_usdt_1h_p1"]
    few = load_correlations(connection, ID, most=3)
    assert len(few) == 3 and few.attrs["left_out"] == 24


def test_shares_of_a_rebalance_sum_to_one(connection: Connection) -> None:
    for kind in (ScopeKind.SLEEVE, ScopeKind.BOT):
        points = load_weights(connection, ID, kind)
        assert len(points) and np.allclose(points.groupby("time_ms")["share"].sum(), 1.0)
    sleeves = load_weights(connection, ID)
    assert np.allclose(sleeves.groupby("time_ms")["weight"].sum(), 1.0)


def test_bins_hold_every_round_trip(connection: Connection) -> None:
    facts = load_trip_facts(connection, ID)
    table = distribution(facts, 20)
    assert table["count"].sum() == len(facts)
    assert table["wins"].sum() == (facts["profit"] > 0.0).sum()
    gains = table[table["low"] >= -1e-15]
    assert gains["count"].sum() == (facts["return_fraction"] > 0.0).sum()
    assert 0.0 in np.round(table["low"], 15).tolist()


def test_the_interval_widens_with_fewer_trials() -> None:
    assert effective_interval(60, 100, 100) == wilson_interval(60, 100)
    low, high = effective_interval(60, 100, 10)
    assert (low, high) == pytest.approx(wilson_interval(6, 10))
    assert effective_interval(100, 100, 7)[1] == 1.0 and effective_interval(0, 100, 7)[0] == 0.0
    assert np.isnan(effective_interval(0, 0, 0)).all()


def test_brakes_are_fractions_of_their_limits(connection: Connection) -> None:
    table, overview = load_brakes(connection, ID), load_overview(connection, ID)
    risk = load_settings(connection, ID)["risk"]
    assert overview is not None and len(table) == 2 + 3 + 27
    whole = table[table["scope_kind"] == "PORTFOLIO"].set_index("brake")
    assert whole.loc["DRAWDOWN", "limit_fraction"] == risk["portfolio_drawdown"] == overview.drawdown_limit
    assert whole.loc["DAILY_LOSS", "limit_fraction"] == risk["daily_loss"]
    assert whole.loc["DRAWDOWN", "value_fraction"] == overview.drawdown_fraction
    assert (table["left_fraction"] == table["limit_fraction"] - table["value_fraction"]).all()
    assert ((table["value_fraction"] >= 0.0) & (table["value_fraction"] < 1.0)).all()
    tripped = set(table.loc[(table["scope_kind"] == "BOT") & (table["level"] == "NO_ENTRIES"), "scope"])
    history = load_brake_history(connection, ID)
    told = history[(history["what"] == "TRIPPED") & (history["scope_kind"] == "BOT")]
    assert tripped and tripped == set(told["scope"])
    assert (told["value"] >= told["limit"]).all()
    assert (np.diff(history["time_ms"]) <= 0).all()


def test_each_configuration_says_what_it_changed(connection: Connection) -> None:
    versions = load_settings_versions(connection, ID)
    assert len(versions) == 2
    assert "risk.stop: 0.03 → 0.04" in versions["changes"].iloc[0]
    assert "risk.cooldown: 300.0 → 600.0" in versions["changes"].iloc[0]
    assert len(versions["changes"].iloc[0].splitlines()) == 2
    assert versions["changes"].iloc[1] == ""
    table = settings_table(load_settings(connection, ID)).set_index("setting")["value"]
    assert table["risk.stop"] == "0.04" and table["portfolio.name"] == '"flotilla"'


def test_the_audit_trail_has_everything_asked(connection: Connection) -> None:
    commands = load_commands(connection, ID)
    assert commands["kind"].tolist() == ["WITHDRAW", "WITHDRAW", "DEPOSIT", "PAUSE"]
    assert commands["status"].tolist() == ["DONE", "REFUSED", "DONE", "DONE"]
    assert (commands["asked_ms"] <= commands["answered_ms"]).all()
    one = load_command(connection, int(commands["command_id"].iloc[0]))
    assert one is not None and one["answer"].startswith("750.00 taken out")
    assert load_command(connection, 10_000) is None
    assert load_commands(connection, ID, only_pending=True).empty


def test_nothing_new_is_the_same_key(connection: Connection) -> None:
    assert load_newest(connection, ID) == load_newest(connection, ID)
    assert load_newest(connection, ID).step == 288
