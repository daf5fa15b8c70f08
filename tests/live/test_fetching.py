"""An exchange that hangs keeps the worker from nothing: commands are answered, the lease renewed, a stop obeyed."""

import threading

import pytest

from shared.clock import ManualClock
from shared.enums import CommandKind
from shared.errors import MarketError
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, STEP_MS, FakeMarket, random_bars
from tests.live.running import small_settings
from worker.live.fetching import Fetch

WAIT_SECONDS = 20.0


def test_a_fetch_gives_its_answer() -> None:
    fetch = Fetch(lambda: 7)
    assert fetch.wait(lambda: False)
    assert fetch.result() == 7


def test_a_fetch_raises_what_was_raised() -> None:
    def fail() -> None:
        raise MarketError("away")

    fetch = Fetch(fail)
    assert fetch.wait(lambda: False)
    with pytest.raises(MarketError, match="away"):
        fetch.result()


def test_a_wait_can_be_left_and_taken_up_again() -> None:
    answered = threading.Event()
    fetch = Fetch(lambda: answered.wait(WAIT_SECONDS))
    assert not fetch.wait(lambda: True)
    answered.set()
    assert fetch.wait(lambda: False)
    assert fetch.result() is True


class HangingMarket(FakeMarket):
    """Answers about bars only while `open` is set; counts how often it was asked."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self.open = threading.Event()
        self.open.set()
        self.asked = 0

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int):
        self.asked += 1
        self.open.wait(WAIT_SECONDS)
        return super().fetch_bars(symbol, start_ms, end_ms)


def test_a_hanging_exchange_keeps_nobody_from_halting_and_costs_no_step(make_place: MakePlace) -> None:
    clock = ManualClock(START_MS)
    bars = {symbol: random_bars(60, seed) for seed, symbol in enumerate(small_settings().portfolio.symbols)}
    market = HangingMarket(bars, clock=clock)
    place = make_place(small_settings(), market, clock=clock, real_time=True)
    with place.open() as worker:
        market.open.clear()
        clock.advance_ms(STEP_MS + 2_000)
        asked = place.ask(CommandKind.HALT, "")
        calls = []

        def answer_then_leave() -> bool:
            calls.append(worker.answer_commands())
            return len(calls) >= 3

        assert worker.step_due(answer_then_leave) == 0
        assert place.value("SELECT status FROM command WHERE id = ?", asked) == "DONE"
        before = market.asked
        assert worker.step_due(lambda: True) == 0
        assert market.asked == before, "the fetch under way is waited for, not begun again"
        market.open.set()
        assert worker.step_due(lambda: False) == 1
        assert place.value("SELECT step FROM portfolio_state") == 1
