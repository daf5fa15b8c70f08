"""What a live run leaves in the tables, and that a saboteur of each table is found."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.database import transaction
from tests.live.books_check import assert_books, find_gaps
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, FakeMarket, random_bars
from tests.live.running import SYMBOLS, Place, small_settings
from worker.store.doctor import examine

SABOTEURS = {
    "cash": "UPDATE bot_state SET cash = cash - 0.01 WHERE bot_id = 2",
    "units": "UPDATE bot_state SET units = units + 1 WHERE bot_id = 2",
    "quantity": "UPDATE bot_state SET quantity = quantity + 1e-8 WHERE bot_id = 2",
    "funding": "UPDATE funding SET amount = amount * 1.01 WHERE id = 1",
    "fees": "UPDATE bot_state SET fees_paid = fees_paid + 0.01 WHERE bot_id = 1",
    "money in": "UPDATE bot_state SET money_in = money_in + 1 WHERE bot_id = 1",
    "profit": "UPDATE round_trip SET profit = profit + 0.01 WHERE id = (SELECT max(id) FROM round_trip)",
    "lots": "DELETE FROM lot WHERE bot_id = (SELECT min(bot_id) FROM lot)",
    "round trips": "DELETE FROM round_trip WHERE id = (SELECT max(id) FROM round_trip)",
    "transfers": "UPDATE transfer SET amount = amount + 0.000001 WHERE id = (SELECT max(id) FROM transfer)",
    "account": 'UPDATE "order" SET filled_units = 0 WHERE id = 3',
    "order": "UPDATE fill SET crossed_units = 1 WHERE id = (SELECT min(id) FROM fill WHERE crossed = 0)",
    "fills without their order": "UPDATE fill SET client_order_id = 'w' WHERE id = 1",
    "orders that nobody waits for": 'UPDATE "order" SET status = \'INTENT\' WHERE id = (SELECT min(id) FROM "order")',
    "equity": "UPDATE portfolio_state SET equity = equity + 0.01",
    "portfolio cash": "UPDATE portfolio_state SET cash = cash + 0.01, equity = equity + 0.01",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place of a run with trades, rebalances, funding and a ladder."""
    walks = {symbol: random_bars(100, 91 + at) for at, symbol in enumerate(SYMBOLS)}
    times = START_MS + 3_600_000 * np.arange(1, 8, dtype=np.int64)
    funding = {symbol: (times, np.full(7, 0.001)) for symbol in SYMBOLS}
    settings = small_settings("risk.ladder=[[0.01, 0.5], [0.02, 0.5]]")
    place = Place(tmp_path_factory.mktemp("ran"), settings, FakeMarket(walks, funding=funding))
    place.run(50)
    place.close()
    return place


@pytest.fixture
def place(ran: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of it, to be spoilt."""
    place = replace(ran, root=shutil.copytree(ran.root, tmp_path / "place"))
    yield place
    place.close()


@pytest.mark.parametrize("identity", SABOTEURS)
def test_the_tables_sum_and_a_saboteur_is_found(place: Place, identity: str) -> None:
    assert_books(place)
    place.write(SABOTEURS[identity])
    assert identity in {gap.identity for gap in find_gaps(place)}


def test_the_run_had_something_of_everything(place: Place) -> None:
    tables = ("fill", "lot", "round_trip", "open_round_trip", "transfer", "funding", "decision", "allocation_point")
    for table in tables:
        assert place.value(f"SELECT count(*) FROM {table}") > 0, table
    assert place.value("SELECT count(*) FROM fill WHERE crossed != 0") > 0
    assert place.value("SELECT count(*) FROM fill WHERE trigger = 'LADDER'") > 0


def test_every_step_has_one_reason_per_bot(place: Place) -> None:
    stretches = place.rows(
        "SELECT bot_id, from_step, to_step FROM decision UNION ALL "
        "SELECT bot_id, from_step, to_step FROM open_decision ORDER BY 1, 2"
    )
    for bot in {bot for bot, *_ in stretches}:
        covered = [number for at, first, last in stretches if at == bot for number in range(first, last + 1)]
        assert covered == list(range(1, 101))


def test_orders_are_named_by_what_they_are_for(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.fleet.new_installation", lambda: "abcd234567abcdef")
    walks = {symbol: random_bars(60, 91 + at) for at, symbol in enumerate(SYMBOLS)}
    one, other = (make_place(small_settings(), FakeMarket(walks)) for _ in range(2))
    one.run()
    other.run(20, 40)
    names = [place.rows('SELECT client_order_id FROM "order" ORDER BY id') for place in (one, other)]
    assert names[0] == names[1]
    assert len(names[0]) > 5
    assert all(re.fullmatch("wabcd[a-z2-7]{13}", name) for (name,) in names[0])


def test_the_doctor_finds_a_reason_that_was_not_counted(place: Place) -> None:
    def failing() -> list[tuple[str, float]]:
        with transaction(place.engine) as connection:
            return [(finding.identity, finding.gap) for finding in examine(connection, 1) if not finding.holds]

    assert failing() == []
    place.write("UPDATE reason_total SET steps = steps + 1 WHERE bot_id = 1 AND reason = 'HOLD'")
    assert failing() == [("totals of reasons are those of the decisions", 1.0)]


def test_a_single_unit_of_a_coin_that_is_counted_in_millions_is_one_of_the_doctors_findings(place: Place) -> None:
    first, last = place.rows("SELECT min(id), max(id) FROM fill WHERE bot_id = 1")[0]
    for id_, sign in ((first, "+"), (last, "-")):
        place.write(f"UPDATE fill SET units = units {sign} 30000000000000000 WHERE id = {id_}")
    name = place.value("SELECT name FROM bot WHERE id = 1")
    for added in (0, 1):
        place.write(f"UPDATE bot_state SET units = units + {added} WHERE bot_id = 1")
        with transaction(place.engine) as connection:
            found = {(finding.identity, finding.of): finding for finding in examine(connection, 1)}
        quantity = found["quantity is the sum of fills", name]
        assert (quantity.gap, quantity.holds) == (added, added == 0)
