"""The candle mode: fills are the fill model's own to the last bit, and resting orders meet the bars."""

import random
from decimal import Decimal

import pytest

from shared.clock import ManualClock
from tests.exchange import record
from tests.exchange.accounts import Fees
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Status, Ticket
from tests.exchange.prices import Bars
from worker.brokers.fill_model import execution_fee, execution_price

HOUR_MS = 3_600_000
START_MS = 1_736_035_200_000
SLIPPAGE, FEE_RATE = 0.0005, 0.001


def bars(count: int = 50) -> list[list[float]]:
    chance, price, rows = random.Random(7), 61_234.567891, []
    for number in range(count):
        start, close = price, price * (1 + chance.gauss(0, 0.01))
        high, low = max(start, close) * (1 + chance.random() / 100), min(start, close) * (1 - chance.random() / 100)
        rows.append([START_MS + number * HOUR_MS, start, high, low, close, chance.random() * 100])
        price = close * (1 + chance.gauss(0, 0.001))
    return rows


ROWS = bars()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS + 2_000)


@pytest.fixture
def exchange(clock: ManualClock) -> Exchange:
    made = Exchange(clock.now_ms, prices=Bars({"BTCUSDT": ROWS}, HOUR_MS, SLIPPAGE))
    account = made.open_account("a", USDT="1000000", BTC="100")
    account.fees[Product.SPOT] = Fees(Decimal("0.001"), Decimal("0.001"), "quote")
    return made


def place(exchange: Exchange, **changes: object) -> Order:
    given: dict = {"quantity": Decimal("0.12345"), "is_buy": True, **changes}
    return exchange.place(exchange.accounts["a"], Ticket(Product.SPOT, "BTCUSDT", **given))


def test_every_fill_is_the_fill_models_own_to_the_last_bit(clock: ManualClock, exchange: Exchange) -> None:
    for row in ROWS:
        for is_buy in (True, False):
            (trade,) = place(exchange, is_buy=is_buy).trades
            price = execution_price(row[1], 1.0 if is_buy else -1.0, SLIPPAGE)
            assert float(trade.price) == price and trade.fee_coin == "USDT"
            assert float(trade.fee) == execution_fee(0.12345, price, FEE_RATE)
        clock.advance_ms(HOUR_MS)
    record.check(exchange)


def test_an_order_that_a_test_names_a_level_for_fills_at_it(exchange: Exchange) -> None:
    levels = {"exit": Decimal("60123.456789012345")}
    exchange.fill_at = lambda order: levels.get(order.ticket.client_id)
    assert place(exchange, client_id="exit", is_buy=False).average == levels["exit"]
    assert place(exchange, client_id="other").average != levels["exit"]


def test_candles_are_the_bars_and_the_forming_one_shows_its_open_only(clock: ManualClock, exchange: Exchange) -> None:
    clock.advance_ms(10 * HOUR_MS)
    rows = exchange.candles("BTCUSDT", HOUR_MS, START_MS, None, 100)
    assert [[float(str(value)) for value in row] for row in rows[:-1]] == ROWS[:10]
    assert [float(str(value)) for value in rows[-1]] == [ROWS[10][0], *[ROWS[10][1]] * 4, 0.0]
    (long,) = exchange.candles("BTCUSDT", 4 * HOUR_MS, START_MS + 4 * HOUR_MS, START_MS + 4 * HOUR_MS, 1)
    part = ROWS[4:8]
    assert [float(str(value)) for value in long[1:5]] == [
        part[0][1],
        max(row[2] for row in part),
        min(row[3] for row in part),
        part[-1][4],
    ]


@pytest.mark.parametrize("is_buy", [True, False])
def test_a_resting_order_fills_in_the_first_bar_that_went_through_it(
    clock: ManualClock, exchange: Exchange, is_buy: bool
) -> None:
    level = Decimal(str(round(ROWS[0][1] * (0.985 if is_buy else 1.015), 2)))
    order = place(exchange, is_buy=is_buy, price=level)
    first = next(number for number, row in enumerate(ROWS) if is_beyond(row, float(level), is_buy))
    clock.advance_ms(len(ROWS) * HOUR_MS)
    exchange.catch_up()
    assert order.status is Status.FILLED and order.average == level and order.trades[0].is_maker
    assert (order.trades[0].time_ms - START_MS) // HOUR_MS == first


def is_beyond(row: list[float], level: float, is_buy: bool) -> bool:
    return row[3] < level if is_buy else row[2] > level


def test_a_stop_fills_at_its_trigger_or_at_the_open_that_jumped_over_it(clock: ManualClock, exchange: Exchange) -> None:
    def shown(low: float, second_open: float) -> Bars:
        first = [START_MS, 100.0, 101.0, low, 100.0, 1.0]
        second = [START_MS + HOUR_MS, second_open, 100.0, 94.0, 95.0, 1.0]
        return Bars({"BTCUSDT": [first, second]}, HOUR_MS, 0.001)

    exchange.prices = shown(99.95, 98.0)
    inside, jumped = (place(exchange, is_buy=False, trigger=Decimal(level)) for level in ("97", "99.9"))
    clock.advance_ms(2 * HOUR_MS)
    exchange.catch_up()
    assert float(inside.average) == execution_price(97.0, -1.0, 0.001)
    assert float(jumped.average) == execution_price(98.0, -1.0, 0.001)


def test_the_wave_goes_on_where_there_are_no_bars(clock: ManualClock, exchange: Exchange) -> None:
    ticker, after = exchange.price("ETHUSDT"), exchange.price("BTCUSDT", START_MS + 1000 * HOUR_MS)
    assert 2_000 < ticker < 4_000 and after % Decimal("0.01") == 0
