"""Filters take what they say and nothing else; pages of rows join without a gap."""

import itertools

import pytest
from sqlalchemy import Connection

from dashboard.queries import trades
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.overview import load_win_rate
from dashboard.queries.round_trips import load_trip_facts
from dashboard.queries.trades import load_fills, load_orders, load_round_trips
from tests.dashboard.queries.catalogue import BOT, EVERY_FILTER, ID, PERIOD, SLEEVE, SYMBOL

CHOICES = {
    "start_ms": (None, PERIOD[0]),
    "end_ms": (None, PERIOD[1]),
    "bots": ((), (BOT, "bo_btc_usdt_1h_p1")),
    "sleeves": ((), (SLEEVE,)),
    "symbols": ((), (SYMBOL,)),
    "sides": ((), ("SELL",)),
    "exit_reasons": ((), ("SIGNAL", "STOP")),
}
COMBINATIONS = [Filters(*chosen) for chosen in itertools.product(*CHOICES.values())]


def takes(filters: Filters, row: dict, time: str, reason: str) -> bool:
    """Say in plain Python whether filters take a row."""
    named = (("bots", "bot"), ("sleeves", "sleeve"), ("symbols", "symbol"), ("sides", "side"), ("exit_reasons", reason))
    return (
        (filters.start_ms is None or row[time] >= filters.start_ms)
        and (filters.end_ms is None or row[time] < filters.end_ms)
        and all(not getattr(filters, many) or row[one] in getattr(filters, many) for many, one in named)
    )


@pytest.mark.slow
@pytest.mark.parametrize("most", [0, 40])
def test_every_combination_takes_exactly_its_rows(
    most: int, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With 0 all selections of bots go by the order of time, with 40 each bot by its own index.
    monkeypatch.setattr(trades, "MOST_BOTS_BY_INDEX", most)
    for load, time, reason in ((load_round_trips, "closed_ms", "exit_reason"), (load_fills, "time_ms", "trigger")):
        everything = load(connection, ID).rows.to_dict("records")
        found = 0
        # Each filter alone and together with others; the two ways of reading take turns.
        for filters in COMBINATIONS[most > 0 :: 2]:
            page = load(connection, ID, filters)
            wanted = [row for row in everything if takes(filters, row, time, reason)]
            assert page.rows.to_dict("records") == wanted, filters
            assert (page.count, page.is_exact) == (len(wanted), True)
            found += 0 < len(wanted) < len(everything)
        assert found > len(COMBINATIONS) / 8, "filters must have taken some rows and left some"


def test_facts_and_win_rates_are_of_the_same_round_trips(connection: Connection) -> None:
    for filters in COMBINATIONS[::5]:
        facts, rate = load_trip_facts(connection, ID, filters), load_win_rate(connection, ID, filters)
        page = load_round_trips(connection, ID, filters)
        assert rate.count == len(facts) == page.count
        assert rate.wins == (facts["profit"] > 0.0).sum()
        assert sorted(facts["profit"]) == sorted(page.rows["profit"])


def test_pages_join_without_a_gap_or_a_repeat(connection: Connection) -> None:
    for load, key in ((load_fills, "fill_id"), (load_round_trips, "round_trip_id"), (load_orders, "order_id")):
        for filters in (EVERYTHING, Filters(bots=(BOT, "tf_sol_usdt_1h_p1", "bo_eth_usdt_1h_p1"))):
            whole = load(connection, ID, filters).rows[key].tolist()
            assert len(whole) > 14
            pages = [load(connection, ID, filters, 7, at).rows[key].tolist() for at in range(0, len(whole), 7)]
            assert list(itertools.chain(*pages)) == whole


def test_counting_stops_where_a_page_stops_telling(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades, "COUNT_LIMIT", 10)
    page = load_fills(connection, ID, limit=3)
    assert (len(page.rows), page.count, page.is_exact) == (3, 10, False)


def test_a_name_that_nobody_has_takes_nothing(connection: Connection) -> None:
    for filters in (Filters(bots=("nobody",)), Filters(sleeves=("none",)), Filters(symbols=("X/Y",))):
        assert load_fills(connection, ID, filters).count == 0
        assert load_win_rate(connection, ID, filters).count == 0


def test_orders_are_filtered_by_time_symbol_and_side(connection: Connection) -> None:
    everything = load_orders(connection, ID).rows.to_dict("records")
    page = load_orders(connection, ID, EVERY_FILTER)
    wanted = [
        row["order_id"]
        for row in everything
        if PERIOD[0] <= row["decided_ms"] < PERIOD[1] and row["symbol"] == SYMBOL and row["side"] == "BUY"
    ]
    assert 0 < len(wanted) < len(everything)
    assert page.rows["order_id"].tolist() == wanted
