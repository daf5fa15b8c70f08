"""Who guesses must wait, and nobody waits for another's guesses."""

import pytest

from dashboard.gate.browsers import STRANGER, Browser
from dashboard.gate.hashing import FEW_TRIES, Standing
from dashboard.gate.throttle import MOST_COUNTED, MOST_KEYS, TRY_LIMIT, WINDOW_MS, Throttle, TooMany, Try
from shared.clock import ManualClock

HERE = "192.0.2.1"
ANNAS = Browser("key of hers", ("anna",))


def wait_seconds(throttle: Throttle, name: str = "anna", address: str = HERE, browser: Browser = STRANGER) -> int:
    """Try once; give 0 where it was let through."""
    try:
        throttle.begin(name, address, browser)
    except TooMany as error:
        return error.wait_seconds
    return 0


def tries(
    throttle: Throttle,
    count: int,
    name: str = "anna",
    address: str = HERE,
    browser: Browser = STRANGER,
) -> int:
    """Give how many of so many tries were let through."""
    return sum(wait_seconds(throttle, name, address, browser) == 0 for _ in range(count))


def stranger(throttle: Throttle, name: str = "anna", address: str = HERE) -> Standing:
    """Tell where a stranger's next try would stand."""
    return throttle.standing(Try(("pair", name, address), ("place", address), False))


def test_a_name_from_one_address_has_five_tries_in_five_minutes() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    assert tries(throttle, 10) == TRY_LIMIT == 5
    clock.advance_ms(WINDOW_MS - 1_000)
    assert wait_seconds(throttle) == 1
    clock.advance_ms(1_000)
    assert tries(throttle, 10) == TRY_LIMIT


def test_tries_that_are_refused_do_not_lengthen_the_wait() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    tries(throttle, TRY_LIMIT)
    for _ in range(100):
        clock.advance_ms(1_000)
        wait_seconds(throttle)
    assert wait_seconds(throttle) == WINDOW_MS // 1000 - 100


def test_guesses_of_other_names_keep_nobody_of_the_same_address_out() -> None:
    throttle = Throttle(ManualClock(0))
    tries(throttle, 100, name="bo")
    for at in range(100):
        tries(throttle, 1, name=f"name{at}")
    assert wait_seconds(throttle) == 0


def test_who_tries_many_names_is_busy_and_stands_last() -> None:
    throttle = Throttle(ManualClock(0))
    assert not stranger(throttle).is_busy
    for at in range(FEW_TRIES + 1):
        tries(throttle, 1, name=f"name{at}")
    assert stranger(throttle) == Standing(True, FEW_TRIES + 1) and stranger(throttle).is_busy
    for at in range(100):
        tries(throttle, 1, name=f"name{at}")
    assert stranger(throttle).tries == MOST_COUNTED
    assert not stranger(throttle, address="192.0.2.2").is_busy


def test_who_tried_long_ago_is_busy_no_more() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    for at in range(MOST_COUNTED):
        tries(throttle, 1, name=f"name{at}")
    clock.advance_ms(WINDOW_MS)
    assert stranger(throttle) == Standing(True, 0)


def test_nobody_elsewhere_or_beside_keeps_a_known_browser_waiting() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(1_000):
        tries(throttle, 10, address=HERE if at % 2 else f"198.51.{at // 250}.{at % 250}")
        tries(throttle, 10, name=f"name{at}")
    assert wait_seconds(throttle) > 0, "a stranger of the same name and place waits"
    assert throttle.standing(throttle.begin("anna", HERE, ANNAS)) == Standing(False, 1)


def test_a_browser_is_known_by_its_own_names_alone() -> None:
    throttle = Throttle(ManualClock(0))
    assert tries(throttle, 10, "bo", browser=ANNAS) == TRY_LIMIT
    assert wait_seconds(throttle, "bo") > 0, "they were a stranger's tries"


def test_a_known_browser_has_tries_of_its_own_and_then_those_of_its_place() -> None:
    throttle = Throttle(ManualClock(0))
    assert tries(throttle, 100, browser=ANNAS) == 2 * TRY_LIMIT
    assert tries(throttle, 100, browser=Browser("another key", ("anna",))) == TRY_LIMIT


