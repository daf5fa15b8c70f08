"""Every total a query gives, against the books gone through again from fills alone."""

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.allocations import load_holdings, load_savings, load_targets, load_transfers
from dashboard.queries.bots import load_bots
from dashboard.queries.costs import load_costs
from dashboard.queries.decisions import load_reason_counts
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.overview import load_overview, load_win_rate
from dashboard.queries.positions import load_positions
from dashboard.queries.returns import load_daily
from dashboard.queries.risk import load_exposures
from dashboard.queries.round_trips import Dimension, load_trip_facts, trip_figures, win_rates
from dashboard.queries.trades import load_fills, load_round_trips
from shared.enums import ScopeKind
from tests.dashboard import seeding
from tests.dashboard.queries import recomputed
from tests.dashboard.queries.conftest import connected, newest_mark_ms
from tests.dashboard.queries.recomputed import Books

ID = seeding.PORTFOLIO_ID


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-7)


def test_the_seeded_books_have_something_of_everything(connection: Connection, again: Books) -> None:
    assert len(again.fills) > 100 and len(again.trips) > 50
    assert again.total("funding") != 0.0 and again.total("saved") > 0.0
    assert any(account.lots for account in again.accounts.values())
    assert {trip.exit_reason for trip in again.trips} >= {"SIGNAL", "STOP", "TRAILING_STOP"}
    assert {trip.side for trip in again.trips} == {"BUY", "SELL"}


def test_the_overview_is_what_fills_amount_to(connection: Connection, again: Books, marked: Books) -> None:
    overview = load_overview(connection, ID)
    assert overview is not None
    assert len(again.fills) > len(marked.fills), "something must have been filled at the open after the newest mark"
    assert overview.equity == near(marked.equity) != near(again.equity)
    assert overview.money_in == near(marked.money_in)
    assert overview.profit == near(marked.equity - marked.money_in)
    assert overview.cash == near(again.cash + again.total("cash"))
    assert overview.open_profit == near(again.open_profit)
    assert overview.realised_profit == near(marked.total("realised"))
    assert overview.funding == near(marked.total("funding"))
    assert overview.fees == near(marked.total("fees")) != near(again.total("fees"))
    assert overview.saved_quote == near(marked.total("saved"))
    notionals = [account.quantity * again.closes[account.symbol] for account in again.accounts.values()]
    assert overview.gross_exposure == near(sum(map(abs, notionals)))
    assert overview.net_exposure == near(sum(notionals))
    assert overview.exposure_fraction == near(sum(map(abs, notionals)) / marked.equity)
    assert overview.positions == sum(abs(account.quantity) > 1e-7 for account in again.accounts.values())
    assert overview.profit == near(overview.realised_profit + marked.open_profit + overview.funding)


def test_today_is_what_was_made_since_midnight(connection: Connection, marked: Books) -> None:
    overview = load_overview(connection, ID)
    assert overview is not None
    assert overview.day_start_ms % recomputed.DAY_MS == 0
    midnight = recomputed.recompute(connection, overview.day_start_ms)
    made = (marked.equity - marked.money_in) - (midnight.equity - midnight.money_in)
    assert overview.today_profit == near(made)
    assert overview.fees_today == near(marked.total("fees") - midnight.total("fees"))
    assert overview.fills_today == len(marked.fills) - len(midnight.fills)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [1, 5, 23, 30])
