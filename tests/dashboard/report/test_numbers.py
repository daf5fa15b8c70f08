"""The figures of a report, as they are written, against the books gone through again from fills alone."""

import math

import pytest
from sqlalchemy import Connection

from dashboard.components.words import signed_percent
from dashboard.queries.equity import PORTFOLIO
from dashboard.queries.filters import Filters
from dashboard.queries.positions import load_positions
from dashboard.queries.returns import load_daily, return_figures
from shared.metrics.round_trips import effective_interval
from shared.units import DAY_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID, SLEEVE
from tests.dashboard.queries.recomputed import Books, Trip, recompute
from tests.dashboard.report.reading import Read, number, read

CENT = 0.0051
PERIOD = (BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 8 * DAY_MS)


def cents(value: float) -> object:
    return pytest.approx(value, abs=CENT)


def made(books: Books, names: set[str]) -> float:
    """Profit of some bots, with open positions at the last close."""
    own = [account for name, account in books.accounts.items() if name in names]
    return sum(account.equity(books.closes[account.symbol]) - account.money_in for account in own)


def total(books: Books, names: set[str], field: str) -> float:
    return sum(getattr(account, field) for name, account in books.accounts.items() if name in names)


@pytest.fixture(scope="module")
def marked(connection: Connection) -> Books:
    """The books at the last mark."""
    last_ms = connection.exec_driver_sql("SELECT max(last_ms) FROM equity_recent").scalar_one()
    return recompute(connection, last_ms)


def test_the_result_and_its_costs_are_what_fills_amount_to(whole: Read, marked: Books) -> None:
    everybody = set(marked.accounts)
    profit = made(marked, everybody)
    assert number(whole.tiles["Profit"]) == cents(profit) == cents(marked.equity - marked.money_in)
    assert number(whole.tiles["Equity at the end"]) == cents(marked.equity)
    assert number(whole.tiles["Fees"]) == cents(total(marked, everybody, "fees"))
    assert number(whole.tiles["Funding"]) == cents(total(marked, everybody, "funding"))
    assert number(whole.tiles["Saved by netting"]) == cents(total(marked, everybody, "saved"))
    gross = profit + total(marked, everybody, "fees") - total(marked, everybody, "funding")
    assert number(whole.tiles["Gross profit"]) == cents(gross)
    assert f"{len(marked.fills):,} fills" in whole.about["Fees"]
    assert profit != 0.0 and total(marked, everybody, "funding") != 0.0


@pytest.mark.parametrize(
    ("filters", "takes"),
    [
        (Filters(*PERIOD), lambda account: True),
        (Filters(*PERIOD, sleeves=(SLEEVE,)), lambda account: account.sleeve == SLEEVE),
        (Filters(*PERIOD, bots=(BOT,)), lambda account: account.name == BOT),
        (Filters(*PERIOD, symbols=("BTC/USDT", "SOL/USDT")), lambda account: account.symbol != "ETH/USDT"),
    ],
)
def test_a_period_of_any_selection_is_what_its_fills_amount_to(connection: Connection, filters: Filters, takes) -> None:
    begun, ended = (recompute(connection, time_ms) for time_ms in PERIOD)
    names = {name for name, account in ended.accounts.items() if takes(account)}
    report = read(seeding.seeded(), filters)
    assert number(report.tiles["Profit"]) == cents(made(ended, names) - made(begun, names))
    for tile, field in (("Fees", "fees"), ("Funding", "funding"), ("Saved by netting", "saved")):
        assert number(report.tiles[tile]) == cents(total(ended, names, field) - total(begun, names, field))
    trips = [trip for trip in recompute(connection).trips if PERIOD[0] <= trip.closed_ms < PERIOD[1]]
    own = [trip for trip in trips if trip.bot in names]
    assert number(report.tiles["Closed"]) == len(own) > 0
    assert number(report.tiles["Win rate"]) == pytest.approx(won(own) / len(own), abs=0.00051)


def won(trips: list[Trip]) -> int:
    return sum(trip.profit > 0.0 for trip in trips)


