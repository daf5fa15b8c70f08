"""The ramp of money: an account uses a share of its limit, and more of it only a step at a time."""

from pathlib import Path

import pytest

from shared.units import DAY_MS
from tests.live.exchange_place import ExchangePlace, exchange_place
from tests.live.running import small_settings
from tests.live.test_parity import two_symbols
from worker.live.worker import LiveWorker

LIVE = ("broker.kind=ccxt", "broker.first_orders=1000", "broker.alarm=3600")
LIMIT = 5_000.0


def _place(root: Path, *overrides: str) -> ExchangePlace:
    settings = small_settings(*LIVE, f"accounts.main.limit={LIMIT}", *overrides)
    return exchange_place(root, settings, two_symbols())


def _largest(place: ExchangePlace, worker: LiveWorker, bars: int) -> float:
    """Give the most that positions and reservations together came to at a close."""
    most = 0.0
    for _ in range(bars):
        place.walk(worker, 1)
        (value,) = (
            sum(abs(quantity) * close + reserved for quantity, close, reserved in place.rows(
                """SELECT bot_state.quantity, market_state.close, bot_state.reserved FROM bot_state
                   JOIN bot ON bot.id = bot_id JOIN market_state ON market_state.symbol = bot.symbol"""
            )),
        )  # fmt: skip
        most = max(most, value)
    return most


def _reload(place: ExchangePlace, worker: LiveWorker, *overrides: str) -> list[str]:
    place.settings = small_settings(*LIVE, f"accounts.main.limit={LIMIT}", *overrides)
    return worker.reload()


@pytest.mark.slow
def test_positions_stay_within_the_share_of_the_limit_and_bots_say_so(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open() as worker:
        # What moves after it was bought may go a little beyond.
        assert 0.0 < _largest(place, worker, 30) < 0.10 * LIMIT * 1.05
    assert place.value("SELECT count(*) FROM decision WHERE reason = 'CAP'") > 0
    assert place.rows("SELECT ramp FROM account_state") == [(0.1,)]


@pytest.mark.slow
def test_a_share_goes_up_a_step_after_seven_days_and_is_kept(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open() as worker:
        place.walk(worker, 2)
        refused = "accounts.main.ramp must be at most 0.1 for another 7 days, a step in 7 days, was 0.25"
        assert _reload(place, worker, "accounts.main.ramp=0.25") == [refused]
        assert _reload(place, worker, "accounts.main.ramp=0.5") == [
            "accounts.main.ramp must be at most 0.1, or 0.25, the next step, was 0.5"
        ]
        assert place.rows("SELECT ramp FROM account_state") == [(0.1,)]
        place.write("UPDATE account_state SET ramp_since_ms = ramp_since_ms - ?", 7 * DAY_MS)
        assert _reload(place, worker, "accounts.main.ramp=0.25") == ["accounts.main: ramp 0.1 → 0.25"]
        assert _largest(place, worker, 30) > 0.10 * LIMIT * 1.05
    with place.open() as worker:
        assert place.rows("SELECT ramp FROM account_state") == [(0.25,)]
        assert _reload(place, worker) == ["accounts.main: ramp 0.25 → 0.1"]


def test_a_start_with_more_than_may_be_used_goes_on_with_what_may(tmp_path: Path) -> None:
    place = _place(tmp_path, "accounts.main.ramp=1")
    with place.open() as worker:
        place.walk(worker, 2)
    said = place.value("SELECT message FROM event WHERE kind = 'ACCOUNT'")
    assert said == "accounts.main.ramp must be at most 0.1 at first, was 1"
    with place.open() as worker:
        place.write("UPDATE account_state SET ramp_since_ms = 0")
        assert _reload(place, worker, "accounts.main.ramp=0.25") == ["accounts.main: ramp 0.1 → 0.25"]


def test_nothing_goes_up_while_something_is_not_resolved(tmp_path: Path) -> None:
    place = _place(tmp_path)
    with place.open() as worker:
        place.walk(worker, 20)
        place.write("UPDATE account_state SET ramp_since_ms = 0, differs = 1")
        refused = "accounts.main.ramp must be at most 0.1 while something of the account is not resolved, was 0.25"
        assert _reload(place, worker, "accounts.main.ramp=0.25") == [refused]
        place.write("UPDATE account_state SET differs = 0")
        place.write('UPDATE "order" SET status = \'UNKNOWN\' WHERE id = (SELECT max(id) FROM "order")')
        assert _reload(place, worker, "accounts.main.ramp=0.25") == [refused]
