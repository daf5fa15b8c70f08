"""Faults drawn from a seed: the same again, of every kind, and replayed to the last outcome."""

import pytest

from tests.exchange import record
from tests.exchange.fault_script import FaultScript
from tests.exchange.faults import ACTIONS, UNREACHED
from tests.exchange.test_faults import outcome
from tests.exchange.venue import make_venue


def test_a_drawn_script_is_the_same_for_the_same_seed_and_has_every_kind() -> None:
    def drawn(seed: int, sockets: bool = False) -> list[str]:
        script = FaultScript(seed, "storm")
        rules = [script.draw("POST", "/api/v3/order", sockets) for _ in range(2_000)]
        return [rule.action if rule else "" for rule in rules]

    assert drawn(1) == drawn(1) != drawn(2)
    assert set(drawn(1)) == {"", *ACTIONS} and set(drawn(1, sockets=True)) == {"", *ACTIONS} - set(UNREACHED)
    assert not any(FaultScript(1, "none").draw("POST", "/x", True) for _ in range(100))
    script = FaultScript(1, "storm", without=("twice",))
    assert all((rule := script.draw("POST", "/x", True)) is None or rule.action != "twice" for _ in range(2_000))
    with pytest.raises(ValueError, match="level must be one of"):
        FaultScript(1, "worse")


def test_a_script_and_its_outcomes_replay_from_the_seed() -> None:
    def run() -> list[object]:
        venue = make_venue()
        venue.desk.faults.script = FaultScript(5, "storm")
        seen = [outcome(venue.client, f"w{number}") for number in range(60)]
        record.check(venue.exchange)
        return [seen, venue.desk.faults.fired, record.trades(venue.exchange, venue.account), venue.clock.now_ms()]

    first = run()
    assert first == run() and len(set(first[0])) >= 4 and len(first[1]) > 10
