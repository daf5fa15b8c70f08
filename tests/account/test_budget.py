"""The rate budget: never more than the limit in any stretch, a fifth for exits, silence kept by everybody."""

import random

import pytest

from shared.clock import ManualClock
from tests.account.recording import NOW_MS, Recorder, make_account, request_of, response
from worker.exchange.budget import RateBudget, Withheld
from worker.exchange.protocol import Fate, Refusal
from worker.exchange.table import quirks_of

WINDOW_MS = 60_000
FAR = 10**12


def spend(seed: int, reserve_holds: bool = True) -> tuple[RateBudget, list[tuple[int, float, bool]]]:
    """Ask at random for minutes; give what was let through and when."""
    clock, chance, spent = ManualClock(NOW_MS), random.Random(seed), []
    budget = RateBudget(100.0, WINDOW_MS, clock)
    for _ in range(400):
        clock.advance_ms(chance.randrange(3_000))
        weight, urgent = chance.choice((1.0, 4.0, 20.0)), chance.random() < 0.3
        try:
            budget.take(weight, urgent, clock.monotonic_ms() + chance.choice((0, 5_000, FAR)))
        except Withheld:
            continue
        spent.append((clock.monotonic_ms(), weight, urgent))
    return budget, spent


@pytest.mark.parametrize("seed", range(5))
def test_in_no_stretch_of_the_window_is_more_spent_than_the_limit(seed: int) -> None:
    _, spent = spend(seed)
    assert len(spent) > 50
    for end_ms, _, is_urgent in spent:
        within = sum(weight for at_ms, weight, _ in spent if end_ms - WINDOW_MS < at_ms <= end_ms)
        assert within <= 100.0
        before = sum(weight for at_ms, weight, _ in spent if end_ms - WINDOW_MS < at_ms < end_ms)
        assert is_urgent or before <= 80.0


def test_a_fifth_is_kept_for_exits_and_cancels() -> None:
    clock = ManualClock(NOW_MS)
    budget = RateBudget(100.0, WINDOW_MS, clock)
    budget.take(80.0, False, 0)
    with pytest.raises(Withheld, match=r"room in 60.0 s only, 80 of 100 used"):
        budget.take(1.0, False, 59_000)
    budget.take(20.0, True, 0)
    with pytest.raises(Withheld):
        budget.take(1.0, True, 0)
    assert (budget.used, clock.monotonic_ms()) == (100.0, 0), "who was refused waited for nothing"
    budget.take(1.0, False, 60_000)
    assert (clock.monotonic_ms(), budget.used) == (60_000, 1.0)


def test_what_others_spent_from_this_address_counts() -> None:
    budget = RateBudget(100.0, WINDOW_MS, ManualClock(NOW_MS))
    budget.take(10.0, False, 0)
    budget.heard_used(75.0)
    budget.heard_used(20.0)
    assert budget.used == 75.0
    with pytest.raises(Withheld):
        budget.take(10.0, False, 0)


def test_silence_is_kept_by_all_and_survives_a_restart_and_a_clock_that_is_set() -> None:
    clock = ManualClock(NOW_MS)
    budget = RateBudget(100.0, WINDOW_MS, clock)
    assert budget.silent_until_ms == 0
    budget.refused(429, 30.0)
    stored = budget.silent_until_ms
    assert stored == NOW_MS + 30_000
    clock.advance_ms(10_000)
    after = RateBudget(100.0, WINDOW_MS, clock)
    after.silent_until_ms = stored
    for urgent in (False, True):
        with pytest.raises(Withheld, match=r"wants silence for 20.0 s more"):
            after.take(1.0, urgent, FAR)
    clock.set_wall_ms(NOW_MS + 3_600_000)
    with pytest.raises(Withheld, match="20.0 s"):
        after.take(1.0, True, FAR)
    clock.advance_ms(20_000)
    after.take(1.0, False, 0)
    assert after.silent_until_ms == 0
    after.silent_until_ms = 0
    after.take(1.0, False, 0)


def test_told_nothing_of_how_long_the_silence_doubles_until_an_answer_comes() -> None:
    clock = ManualClock(NOW_MS)
    budget = RateBudget(100.0, WINDOW_MS, clock)
    silences = []
    for _ in range(9):
        budget.refused(429, None)
        silences.append(budget.silent_until_ms - clock.now_ms())
        clock.advance_ms(silences[-1])
    assert silences[:4] == [10_000, 20_000, 40_000, 80_000] and silences[-1] == 600_000
    budget.answered()
    budget.refused(429, None)
    assert budget.silent_until_ms - clock.now_ms() == 10_000


def test_weights_are_those_the_exchange_counts() -> None:
    recorder = Recorder([])
    account = make_account(quirks_of("binance", "spot"), recorder)
    account.open_orders(["BTC/USDT"])
    assert account.budget.used == 6.0
    account.trades("BTC/USDT", NOW_MS - 1_000)
    assert (account.budget.used, account.budget.limit) == (26.0, 6_000)
    recorder.answers = [lambda request: response(request, [], {"X-MBX-USED-WEIGHT-1M": "700"})]
    account.open_orders(["BTC/USDT"])
    assert account.budget.used == 700.0


def test_an_exit_leaves_where_the_budget_has_no_room_for_an_entry() -> None:
    recorder = Recorder("")
    account = make_account(quirks_of("binance", "spot"), recorder)
    account.budget.heard_used(4_900)
    entry = account.send(request_of("BTC/USDT"))
    assert (entry.fate, entry.refusal, recorder.sent) == (Fate.NOT_PLACED, Refusal.RATE, [])
    assert "4900 of 6000 used" in entry.text
    account.send(request_of("BTC/USDT", reduce_only=True))
    account.cancel("BTC/USDT", "w", None)
    assert len(recorder.sent) == 2


def test_an_order_that_would_leave_too_late_does_not_leave() -> None:
    clock, recorder = ManualClock(NOW_MS), Recorder("")
    account = make_account(quirks_of("gate", "spot"), recorder, clock)
    account.budget.take(160.0, False, 0)
    clock.advance_ms(9_500)
    answer = account.send(request_of("BTC/USDT"), leave_by_ms=clock.monotonic_ms() + 400)
    assert (answer.fate, answer.refusal, recorder.sent) == (Fate.NOT_PLACED, Refusal.RATE, [])
    answer = account.send(request_of("BTC/USDT"), leave_by_ms=clock.monotonic_ms() + 600)
    assert answer.fate is Fate.UNKNOWN and len(recorder.sent) == 1
    clock.advance_ms(1)
    answer = account.send(request_of("BTC/USDT"), leave_by_ms=clock.monotonic_ms() - 1)
    assert (answer.fate, answer.refusal, len(recorder.sent)) == (Fate.NOT_PLACED, Refusal.BUSY, 1)