def test_round_trips_are_those_of_the_fills(whole: Read, again: Books) -> None:
    trips = again.trips
    gains = sum(trip.profit for trip in trips if trip.profit > 0.0)
    losses = -sum(trip.profit for trip in trips if trip.profit < 0.0)
    assert number(whole.tiles["Closed"]) == len(trips)
    assert f"{won(trips)} of {len(trips)} won" in whole.about["Win rate"]
    assert number(whole.tiles["Profit factor"]) == cents(gains / losses)
    assert number(whole.tiles["Expectancy"]) == cents((gains - losses) / len(trips))
    days = {(trip.symbol, trip.closed_ms // DAY_MS) for trip in trips}
    low, high = effective_interval(won(trips), len(trips), len(days))
    assert whole.about["Win rate"].startswith(f"{low:.0%} – {high:.0%} (95%)")


@pytest.mark.parametrize(
    ("label", "of"),
    [
        ("By sleeve", lambda trip: trip.sleeve),
        ("By symbol", lambda trip: trip.symbol),
        ("By side", lambda trip: {"BUY": "long", "SELL": "short"}[trip.side]),
        ("By exit reason", lambda trip: trip.exit_reason.replace("_", " ").lower()),
    ],
)
def test_each_group_has_its_count_and_sums_to_the_whole(whole: Read, again: Books, label: str, of) -> None:
    rows = {cells[0]: row for cells, row in zip(whole.tables[label][1:], whole.rows(label), strict=True)}
    assert set(rows) == {of(trip) for trip in again.trips}
    for name, row in rows.items():
        own = [trip for trip in again.trips if of(trip) == name]
        assert number(row["Round trips"]) == len(own) and number(row["Won"]) == won(own)
        assert number(row["Win rate"]) == pytest.approx(won(own) / len(own), abs=0.00051)
        assert number(row["Profit"]) == cents(sum(trip.profit for trip in own))
        low, high = (number(bound) for bound in row["95% interval"].split(" – "))
        assert low <= number(row["Win rate"]) + 0.005 and number(row["Win rate"]) <= high + 0.005


def test_costs_of_the_parts_sum_to_what_is_shown_together(whole: Read, marked: Books) -> None:
    *parts, together = whole.rows("Costs by sleeve")
    assert together["Sleeve"] == "Together" and len(parts) == 3
    for column in ("Gross profit", "Fees", "Funding", "Profit", "Saved by netting"):
        assert sum(number(row[column]) for row in parts) == pytest.approx(number(together[column]), abs=0.02)
        assert number(together[column]) == cents(number(whole.tiles[column]))
    for row in [*parts, together]:
        left = number(row["Gross profit"]) - number(row["Fees"]) + number(row["Funding"])
        assert number(row["Profit"]) == pytest.approx(left, abs=0.02)
    for row in parts:
        names = {name for name, account in marked.accounts.items() if account.sleeve == row["Sleeve"]}
        assert number(row["Profit"]) == cents(made(marked, names))


def test_the_best_and_worst_bots_are_those_of_the_fills(whole: Read, marked: Books) -> None:
    order = sorted(marked.accounts, key=lambda name: made(marked, {name}), reverse=True)
    best, worst = whole.rows("Best"), whole.rows("Worst")
    assert [row["Bot"] for row in best] == order[:5]
    assert [row["Bot"] for row in worst] == order[:-6:-1]
    for row in best + worst:
        account = marked.accounts[row["Bot"]]
        assert number(row["Profit"]) == cents(made(marked, {row["Bot"]}))
        assert number(row["Fees"]) == cents(account.fees)
        assert number(row["Round trips"]) == len(account.trips)
        if account.trips:
            assert number(row["Win rate"]) == pytest.approx(won(account.trips) / len(account.trips), abs=0.0051)


def test_the_largest_round_trips_are_the_largest(whole: Read, again: Books) -> None:
    profits = sorted(trip.profit for trip in again.trips)
    assert [number(row["Profit"]) for row in whole.rows("Largest gains")] == [
        cents(value) for value in profits[:-11:-1]
    ]
    assert [number(row["Profit"]) for row in whole.rows("Largest losses")] == [cents(value) for value in profits[:10]]
    assert f"20 of {len(again.trips)} round trips" in whole.words


def test_returns_are_those_of_the_page(whole: Read, connection: Connection) -> None:
    figures = return_figures(load_daily(connection, ID, PORTFOLIO))
    assert whole.tiles["Return"] == signed_percent(figures.total_return)
    assert whole.tiles["Deepest drawdown"] == f"{figures.max_drawdown:.2%}"
    for tile, value in (
        ("Sharpe ratio", figures.sharpe_ratio),
        ("Sortino ratio", figures.sortino_ratio),
        ("Calmar ratio", figures.calmar_ratio),
    ):
        assert math.isfinite(value) and number(whole.tiles[tile]) == cents(value)
    january = whole.rows("Return of each month")[0]
    assert january["Year"] == "2026" and january["Feb"] == "–"
    assert january["Jan"] == january["Whole year"] == signed_percent(figures.total_return)


def test_open_positions_are_those_of_the_page(whole: Read, connection: Connection) -> None:
    held, shown = load_positions(connection, ID), whole.rows("Open positions at the end")
    assert [row["Bot"] for row in shown] == held["bot"].tolist() and len(shown) > 3
    assert [number(row["Open profit"]) for row in shown] == [cents(value) for value in held["open_profit"]]
    assert [number(row["Lost if hit"]) for row in shown] == [cents(value) for value in held["risk"]]
