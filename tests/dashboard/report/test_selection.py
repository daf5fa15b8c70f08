"""What a report is about, by what an address asks for."""

import pytest
from sqlalchemy import Connection

from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.report.selection import narrowing_words, select, selection_words, whole_days
from shared.enums import ScopeKind
from shared.errors import ConfigurationError
from shared.tables.export_filters import Filters as Asked
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, ID, SLEEVE

BOTS = (BOT, "bo_btc_usdt_1h_p1")


def test_times_are_rounded_outwards_to_whole_days() -> None:
    asked = Asked(BEGIN_MS + 3 * HOUR_MS, BEGIN_MS + DAY_MS + 1, sleeve="a", bot=("b", "c"), side=("BUY",))
    assert whole_days(asked) == Filters(BEGIN_MS, BEGIN_MS + 2 * DAY_MS, ("b", "c"), ("a",), (), ("BUY",), ())
    assert whole_days(Asked()) == EVERYTHING
    midnights = Asked(BEGIN_MS, BEGIN_MS + DAY_MS)
    assert whole_days(midnights) == Filters(BEGIN_MS, BEGIN_MS + DAY_MS)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "sentence"),
    [
        (BEGIN_MS, BEGIN_MS, "from must be before to 2026-01-01 00:00 UTC, was 2026-01-01 00:00 UTC"),
        (BEGIN_MS + 1, BEGIN_MS, "from must be before to"),
        (-1, None, "from must be between 1970 and 2100-01-01 00:00 UTC, was -1 ms"),
        (None, 10**18, "to must be between"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(start_ms: int | None, end_ms: int | None, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        whole_days(Asked(start_ms, end_ms))


@pytest.mark.parametrize(
    ("filters", "scope", "said"),
    [
        (EVERYTHING, PORTFOLIO, "The whole portfolio"),
        (Filters(symbols=("BTC/USDT", "ETH/USDT", "SOL/USDT")), PORTFOLIO, "The whole portfolio"),
        (Filters(sleeves=(SLEEVE,)), Scope(ScopeKind.SLEEVE, SLEEVE), f"Sleeve {SLEEVE}"),
        (Filters(bots=(BOT,)), Scope(ScopeKind.BOT, BOT), f"Bot {BOT}"),
        (Filters(bots=BOTS), None, "bo_btc_usdt_1h_p1, mr_eth_usdt_1h_p1, taken together"),
        (Filters(symbols=("BTC/USDT",)), None, "9 bots, taken together"),
        (Filters(sleeves=(SLEEVE,), symbols=("BTC/USDT",)), None, "taken together"),
    ],
)
def test_a_selection_is_the_scope_that_the_books_keep_where_there_is_one(
    connection: Connection, filters: Filters, scope: Scope | None, said: str
) -> None:
    selection = select(load_members(connection, ID), filters)
    assert selection.scope == scope
    words = selection_words(selection)
    assert said in words or sorted(said.split(", ")) == sorted(words.split(", "))


def test_what_takes_no_bot_is_refused(connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match="must name some bot together"):
        select(load_members(connection, ID), Filters(sleeves=("breakout",), bots=(BOT,)))


def test_round_trips_can_be_narrowed_in_words() -> None:
    assert narrowing_words(EVERYTHING) == ""
    assert narrowing_words(Filters(sides=("SELL",), exit_reasons=("STOP", "TRAILING_STOP"))) == (
        "short, closed by stop or trailing stop"
    )
