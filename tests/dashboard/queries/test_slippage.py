"""Slippage: against the open paper fills as the model says; against sending there is one only where an order left."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.filters import Filters
from dashboard.queries.slippage import load_slipped_fills, slippage_of
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected

ID = seeding.PORTFOLIO_ID
MODELLED = 0.0005


@pytest.fixture
def changed(folder: Path) -> Iterator[Connection]:
    """Books in which the orders of one symbol left 1% below what they were filled at."""
    books = seeding.seeded(folder)
    books.write("UPDATE \"order\" SET reference_price = price * 0.99 WHERE symbol = 'BTC/USDT'")
    yield from connected(books)


def test_paper_fills_differ_from_the_open_by_the_modelled_slippage(connection: Connection) -> None:
    fills = load_slipped_fills(connection, ID).rows
    by_signal = fills[fills["trigger"].isin(["SIGNAL", "CLOSE"]) & (fills["crossed"] == 0.0)]
    known = by_signal["open_slippage"].dropna()
    assert len(known) > 50
    assert {"BUY", "SELL"} == set(by_signal.loc[known.index, "side"])
    assert known.to_numpy() == pytest.approx(MODELLED, abs=1e-12)
    # All but those of the bar that runs.
    assert len(known) > 0.9 * len(by_signal)


def test_exits_at_their_level_are_not_held_against_an_open(connection: Connection) -> None:
    fills = load_slipped_fills(connection, ID).rows
    exits = fills[fills["trigger"].isin(["STOP", "TRAILING_STOP", "LADDER"])]
    assert len(exits) > 5
    assert exits["open_slippage"].isna().all()


def test_on_paper_nothing_is_known_against_sending(connection: Connection) -> None:
    fills = load_slipped_fills(connection, ID).rows
    assert fills["sending_slippage"].isna().all()
    found = slippage_of(fills, "sending_slippage")
    assert found.count == 0
    assert np.isnan([found.fraction, found.amount]).all()


def test_worse_is_above_zero_whichever_way_and_sums_are_what_it_cost(changed: Connection) -> None:
    fills = load_slipped_fills(changed, ID, Filters(symbols=("BTC/USDT",))).rows
    sent = fills[fills["client_order_id"].notna() & (fills["crossed"] == 0.0)]
    buys, sells = (sent[sent["side"] == side]["sending_slippage"].to_numpy() for side in ("BUY", "SELL"))
    assert len(buys) > 5
    assert len(sells) > 5
    assert buys == pytest.approx(1 / 0.99 - 1, rel=1e-9)
    assert sells == pytest.approx(1 - 1 / 0.99, rel=1e-9)
    bought = sent[sent["side"] == "BUY"]
    found = slippage_of(bought, "sending_slippage")
    assert (found.count, found.fraction) == (len(bought), pytest.approx(1 / 0.99 - 1, rel=1e-9))
    assert found.amount == pytest.approx((bought["notional"] * 0.01).sum(), rel=1e-9)


def test_fills_are_those_of_the_list_without_slippage(connection: Connection) -> None:
    from dashboard.queries.trades import load_fills

    wanted = Filters(symbols=("ETH/USDT",))
    plain, slipped = load_fills(connection, ID, wanted, 20, 10), load_slipped_fills(connection, ID, wanted, 20, 10)
    assert slipped.count == plain.count
    assert slipped.rows[list(plain.rows)].equals(plain.rows)
