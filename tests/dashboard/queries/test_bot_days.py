"""Sums of bots, what each made in a period, and what was paid in it: against fills gone through again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.activity import GROUPS, load_activity
from dashboard.queries.bot_days import load_bot_returns, load_summed, summed_daily
from dashboard.queries.bots import load_bots
from dashboard.queries.costs import load_costs
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.made import load_made
from dashboard.queries.returns import load_daily
from dashboard.queries.window import load_window
from shared.enums import ScopeKind
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, ID, SLEEVE
from tests.dashboard.queries.conftest import connected
from tests.dashboard.queries.recomputed import Books, recompute

PERIODS = {
    "all": (None, None),
    "from the third day": (BEGIN_MS + 2 * DAY_MS, None),
    "to the fifth day": (None, BEGIN_MS + 5 * DAY_MS),
    "within": (BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 8 * DAY_MS),
    "from before the books": (BEGIN_MS - 9 * DAY_MS, BEGIN_MS + 2 * DAY_MS),
}


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-7)


def again(connection: Connection, start_ms: int | None, last_ms: int) -> tuple[Books, Books | None]:
    """Give the books at the last mark of a period and at the mark it begins with, None for the beginning."""
    begins = start_ms is None or start_ms <= BEGIN_MS
    return recompute(connection, last_ms), None if begins else recompute(connection, start_ms)


@pytest.mark.parametrize("period", PERIODS)
def test_what_bots_made_and_paid_is_what_fills_amount_to(connection: Connection, period: str) -> None:
    start_ms, end_ms = PERIODS[period]
    filters = Filters(start_ms, end_ms)
    daily = load_daily(connection, ID, PORTFOLIO, start_ms, end_ms)
    first_ms, last_ms = int(daily["time_ms"].iloc[0]), int(daily["time_ms"].iloc[-1])
    assert first_ms == max(start_ms or BEGIN_MS, BEGIN_MS)
    ended, begun = again(connection, start_ms, last_ms)
    profits = load_made(connection, ID, filters).set_index("bot")
    paid = load_activity(connection, ID, "bot", filters).set_index("group")
    for name, account in ended.accounts.items():
        before = begun.accounts[name] if begun else None
        close = ended.closes[account.symbol]
        made = account.equity(close) - account.money_in
        if before is not None and begun is not None:
            made -= before.equity(begun.closes[before.symbol]) - before.money_in
        assert profits.loc[name, "period_profit"] == near(made)
        for column, field in (("fees", "fees"), ("funding", "funding"), ("saved", "saved")):
            assert paid.loc[name, column] == near(getattr(account, field) - (getattr(before, field) if before else 0.0))
    assert profits["period_profit"].sum() == near(daily["profit"].sum())
    assert paid["fills"].sum() == len(ended.fills) - (len(begun.fills) if begun else 0) > 30
    assert (paid["other_fees"] == 0).all()


@pytest.mark.parametrize("period", [name for name in PERIODS if name != "all"])
def test_costs_of_a_period_are_what_was_made_and_paid_in_it(connection: Connection, period: str) -> None:
    filters = Filters(*PERIODS[period])
    daily = load_daily(connection, ID, PORTFOLIO, *PERIODS[period])
    first_ms, last_ms = int(daily["time_ms"].iloc[0]), int(daily["time_ms"].iloc[-1])
    ended, begun = again(connection, PERIODS[period][0], last_ms)
    costs = load_costs(connection, ID, filters)
    assert costs["profit"].sum() == near(daily["profit"].sum())
    for name in ("fees", "funding"):
        paid = ended.total(name) - (begun.total(name) if begun else 0.0)
        assert costs[name].sum() == near(paid) != 0.0
    assert np.allclose(costs["gross_profit"] - costs["fees"] + costs["funding"], costs["profit"], rtol=0, atol=1e-9)
    assert costs["fees"].sum() < load_costs(connection, ID)["fees"].sum() and first_ms < last_ms
    own = load_costs(connection, ID, replace(filters, sleeves=(SLEEVE,)))
    assert set(own["sleeve"]) == {SLEEVE}
    assert own["profit"].sum() == near(costs.loc[costs["sleeve"] == SLEEVE, "profit"].sum())


@pytest.mark.parametrize("by", GROUPS)
def test_activity_sums_to_the_same_however_it_is_grouped(connection: Connection, by: str) -> None:
    period = Filters(BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 8 * DAY_MS)
    of_bots = load_activity(connection, ID, "bot", period)
    grouped = load_activity(connection, ID, by, period)
    for name in ("fees", "funding", "saved", "fills"):
        assert grouped[name].sum() == near(of_bots[name].sum()) != 0.0


def test_the_boundary_of_activity_is_the_mark(connection: Connection) -> None:
    """A signal fills at the open after a mark, a stop at the close that is marked: at one time, on two sides."""
    split_ms = connection.exec_driver_sql(
        "SELECT time_ms FROM fill GROUP BY time_ms HAVING count(DISTINCT trigger = 'SIGNAL') = 2 LIMIT 1"
    ).scalar_one()
    before = load_activity(connection, ID, "bot", Filters(end_ms=split_ms))["fills"].sum()
    after = load_activity(connection, ID, "bot", Filters(split_ms))["fills"].sum()
    at = "SELECT count(*) FROM fill WHERE time_ms = ? AND trigger {} 'SIGNAL'"
    stops = connection.exec_driver_sql(at.format("<>"), (split_ms,)).scalar_one()
    earlier = connection.exec_driver_sql("SELECT count(*) FROM fill WHERE time_ms < ?", (split_ms,)).scalar_one()
    assert before == earlier + stops
    assert before + after == len(again(connection, None, load_window(connection, ID).newest_ms)[0].fills)


def test_fees_in_another_currency_are_counted_and_not_added(folder: Path) -> None:
    books = seeding.seeded(folder)
    books.write("UPDATE fill SET fee_currency = 'BNB' WHERE id % 2 = 0")
    for connection in connected(books):
        paid = load_activity(connection, ID, "symbol")
        fills = again(connection, None, load_window(connection, ID).newest_ms)[0].fills
        own = sum(fill["fee"] for fill in fills if fill["fee_currency"] == "USDT")
        assert paid["fees"].sum() == near(own)
        assert paid["other_fees"].sum() == sum(fill["fee_currency"] == "BNB" and fill["fee"] > 0 for fill in fills) > 50


@pytest.mark.parametrize("period", PERIODS)
def test_the_sum_of_a_sleeves_bots_is_the_sleeve(connection: Connection, period: str) -> None:
    start_ms, end_ms = PERIODS[period]
    own = load_daily(connection, ID, Scope(ScopeKind.SLEEVE, SLEEVE), start_ms, end_ms)
    summed = load_summed(connection, ID, Filters(start_ms, end_ms, sleeves=(SLEEVE,)))
    daily = summed_daily(summed)
    assert summed["resolution"].unique().tolist() == ["HOUR"] and len(summed) > 24
    assert list(daily.columns) == list(own.columns)
    assert daily["time_ms"].tolist() == own["time_ms"].tolist()
    for name in ("equity", "money_in", "profit"):
        assert np.allclose(daily[name], own[name], equal_nan=True)
    # What a person took out within an hour counts from its end here, from the mark before it there.
    assert np.allclose(daily["return_fraction"], own["return_fraction"], rtol=0.0, atol=5e-6, equal_nan=True)
    assert daily["return_fraction"].abs().max() > 1e-4


def test_sums_of_days_and_of_hours_agree_but_for_money_that_moved(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    filters = Filters(symbols=("BTC/USDT", "SOL/USDT"))
    hours = summed_daily(load_summed(connection, ID, filters))
    monkeypatch.setattr("dashboard.queries.bot_days.MOST_MARKS", 0)
    rough = load_summed(connection, ID, filters)
    days = summed_daily(rough)
    assert rough["resolution"].unique().tolist() == ["DAY"] and len(rough) == len(days)
    for name in ("equity", "money_in", "profit"):
        assert np.allclose(days[name], hours[name], equal_nan=True)
    assert np.allclose(days["return_fraction"], hours["return_fraction"], rtol=0.0, atol=1e-4, equal_nan=True)


def test_a_bot_that_is_gone_keeps_what_it_made(folder: Path) -> None:
    books = seeding.seeded(folder)
    gone_ms = BEGIN_MS + 6 * DAY_MS
    bot = "tf_sol_usdt_1h_p1"
    for table in ("equity_point", "equity_recent"):
        books.write(
            f"DELETE FROM {table} WHERE scope_kind = 'BOT' AND time_ms >= ? "
            "AND scope_id = (SELECT id FROM bot WHERE name = ?)",
            gone_ms,
            bot,
        )
    pair = Filters(bots=(bot, "mr_sol_usdt_1h_p1"))
    for connection in connected(books):
        made = load_made(connection, ID, pair).set_index("bot")["period_profit"]
        account = recompute(connection, gone_ms)
        kept = account.accounts[bot].equity(account.closes["SOL/USDT"]) - account.accounts[bot].money_in
        assert made[bot] == near(kept) != 0.0
        daily = summed_daily(load_summed(connection, ID, pair))
        assert len(daily) == seeding.DAYS + 1
        assert daily["profit"].sum() == near(made.sum())
        later = load_made(connection, ID, Filters(start_ms=gone_ms + DAY_MS, bots=pair.bots)).set_index("bot")
        assert later.loc[bot, "period_profit"] == 0.0 and later.loc["mr_sol_usdt_1h_p1", "period_profit"] != 0.0


def test_a_bot_that_came_later_made_what_it_made_since(folder: Path) -> None:
    books = seeding.seeded(folder)
    came_ms = BEGIN_MS + 4 * DAY_MS
    bot = "mr_sol_usdt_1h_p1"
    for table in ("equity_point", "equity_recent"):
        books.write(
            f"DELETE FROM {table} WHERE scope_kind = 'BOT' AND time_ms < ? "
            "AND scope_id = (SELECT id FROM bot WHERE name = ?)",
            came_ms,
            bot,
        )
    books.write("DELETE FROM transfer WHERE step = 0 AND bot_id = (SELECT id FROM bot WHERE name = ?)", bot)
    pair = Filters(bots=(bot, "mr_btc_usdt_1h_p1"))
    for connection in connected(books):
        made = load_made(connection, ID, pair).set_index("bot")["period_profit"]
        daily = summed_daily(load_summed(connection, ID, pair))
        assert daily["profit"].sum() == near(made.sum())
        # The money it came with is no gain of the two.
        assert daily["return_fraction"].abs().max() < 0.05


def test_the_return_of_a_bot_is_that_of_the_page(connection: Connection) -> None:
    table = load_bots(connection, ID).set_index("bot")["return_fraction"]
    returned = load_bot_returns(connection, ID).set_index("bot")["return_fraction"]
    assert set(returned.index) == set(table.index)
    assert np.allclose(returned, table.reindex(returned.index), rtol=0.0, atol=1e-9)


def test_a_period_has_the_returns_that_the_whole_has_on_its_days(connection: Connection) -> None:
    whole = load_daily(connection, ID).set_index("time_ms")["return_fraction"]
    start_ms, end_ms = PERIODS["within"]
    part = load_daily(connection, ID, PORTFOLIO, start_ms, end_ms)
    assert len(part) == 6 and np.isnan(part["return_fraction"].iloc[0])
    assert part["time_ms"].iloc[0] == start_ms
    own = part.iloc[1:].set_index("time_ms")["return_fraction"]
    assert np.allclose(own, whole.reindex(own.index), rtol=0.0, atol=1e-12)


def test_a_period_beyond_the_books_has_no_days(connection: Connection) -> None:
    late = BEGIN_MS + 400 * DAY_MS
    assert not len(load_daily(connection, ID, PORTFOLIO, late))
    assert not len(load_summed(connection, ID, Filters(start_ms=late, sleeves=(SLEEVE,))).iloc[1:])
    assert not len(load_daily(connection, ID, PORTFOLIO, None, BEGIN_MS - HOUR_MS))
    assert (load_made(connection, ID, Filters(start_ms=late))["period_profit"] == 0.0).all()
    assert len(load_made(connection, ID, EVERYTHING)) == 27