def test_today_is_right_at_any_hour(hours: int, folder) -> None:
    books = seeding.opened(folder)
    seeding.run(books, lambda session: session.step(24 * 6 + hours))
    for connection in connected(books):
        again = recomputed.recompute(connection, newest_mark_ms(connection))
        overview = load_overview(connection, ID)
        assert overview is not None
        assert overview.day_start_ms == (overview.market_ms // recomputed.DAY_MS) * recomputed.DAY_MS
        midnight = recomputed.recompute(connection, overview.day_start_ms)
        assert again.fills
        made = (again.equity - again.money_in) - (midnight.equity - midnight.money_in)
        assert overview.today_profit == near(made)
        assert overview.fees_today == near(again.total("fees") - midnight.total("fees"))
        assert overview.fills_today == len(again.fills) - len(midnight.fills)
        assert overview.today_fraction == near(overview.equity / overview.day_start_equity - 1.0)


def test_each_bot_is_what_its_fills_amount_to(connection: Connection, again: Books, marked: Books) -> None:
    table = load_bots(connection, ID).set_index("bot")
    assert set(table.index) == set(again.accounts)
    for name, account in again.accounts.items():
        row, close, then = table.loc[name], again.closes[account.symbol], marked.accounts[name]
        assert row["equity"] == near(then.equity(close))
        assert row["profit"] == near(then.equity(close) - then.money_in)
        assert row["open_profit"] == near(account.open_profit(close))
        assert row["marked_open_profit"] == near(then.open_profit(close))
        assert row["realised_profit"] == near(then.realised)
        assert row["fees"] == near(then.fees)
        assert row["funding"] == near(then.funding)
        assert row["position"] == near(account.quantity)
        assert row["round_trips"] == len(then.trips)
        assert row["wins"] == sum(trip.profit > 0.0 for trip in then.trips)
        assert row["trips_profit"] == near(sum(trip.profit for trip in then.trips))
        assert row["side"] == ("FLAT" if abs(account.quantity) < 1e-8 else "LONG" if account.quantity > 0 else "SHORT")
    won, count = table["wins"].to_numpy(), table["round_trips"].to_numpy()
    some = count > 0
    assert np.allclose(table["win_rate"][some], won[some] / count[some])
    assert table["win_rate"][~some].isna().all()
    assert ((table["win_rate_low"][some] <= table["win_rate"][some]) & (table["win_rate_high"][some] >= 0)).all()


def test_round_trips_and_fills_sum_to_the_totals(connection: Connection, again: Books) -> None:
    page, fills = load_round_trips(connection, ID), load_fills(connection, ID)
    assert page.is_exact and page.count == len(page.rows) == len(again.trips)
    assert page.rows["profit"].sum() == near(sum(trip.profit for trip in again.trips))
    assert page.rows["fees"].sum() == near(sum(trip.fees for trip in again.trips))
    assert fills.is_exact and fills.count == len(fills.rows) == len(again.fills)
    assert fills.rows["fee"].sum() == near(again.total("fees"))
    assert fills.rows["saved"].sum() == near(again.total("saved"))
    traded = sum(abs(fill["quantity"]) * fill["price"] for fill in again.fills)
    assert fills.rows["notional"].sum() == near(traded)


def test_round_trips_are_those_of_the_fills_one_by_one(connection: Connection, again: Books) -> None:
    rows = load_round_trips(connection, ID).rows
    shown = sorted(
        zip(rows["bot"], rows["opened_ms"], rows["closed_ms"], rows["side"], rows["exit_reason"], strict=True)
    )
    made = sorted((trip.bot, trip.opened_ms, trip.closed_ms, trip.side, trip.exit_reason) for trip in again.trips)
    assert shown == made
    profits = dict(zip(zip(rows["bot"], rows["closed_ms"], strict=True), rows["profit"], strict=True))
    for trip in again.trips:
        assert profits[(trip.bot, trip.closed_ms)] == near(trip.profit)


def test_the_win_rate_is_that_of_the_fills(connection: Connection, marked: Books) -> None:
    rate = load_win_rate(connection, ID)
    wins = sum(trip.profit > 0.0 for trip in marked.trips)
    assert (rate.count, rate.wins) == (len(marked.trips), wins)
    assert rate.rate == near(wins / len(marked.trips))
    assert rate.symbol_days == len({(trip.symbol, trip.closed_ms // recomputed.DAY_MS) for trip in marked.trips})
    assert rate.symbol_days < rate.count, "bots on one symbol must have closed on one day, to tell the two apart"
    assert 0.0 < rate.low < rate.rate < rate.high < 1.0


@pytest.mark.parametrize("by", list(Dimension))
def test_groups_sum_to_the_whole(by: Dimension, connection: Connection, marked: Books) -> None:
    facts = load_trip_facts(connection, ID)
    whole, groups = trip_figures(facts), win_rates(facts, by)
    assert groups["count"].sum() == whole.count == len(marked.trips)
    assert groups["wins"].sum() == whole.wins
    assert groups["profit"].sum() == near(whole.profit) == near(sum(trip.profit for trip in marked.trips))
    assert groups["fees"].sum() == near(whole.fees)
    assert (groups["count"] > 0).all()
    assert (groups["trials"] <= groups["count"]).all()


def test_each_group_is_what_its_round_trips_amount_to(connection: Connection, marked: Books) -> None:
    facts = load_trip_facts(connection, ID)
    of = {
        Dimension.SLEEVE: lambda trip: trip.sleeve,
        Dimension.BOT: lambda trip: trip.bot,
        Dimension.SYMBOL: lambda trip: trip.symbol,
        Dimension.SIDE: lambda trip: trip.side,
        Dimension.HOUR: lambda trip: trip.closed_ms // 3_600_000 % 24,
        # 2026-01-01, where the books begin, was a Thursday.
        Dimension.WEEKDAY: lambda trip: (trip.closed_ms // recomputed.DAY_MS - 20454 + 3) % 7,
        Dimension.EXIT_REASON: lambda trip: trip.exit_reason,
    }
    assert set(of) == set(Dimension)
    for by, group_of in of.items():
        table = win_rates(facts, by).set_index("group")
        assert set(table.index) == {group_of(trip) for trip in marked.trips}
        for group, row in table.iterrows():
            own = [trip for trip in marked.trips if group_of(trip) == group]
            days = {(trip.symbol, trip.closed_ms // recomputed.DAY_MS) for trip in own}
            gains, losses = (sum(max(sign * trip.profit, 0.0) for trip in own) for sign in (1.0, -1.0))
            assert (row["count"], row["wins"]) == (len(own), sum(trip.profit > 0.0 for trip in own))
            assert row["symbol_days"] == len(days)
            assert row["trials"] == (len(own) if len({trip.bot for trip in own}) == 1 else len(days))
            assert row["win_rate"] == near(row["wins"] / row["count"])
            assert row["expectancy"] == near(sum(trip.profit for trip in own) / len(own))
            assert np.isnan(row["profit_factor"]) if losses == 0.0 else row["profit_factor"] == near(gains / losses)
            assert row["low"] <= row["win_rate"] <= row["high"]


def test_the_tree_of_money_sums_at_every_level(connection: Connection, marked: Books) -> None:
    tree = load_holdings(connection, ID)
    by_parent = tree.groupby("parent")[["equity", "profit"]].sum()
    for row in tree[tree["scope_kind"].isin(["PORTFOLIO", "SLEEVE"])].to_dict("records"):
        assert by_parent.loc[row["scope"], "equity"] == near(row["equity"])
        assert by_parent.loc[row["scope"], "profit"] == near(row["profit"])
    whole = tree[tree["scope_kind"] == "PORTFOLIO"].iloc[0]
    assert whole["equity"] == near(marked.equity)
    assert whole["profit"] == near(marked.equity - marked.money_in)
    targets = load_targets(connection, ID)
    assert targets["actual_share"].sum() == near(1.0)
    assert targets["equity"].sum() == near(marked.equity - marked.cash)


def test_costs_sum_to_what_was_made(connection: Connection, marked: Books) -> None:
    costs = load_costs(connection, ID)
    assert costs["profit"].sum() == near(marked.equity - marked.money_in)
    assert costs["fees"].sum() == near(marked.total("fees"))
    assert np.allclose(costs["gross_profit"] - costs["fees"] + costs["funding"], costs["profit"])
    assert costs["gross_profit"].sum() == near(
        marked.equity - marked.money_in + marked.total("fees") - marked.total("funding")
    )


def test_positions_and_exposures_sum_to_the_overview(connection: Connection) -> None:
    overview, held = load_overview(connection, ID), load_positions(connection, ID)
    exposures = load_exposures(connection, ID)
    assert overview is not None and len(held) == overview.positions > 0
    assert held["open_profit"].sum() == near(overview.open_profit)
    assert held["notional"].abs().sum() == near(overview.gross_exposure) == near(exposures["gross"].sum())
    assert exposures["net"].sum() == near(overview.net_exposure)
    assert exposures["positions"].sum() == overview.positions
    assert exposures["of_equity"].sum() == near(overview.exposure_fraction)


def test_what_netting_saved_sums_over_days(connection: Connection, marked: Books) -> None:
    days = load_savings(connection, ID)
    assert days.attrs["is_whole"] is True
    assert days["saved"].sum() == near(marked.total("saved"))
    assert days["fees"].sum() == near(marked.total("fees"))
    assert days["fills"].sum() == len(marked.fills)
    assert (days["crossed_notional"] <= days["traded_notional"]).all()
    assert days["crossed_notional"].sum() == near(sum(abs(fill["crossed"]) * fill["price"] for fill in marked.fills))


def test_transfers_of_a_rebalance_sum_to_nothing(connection: Connection, again: Books) -> None:
    transfers = load_transfers(connection, ID)
    rebalances = transfers[transfers["kind"] == "REBALANCE"]
    assert len(rebalances)
    assert (rebalances.groupby("step")["amount"].sum() == 0.0).all()
    assert transfers["amount"].sum() == near(again.money_in)
    asked = transfers[transfers["who"] != ""]
    assert set(asked["kind"]) == {"DEPOSIT", "WITHDRAWAL"}
    assert asked["amount"].sum() == near(5_000.0 - 750.0)


def test_sleeves_sum_to_the_portfolio_at_every_mark(connection: Connection) -> None:
    names = connection.exec_driver_sql("SELECT name FROM sleeve").scalars().all()
    scopes = tuple(Scope(ScopeKind.SLEEVE, name) for name in names)
    parts = (
        load_equity(connection, ID, scopes).groupby("time_ms")[["equity", "profit", "open_profit", "exposure"]].sum()
    )
    whole = load_equity(connection, ID).set_index("time_ms")
    assert len(parts) == len(whole) > 250
    assert np.allclose(parts["open_profit"], whole["open_profit"])
    assert np.allclose(parts["exposure"], whole["exposure"])
    # A deposit waits in the portfolio's own cash until a rebalance: profits sum all the same.
    assert np.allclose(parts["profit"], whole["profit"])
    assert not np.allclose(parts["equity"], whole["equity"])


def test_days_sum_to_the_profit_of_the_last_mark(connection: Connection) -> None:
    daily = load_daily(connection, ID)
    # What was filled at the open after the last close comes with the next mark.
    marked = recomputed.recompute(connection, int(daily["time_ms"].iloc[-1]))
    assert daily["profit"].sum() == near(marked.equity - marked.money_in)
    assert daily["equity"].iloc[-1] == near(marked.equity)
    growth = np.prod(1.0 + daily["return_fraction"].to_numpy()[1:])
    assert growth == near(daily["flow_free_equity"].iloc[-1] / daily["flow_free_equity"].iloc[0])


def test_every_step_of_every_bot_has_one_reason(connection: Connection) -> None:
    overview, counts = load_overview(connection, ID), load_reason_counts(connection, ID)
    assert overview is not None
    steps = counts.groupby("bot")["steps"].sum()
    assert len(steps) == overview.bots and (steps == overview.step).all()
