"""What bots made in a period, to the hour: against the marks of the portfolio, and against itself, cut in two."""

import pytest
from sqlalchemy import Connection, text

from dashboard.queries.bots import load_bots
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.made import load_made
from tests.dashboard.queries.catalogue import BEGIN_MS, ID
from tests.dashboard.queries.recomputed import DAY_MS

HOUR_MS = DAY_MS // 24
CUTS = [BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 5 * DAY_MS + 7 * HOUR_MS, BEGIN_MS + 9 * DAY_MS + 23 * HOUR_MS]


def portfolio_until(connection: Connection, time_ms: int) -> float:
    """Give what the portfolio had made by its last step until a time, of its own marks."""
    marks = "SELECT last_ms, equity - money_in AS made FROM {} WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP'"
    both = " UNION ALL ".join(marks.format(table) for table in ("equity_point", "equity_recent"))
    statement = text(f"SELECT made FROM ({both}) AS m WHERE last_ms <= :at ORDER BY last_ms DESC LIMIT 1")
    return float(connection.execute(statement, {"at": time_ms}).scalar_one())


@pytest.mark.parametrize("cut_ms", CUTS)
def test_the_bots_made_what_the_portfolio_made(connection: Connection, cut_ms: int) -> None:
    made = load_made(connection, ID, Filters(start_ms=cut_ms))
    whole = load_made(connection, ID, EVERYTHING)
    assert len(made) == 27 and made["period_profit"].abs().min() >= 0.0 and made["period_profit"].abs().max() > 1.0
    should = whole["period_profit"].sum() - portfolio_until(connection, cut_ms)
    assert made["period_profit"].sum() == pytest.approx(should, abs=1e-6)
    # An hour more or less is another amount: the cut is where it was asked for.
    assert should != pytest.approx(
        whole["period_profit"].sum() - portfolio_until(connection, cut_ms - HOUR_MS), abs=1e-3
    )


@pytest.mark.parametrize("cut_ms", CUTS)
def test_two_periods_make_the_whole(connection: Connection, cut_ms: int) -> None:
    before = load_made(connection, ID, Filters(end_ms=cut_ms)).set_index("bot")
    after = load_made(connection, ID, Filters(start_ms=cut_ms)).set_index("bot")
    whole = load_made(connection, ID).set_index("bot")
    assert (after["period_fees"] > 0.0).any() and (before["period_fees"] > 0.0).any()
    for name in ("period_profit", "period_fees"):
        assert (before[name] + after[name]).to_numpy() == pytest.approx(whole[name].to_numpy(), abs=1e-6)


def test_without_times_it_is_what_each_made_so_far(connection: Connection) -> None:
    bots, made = load_bots(connection, ID).set_index("bot"), load_made(connection, ID).set_index("bot")
    assert made["period_profit"].equals(bots["profit"].rename("period_profit"))
    assert made["period_fees"].equals(bots["fees"].rename("period_fees"))


def test_before_the_books_nobody_made_anything(connection: Connection) -> None:
    early = load_made(connection, ID, Filters(start_ms=0, end_ms=BEGIN_MS - DAY_MS))
    assert (early[["period_profit", "period_fees"]] == 0.0).all(axis=None) and len(early) == 27
    some = load_made(connection, ID, Filters(start_ms=CUTS[0], symbols=("BTC/USDT",)))
    assert len(some) == 9
