"""Who guesses must wait, and nobody waits for another's guesses."""

import pytest

from dashboard.gate.throttle import ADDRESS_LIMIT, MOST_KEYS, PAIR_LIMIT, WINDOW_MS, Throttle
from shared.clock import ManualClock


def tries(throttle: Throttle, count: int, name: str = "anna", address: str = "192.0.2.1") -> int:
    """Give how many of so many tries were let through."""
    return sum(throttle.wait_seconds(name, address) == 0 for _ in range(count))


def test_a_name_from_one_address_has_five_tries_in_five_minutes() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    assert tries(throttle, 10) == PAIR_LIMIT == 5
    clock.advance_ms(WINDOW_MS - 1_000)
    assert throttle.wait_seconds("anna", "192.0.2.1") == 1
    clock.advance_ms(1_000)
    assert tries(throttle, 10) == PAIR_LIMIT


def test_tries_that_are_refused_do_not_lengthen_the_wait() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    tries(throttle, PAIR_LIMIT)
    for _ in range(100):
        clock.advance_ms(1_000)
        throttle.wait_seconds("anna", "192.0.2.1")
    assert throttle.wait_seconds("anna", "192.0.2.1") == WINDOW_MS // 1000 - 100


def test_one_address_cannot_try_many_names() -> None:
    throttle = Throttle(ManualClock(0))
    assert sum(throttle.wait_seconds(f"name{at}", "192.0.2.1") == 0 for at in range(100)) == ADDRESS_LIMIT


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
    tries(throttle, PAIR_LIMIT, address=first)
    assert (throttle.wait_seconds("anna", second) > 0) == same


def test_a_guesser_elsewhere_keeps_nobody_out() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(10):
        tries(throttle, 10, address=f"198.51.100.{at}")
    assert throttle.wait_seconds("anna", "192.0.2.1") == 0


def test_however_many_guess_elsewhere_nobody_is_kept_out() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(1_000):
        tries(throttle, 10, address=f"198.51.{at // 250}.{at % 250}")
    assert throttle.wait_seconds("anna", "192.0.2.1") == 0


def test_what_is_no_address_is_one_guesser() -> None:
    throttle = Throttle(ManualClock(0))
    made_up = ["", "nowhere", "1.2.3", "\x1b[31m", "x" * 10_000, "192.0.2.1:80", "fe80::1%" + "z" * 10_000]
    assert (
        sum(throttle.wait_seconds(f"name{at}", made_up[at % len(made_up)]) == 0 for at in range(100)) == ADDRESS_LIMIT
    )


def test_newcomers_displace_nobody_who_guesses_on() -> None:
    throttle = Throttle(ManualClock(0))
    tries(throttle, PAIR_LIMIT - 1)
    for at in range(MOST_KEYS):
        throttle.wait_seconds("anna", f"198.{at // 65_536}.{at // 256 % 256}.{at % 256}")
    assert tries(throttle, 10) == 1, "the guesser's count must have outlived theirs"


def test_what_is_over_makes_room_first() -> None:
    clock = ManualClock(0)
    throttle = Throttle(clock)
    for at in range(MOST_KEYS // 10):
        tries(throttle, PAIR_LIMIT, address=f"198.51.{at // 256}.{at % 256}")
    clock.advance_ms(WINDOW_MS)
    throttle.wait_seconds("anna", "192.0.2.1")
    for at in range(MOST_KEYS // 3):
        throttle.wait_seconds("anna", f"203.{at // 65_536}.{at // 256 % 256}.{at % 256}")
    assert len(throttle._tries) <= MOST_KEYS
    assert ("pair", "anna", "198.51.0.0") not in throttle._tries, "the oldest had tried most, and is forgiven"


def test_a_try_that_nobody_looked_at_is_not_counted() -> None:
    throttle = Throttle(ManualClock(0))
    for _ in range(10 * PAIR_LIMIT):
        assert throttle.wait_seconds("anna", "192.0.2.1") == 0
        throttle.take_back("anna", "192.0.2.1")
    assert throttle.weight("anna", "192.0.2.1") == ADDRESS_LIMIT, "it stands behind who asks less all the same"
    assert tries(throttle, 10) == PAIR_LIMIT


def test_who_signed_in_from_there_stands_before_who_did_not() -> None:
    throttle = Throttle(ManualClock(0))
    assert throttle.wait_seconds("anna", "192.0.2.1") == 0
    assert throttle.weight("anna", "192.0.2.1") == 1
    throttle.forgive("anna", "192.0.2.1")
    assert throttle.weight("anna", "192.0.2.1") == 0
    tries(throttle, 3, name="bo")
    assert (throttle.weight("bo", "192.0.2.1"), throttle.weight("anna", "192.0.2.1")) == (3, 0)
    assert throttle.weight("anna", "192.0.2.2") == 0 < throttle.weight("bo", "192.0.2.1"), "nobody tried there"


def test_a_clock_that_is_set_back_lengthens_no_wait() -> None:
    clock = ManualClock(10 * WINDOW_MS)
    throttle = Throttle(clock)
    tries(throttle, PAIR_LIMIT)
    clock.set_wall_ms(0)
    assert throttle.wait_seconds("anna", "192.0.2.1") <= WINDOW_MS // 1000


def test_the_right_password_forgets_the_wrong_ones_of_its_name() -> None:
    throttle = Throttle(ManualClock(0))
    for _ in range(3):
        assert tries(throttle, PAIR_LIMIT - 1) == PAIR_LIMIT - 1
        throttle.forgive("anna", "192.0.2.1")


def test_ones_own_password_does_not_pay_for_guessing_anothers() -> None:
    throttle = Throttle(ManualClock(0))
    guesses = 0
    for at in range(100):
        guesses += throttle.wait_seconds(f"name{at}", "192.0.2.1") == 0
        if throttle.wait_seconds("mallory", "192.0.2.1") == 0:
            throttle.forgive("mallory", "192.0.2.1")
    assert guesses == ADDRESS_LIMIT


@pytest.mark.slow
def test_guesses_of_ever_new_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(ManualClock(0))
    for at in range(MOST_KEYS):
        throttle.wait_seconds(f"name{at}", f"198.51.{at // 250 % 250}.{at % 250}")
    assert len(throttle._tries) <= MOST_KEYS