def test_who_signs_in_again_and_again_from_a_known_browser_becomes_busy() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(FEW_TRIES + 1):
        made = throttle.begin("mallory", HERE, Browser(f"key {at}", ("mallory",)))
        throttle.forgive(made)
    assert throttle.standing(made).is_busy
    assert not throttle.standing(throttle.begin("anna", HERE, ANNAS)).is_busy


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_the_addresses_of_one_network_are_one_guesser(first: str, second: str, same: bool) -> None:
    throttle = Throttle(ManualClock(0))
    tries(throttle, TRY_LIMIT, address=first)
    assert (wait_seconds(throttle, address=second) > 0) == same


def test_however_many_guess_elsewhere_nobody_is_kept_out() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(1_000):
        tries(throttle, 10, address=f"198.51.{at // 250}.{at % 250}")
    assert wait_seconds(throttle) == 0


def test_what_is_no_address_is_one_guesser() -> None:
    throttle = Throttle(ManualClock(0))
    made_up = ["", "nowhere", "1.2.3", "\x1b[31m", "x" * 10_000, "192.0.2.1:80", "fe80::1%" + "z" * 10_000]
    assert sum(wait_seconds(throttle, address=made_up[at % len(made_up)]) == 0 for at in range(100)) == TRY_LIMIT


def test_newcomers_displace_nobody_who_guesses_on() -> None:
    throttle = Throttle(ManualClock(0))
    tries(throttle, TRY_LIMIT - 1)
    for at in range(MOST_KEYS):
        wait_seconds(throttle, address=f"198.{at // 65_536}.{at // 256 % 256}.{at % 256}")
    assert tries(throttle, 10) == 1, "the guesser's count must have outlived theirs"


def test_what_is_over_makes_room_first() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    for at in range(MOST_KEYS // 10):
        tries(throttle, TRY_LIMIT, address=f"198.51.{at // 256}.{at % 256}")
    clock.advance_ms(WINDOW_MS)
    wait_seconds(throttle)
    for at in range(MOST_KEYS // 2):
        wait_seconds(throttle, address=f"203.{at // 65_536}.{at // 256 % 256}.{at % 256}")
    assert len(throttle._tries) <= MOST_KEYS
    assert ("pair", "anna", "198.51.0.0") not in throttle._tries, "the oldest had tried most, and is forgiven"


@pytest.mark.parametrize("browser", [STRANGER, ANNAS])
def test_a_try_that_nobody_looked_at_is_not_counted(browser: Browser) -> None:
    throttle = Throttle(ManualClock(0))
    for _ in range(10 * TRY_LIMIT):
        made = throttle.begin("anna", HERE, browser)
        throttle.take_back(made)
    assert throttle.standing(made).tries == MOST_COUNTED, "it stands behind who asks less all the same"
    assert tries(throttle, TRY_LIMIT, browser=browser) == TRY_LIMIT


def test_a_clock_that_is_set_back_lengthens_no_wait() -> None:
    clock = ManualClock(10 * WINDOW_MS)
    throttle = Throttle(clock)
    tries(throttle, TRY_LIMIT)
    clock.set_wall_ms(0)
    assert wait_seconds(throttle) <= WINDOW_MS // 1000


def test_the_right_password_forgets_the_wrong_ones_of_its_name() -> None:
    throttle = Throttle(ManualClock(0))
    for _ in range(3):
        assert tries(throttle, TRY_LIMIT - 1) == TRY_LIMIT - 1
        throttle.forgive(throttle.begin("anna", HERE))


def test_ones_own_password_does_not_pay_for_guessing_anothers() -> None:
    throttle = Throttle(ManualClock(0))
    guesses = 0
    for _ in range(100):
        guesses += tries(throttle, 1)
        throttle.forgive(throttle.begin("mallory", HERE))
    assert guesses == TRY_LIMIT == stranger(throttle).tries


@pytest.mark.slow
def test_guesses_of_ever_new_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(MOST_KEYS):
        wait_seconds(throttle, f"name{at}", f"198.51.{at // 250 % 250}.{at % 250}")
    assert len(throttle._tries) <= MOST_KEYS
