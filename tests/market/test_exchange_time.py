"""The exchange's time, whatever this machine's clock is set to meanwhile."""

import pytest

from shared.clock import ManualClock
from shared.errors import MarketError
from shared.units import HOUR_MS, MINUTE_MS
from worker.exchange.exchange_time import ASK_EVERY_MS, ASK_SOON_MS, ExchangeTime

NOW_MS = 1_800_000_000_000


class Asked:
    """An exchange whose clock is 3 s ahead of where this machine's began; `away` is it now and then."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.times = 0
        self.away = False

    def __call__(self) -> int:
        self.times += 1
        if self.away:
            raise MarketError("away")
        return NOW_MS + 3_000 + self.clock.monotonic_ms()


@pytest.mark.parametrize("moved_ms", [-HOUR_MS, HOUR_MS])
def test_a_clock_that_is_set_moves_no_market_time_and_is_measured_again(moved_ms: int) -> None:
    clock = ManualClock(NOW_MS)
    asked = Asked(clock)
    time = ExchangeTime(clock, asked)
    time.keep()
    clock.advance_ms(MINUTE_MS)
    clock.set_wall_ms(clock.now_ms() + moved_ms)
    assert time.now_ms() == NOW_MS + MINUTE_MS + 3_000
    assert time.ahead_ms() == 3_000 - moved_ms
    time.keep()
    assert asked.times == 2, "at once, not only after ten minutes"
    assert time.now_ms() == NOW_MS + MINUTE_MS + 3_000
    time.keep()
    assert asked.times == 2


def test_the_exchange_is_asked_every_ten_minutes_and_sooner_where_it_did_not_say() -> None:
    clock = ManualClock(NOW_MS)
    asked = Asked(clock)
    asked.away = True
    time = ExchangeTime(clock, asked)
    time.keep()
    assert time.now_ms() == NOW_MS, "this machine's, until it is heard"
    asked.away = False
    for after_ms, times in ((ASK_SOON_MS - 1, 1), (1, 2), (ASK_EVERY_MS - 1, 2), (1, 3)):
        clock.advance_ms(after_ms)
        time.keep()
        assert asked.times == times
    assert time.ahead_ms() == 3_000


def test_a_candle_of_the_future_asks_again() -> None:
    clock = ManualClock(NOW_MS)
    asked = Asked(clock)
    time = ExchangeTime(clock, asked)
    time.keep()
    time.saw(NOW_MS)
    time.keep()
    assert asked.times == 1
    time.saw(NOW_MS + HOUR_MS)
    assert time.now_ms() == NOW_MS + 3_000, "a candle is not believed where the exchange can be asked"
    time.keep()
    assert asked.times == 2


def test_without_a_clock_to_read_candles_show_that_it_is_later() -> None:
    clock = ManualClock(NOW_MS)
    time = ExchangeTime(clock, None)
    time.keep()
    clock.advance_ms(MINUTE_MS)
    clock.set_wall_ms(NOW_MS - HOUR_MS)
    time.keep()
    assert time.now_ms() == NOW_MS + MINUTE_MS, "nobody says that it was set right"
    clock.set_wall_ms(clock.now_ms() + 400)
    time.keep()
    assert time.now_ms() == NOW_MS + MINUTE_MS + 400, "a clock that drifts is followed"
    time.saw(NOW_MS + HOUR_MS)
    assert time.now_ms() == NOW_MS + HOUR_MS
    time.saw(NOW_MS + 1_000 * HOUR_MS)
    assert time.now_ms() == NOW_MS + HOUR_MS, "that candle is a mistake"
