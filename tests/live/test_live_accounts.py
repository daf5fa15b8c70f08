"""Accounts of live orders between starts: first orders, silences, a lease taken over, and a flatten that leaves."""

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from shared.database import transaction
from shared.enums import Cause, CommandKind, Side
from shared.errors import LeaseError
from tests.live.books_check import assert_books
from tests.live.exchange_place import CandleAccount, ExchangePlace, exchange_place
from tests.live.running import small_settings
from tests.live.test_parity import two_symbols
from worker.exchange.protocol import Flow, SymbolRules
from worker.orders.break_glass import BreakGlass, Holdings, Installation
from worker.orders.direct_file import DirectOrder, append_order, direct_file
from worker.orders.ids import own_prefix
from worker.store import accounts
from worker.store.lease import LEASE_MS
from worker.store.state_folder import read_installation

LIVE = ("broker.kind=ccxt", "accounts.main.limit=1000000")


@dataclass
class Divisible(CandleAccount):
    """An account that takes any quantity, as its market says."""

    def rules(self, symbol: str) -> SymbolRules:
        return SymbolRules(None, None, None)


def _place(tmp_path: Path, *overrides: str) -> ExchangePlace:
    place = exchange_place(tmp_path, small_settings(*LIVE, *overrides), two_symbols())
    place.is_confirmed = accounts.is_confirmed
    place.account = Divisible(place.clock, bars=place.account.bars)
    return place


def _sent(place: ExchangePlace) -> int:
    return place.value('SELECT count(*) FROM "order" WHERE sent_ms IS NOT NULL')


def _cause(place: ExchangePlace) -> str:
    return place.value("SELECT level_first_orders FROM portfolio_state")


@pytest.mark.slow
def test_after_its_first_orders_a_new_account_waits_for_a_persons_word(tmp_path: Path) -> None:
    place = _place(tmp_path, "broker.first_orders=3")
    with place.open() as worker:
        place.walk(worker, 60)
    assert _cause(place) == "NO_ENTRIES"
    increasing = place.value('SELECT count(*) FROM "order" WHERE increases = 1 AND sent_ms IS NOT NULL')
    before = _sent(place)
    assert increasing <= 3 <= before
    assert place.rows("SELECT orders_sent, is_confirmed FROM account_state") == [(before, 0)]
    with place.open() as worker:
        place.walk(worker, 30)
        assert place.value('SELECT count(*) FROM "order" WHERE increases = 1 AND sent_ms IS NOT NULL') == increasing
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE, cause=Cause.FIRST_ORDERS)
        assert (status, said) == ("DONE", "portfolio released, cause FIRST_ORDERS")
        place.walk(worker, 60)
    with place.open() as worker:
        place.walk(worker, 40)
    assert _cause(place) == "RUNNING"
    assert place.rows("SELECT orders_sent, is_confirmed FROM account_state") == [(_sent(place), 1)]
    assert _sent(place) > before + 3
    assert_books(place)


