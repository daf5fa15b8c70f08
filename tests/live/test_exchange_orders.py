"""Orders that leave: where the account fills as the model does, live is the backtest; what breaks loses nothing."""

from collections import defaultdict
from pathlib import Path

import pytest

from shared.enums import OrderStatus
from tests.live.books_check import assert_books
from tests.live.exchange_place import ExchangePlace, exchange_place
from tests.live.fake_market import STEP_MS
from tests.live.running import backtest, small_settings
from tests.live.test_parity import VARIANTS, two_symbols
from worker.live.worker import LiveWorker
from worker.orders.states import is_final
from worker.research.replay import Replay

BARS = 200
LIVE = ("broker.kind=ccxt", "accounts.main.limit=1000000", "broker.first_orders=1000")

Leg = tuple[int, str, str, str]


def _add(legs: dict[Leg, list[float]], key: Leg, quantity: float, price: float, fee: float, crossed: float) -> None:
    for at, value in enumerate((quantity, quantity * price, fee, crossed)):
        legs[key][at] += value


def _live_legs(place: ExchangePlace) -> dict[Leg, list[float]]:
    """Sum fills by bar, bot, leg and trigger: an order may fill in many trades, and cross in house in part."""
    legs: dict[Leg, list[float]] = defaultdict(lambda: [0.0] * 4)
    for time_ms, bot, quantity, price, fee, crossed, leg, trigger in place.rows(
        """SELECT fill.time_ms, bot.name, fill.quantity, fill.price, fill.fee, fill.crossed, fill.leg, fill.trigger
           FROM fill JOIN bot ON bot.id = fill.bot_id ORDER BY fill.id"""
    ):
        _add(legs, (time_ms // STEP_MS, bot, leg, trigger), quantity, price, fee, crossed)
    return legs


def _replay_legs(replay: Replay, end_ms: int) -> dict[Leg, list[float]]:
    from tests.live.running import replay_fills

    legs: dict[Leg, list[float]] = defaultdict(lambda: [0.0] * 4)
    for time_ms, bot, quantity, price, fee, crossed, leg, trigger in replay_fills(replay):
        if time_ms <= end_ms:
            _add(legs, (time_ms // STEP_MS, bot, leg, trigger), quantity, price, fee, crossed)
    return legs


def _hold(place: ExchangePlace, replay: Replay, end_ms: int) -> None:
    live, replayed = _live_legs(place), _replay_legs(replay, end_ms)
    assert len(live) > 20
    assert live.keys() == replayed.keys()
    for key, sums in live.items():
        assert sums[0] == pytest.approx(replayed[key][0], abs=1e-12), key
        assert sums[1:] == pytest.approx(replayed[key][1:], rel=1e-9, abs=1e-9), key


def _walk(place: ExchangePlace, *restarts: int) -> None:
    done = 0
    for limit in (*restarts, BARS - 1):
        with place.open() as worker:
            place.walk(worker, limit - done)
        done = limit


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("ladder", "brakes", "netting off", "long only")),
    ],
)
def test_an_account_that_fills_as_the_model_does_gives_the_fills_of_the_backtest(tmp_path: Path, name: str) -> None:
    settings, bars = small_settings(*LIVE, *VARIANTS.get(name, [])), two_symbols()
    place = exchange_place(tmp_path, settings, bars)
    _walk(place)
    _hold(place, backtest(settings, bars), place.clock.now_ms())
    assert_books(place)
    assert place.value("SELECT count(*) FROM \"order\" WHERE status != 'FILLED'") == 0


@pytest.mark.slow
def test_restarts_change_nothing(tmp_path: Path) -> None:
    settings, bars = small_settings(*LIVE), two_symbols()
    place = exchange_place(tmp_path, settings, bars)
    _walk(place, 1, 2, 40, 41, 120)
    _hold(place, backtest(settings, bars), place.clock.now_ms())
    assert_books(place)


@pytest.mark.slow
def test_how_often_an_order_was_looked_up_and_when_it_is_next_stands_in_the_books(tmp_path: Path) -> None:
    place = exchange_place(tmp_path, small_settings(*LIVE), two_symbols())
    assert place.account is not None
    look = "SELECT looks, look_ms FROM \"order\" WHERE status = 'UNKNOWN' ORDER BY id LIMIT 1"

    def wait(worker: LiveWorker, seconds: int) -> tuple[int, int]:
        for _ in range(seconds):
            worker.answer_commands()
            place.clock.sleep(1)
        ((looks, look_ms),) = place.rows(look)
        return looks, look_ms - place.clock.now_ms()

    with place.open() as worker:
        place.account.script, place.account.is_deaf = ["lost answer"] * 40, True
        while not place.rows(look):
            place.walk(worker, 1)
        first, _ = wait(worker, 1)
        later, left_ms = wait(worker, 20)
        assert later > max(first, 2)
        assert 0 < left_ms <= 60_000
    with place.open() as worker:
        assert place.rows(look)[0][0] == 0
        place.account.is_deaf = False
        place.account.script = []
        for _ in range(20):
            worker.answer_commands()
            place.clock.sleep(1)
        assert place.rows(look) == []


def test_answers_that_are_lost_double_and_lose_nothing(tmp_path: Path) -> None:
    settings, bars = small_settings(*LIVE), two_symbols()
    place = exchange_place(tmp_path, settings, bars)
    assert place.account is not None
    place.account.script = ["lost answer", "fill", "late", "silence", "reject", "busy", "duplicate"] * 40
    _walk(place, 60, 130)
    with place.open() as worker:
        for _ in range(300):
            worker.answer_commands()
            place.clock.sleep(1)
    statuses = {OrderStatus[name] for (name,) in place.rows('SELECT DISTINCT status FROM "order"')}
    assert statuses >= {OrderStatus.FILLED, OrderStatus.ABSENT, OrderStatus.REJECTED}
    assert all(is_final(status) for status in statuses)
    names = [request.client_order_id for request in place.account.sent]
    accepted = {order.client_order_id for order in place.account.orders.values()}
    filled = {name for (name,) in place.rows("SELECT client_order_id FROM \"order\" WHERE status = 'FILLED'")}
    assert accepted == filled
    assert len(names) > len(accepted) > 20
    # What the bots hold is what the exchange has.
    for symbol in bars:
        held = place.value(
            "SELECT sum(bot_state.units) FROM bot_state JOIN bot ON bot.id = bot_id WHERE symbol = ?", symbol
        )
        account = place.account.balances().get(symbol.partition("/")[0], 0)
        assert held == account * 100_000_000