def test_a_silence_is_kept_as_soon_as_it_is_known_and_a_start_that_is_over_keeps_nothing(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open() as worker:
        place.walk(worker, 3)
        place.account.budget.silent_until_ms = place.clock.now_ms() + 60_000
        worker.answer_commands()
        kept = place.value("SELECT silent_until_ms FROM account_state")
        assert kept == place.clock.now_ms() + 60_000
        place.clock.advance_ms(61_000)
        worker.beat()
        assert place.rows("SELECT silent_until_ms, weight_limit FROM account_state") == [(0, 1e9)]


def test_the_installation_is_kept_where_it_can_be_read_without_the_database(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open():
        pass
    assert read_installation(tmp_path, "flotilla") == place.value("SELECT installation FROM portfolio")


def test_a_flatten_leaves_at_once(tmp_path: Path) -> None:
    place = _place(tmp_path, "broker.first_orders=1000")
    with place.open() as worker:
        place.walk(worker, 40)
        assert place.value("SELECT count(*) FROM bot_state WHERE units != 0") > 0
        sent = len(place.account.sent)
        status, said = place.ask_and_answer(worker, CommandKind.FLATTEN)
        assert (status, said) == ("DONE", "1 order to close what is open on the way")
        worker.answer_commands()
        assert len(place.account.sent) == sent + 1
        assert place.value("SELECT count(*) FROM bot_state WHERE units != 0") == 0
    assert all(quantity == 0 for coin, quantity in place.account.balances().items() if coin != "USDT")
    assert_books(place)


def test_who_takes_another_machines_lease_over_waits_until_nothing_of_it_can_arrive(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open() as worker:
        place.walk(worker, 5)
    place.write(
        "UPDATE heartbeat SET lease_host = 'elsewhere', lease_pid = 4711, lease_machine = 'm', lease_boot = 'b'"
    )
    place.write("UPDATE heartbeat SET lease_started = '1', lease_renewed_ms = ?", place.clock.now_ms())
    with pytest.raises(LeaseError, match="process 4711 on elsewhere"), place.open():
        pass
    place.clock.advance_ms(LEASE_MS + 1)
    began_ms = place.clock.monotonic_ms()
    with place.open():
        window_ms = place.account.finality.window_ms
        assert place.clock.monotonic_ms() - began_ms == LEASE_MS + 1_000 + window_ms
    began_ms = place.clock.monotonic_ms()
    with place.open():
        assert place.clock.monotonic_ms() == began_ms, "nothing is waited for after a lease that was given back"


def test_where_an_exchange_has_no_window_its_bound_is_waited_for(tmp_path: Path) -> None:
    place = _place(tmp_path)
    place.account.finality = replace(place.account.finality, window_ms=None, bound_ms=130_000)
    with place.open():
        assert place.account.desks[-1].arrives_within_ms == 131_000


def _flatten_directly(place: ExchangePlace, *script: str) -> list[str]:
    """Close what the books say is held, as `flatten --direct` does while no worker runs."""
    installation = place.value("SELECT installation FROM portfolio")
    with transaction(place.engine) as connection:
        held = accounts.held_in_books(connection, "flotilla")
    ours = {symbol: quantity for (_, symbol), quantity in held.items() if quantity}
    assert ours
    place.account.script = list(script)
    file = direct_file(place.root, "flotilla")
    glass = BreakGlass(place.account, Installation(installation, "flotilla"), file, place.clock, lambda _: None)
    return glass.run(Holdings(list(ours), [], ours))


@pytest.mark.parametrize("script", [(), ("lost answer",), ("reject",)], ids=["filled", "lost", "rejected"])
def test_what_was_closed_without_a_worker_is_booked_at_the_next_start_and_not_closed_again(
    tmp_path: Path, script: tuple[str, ...]
) -> None:
    place = _place(tmp_path, "broker.first_orders=1000", "portfolio.allow_short=false")
    with place.open() as worker:
        place.walk(worker, 40)
    assert _flatten_directly(place, *script) == []
    sent = len(place.account.sent)
    # Somebody's own coins, which nothing of ours may sell.
    place.account.explained = [Flow("f", coin, Decimal(100), 0) for coin in ("AAA", "BBB")]
    command = place.ask(CommandKind.FLATTEN)
    for _ in range(2):
        with place.open() as worker:
            worker.answer_commands()
            for _ in range(30):
                place.clock.sleep(1)
                worker.answer_commands()
    assert place.answer(command)[0] == "DONE"
    assert len(place.account.sent) == sent
    assert place.value("SELECT count(*) FROM bot_state WHERE units != 0") == 0
    assert {place.account.balances()[coin] for coin in ("AAA", "BBB")} == {Decimal(100)}
    directly = place.rows("SELECT status, count(*) FROM \"order\" WHERE purpose = 'FLATTEN' GROUP BY status")
    assert set(dict(directly)) == {"FILLED"}
    assert_books(place)


def test_an_order_that_closed_nothing_of_a_bots_is_told_of_and_not_booked(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open():
        pass
    installation = place.value("SELECT installation FROM portfolio")
    ours, other = own_prefix(installation) + "a" * 13, "wzzzz" + "a" * 13
    for name in (ours, other):
        order = DirectOrder(name, "main", "AAA/USDT", Side.SELL, Decimal(1), Decimal(100), place.clock.now_ms())
        append_order(direct_file(tmp_path, "flotilla"), order)
    with place.open():
        pass
    assert place.value('SELECT count(*) FROM "order"') == 0
    told = place.rows("SELECT message FROM event WHERE kind = 'ACCOUNT'")
    assert len(told) == 1
    assert told[0][0].startswith(f"order {ours} of flatten --direct (sell 1 AAA/USDT on main) closed nothing")
