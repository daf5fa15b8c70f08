"""Whether a worker lives: judged once, told in the same words by page and terminal."""

import pytest

from dashboard.components.ages import liveness as judged_by_page
from dashboard.queries.overview import load_overview as load_for_page
from shared.liveness import OVERDUE_MS, SILENT_MS, Liveness, liveness
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected
from worker.store.overview import load_overview as load_for_terminal
from worker.terminal.status import liveness as judged_by_terminal

NOW_MS = 1_800_000_000_000


class Pulse:
    """A worker that stepped 3 s ago, whose next step is due in a minute."""

    wall_ms = NOW_MS - 3_000
    due_ms: int | None = NOW_MS + 60_000
    lease_pid: int | None = 4242
    lease_renewed_ms: int | None = NOW_MS - 1_000


def told(**differing: int | None) -> Liveness:
    pulse = Pulse()
    for name, value in differing.items():
        setattr(pulse, name, value)
    return liveness(pulse, NOW_MS)


def test_a_worker_that_lives_is_well() -> None:
    assert told() == Liveness("The worker runs, last step 3.0 s ago", True, 3_000)
    assert told(wall_ms=0) == Liveness("The worker runs, no step yet", True, None)
    assert told(due_ms=None).is_well


@pytest.mark.parametrize(
    ("name", "longest_ms", "sentence"),
    [
        ("lease_renewed_ms", SILENT_MS, "The worker (process 4242) has been silent for 20.0 s, last step 3.0 s ago"),
        ("due_ms", OVERDUE_MS, "A step is overdue since 30.0 s, last step 3.0 s ago"),
    ],
)
def test_it_is_not_one_millisecond_after_the_limit(name: str, longest_ms: int, sentence: str) -> None:
    assert told(**{name: NOW_MS - longest_ms}).is_well
    late = told(**{name: NOW_MS - longest_ms - 1})
    assert (late.sentence, late.is_well) == (sentence, False)


@pytest.mark.parametrize("name", ["lease_pid", "lease_renewed_ms"])
def test_without_a_lease_no_worker_runs(name: str) -> None:
    assert told(**{name: None}) == Liveness("The worker is not running, last step 3.0 s ago", False, 3_000)


def test_silence_goes_before_a_step_that_is_overdue() -> None:
    assert "silent" in told(lease_renewed_ms=0, due_ms=0).sentence


def test_page_and_terminal_say_the_same_of_the_same_books(tmp_path) -> None:
    for connection in connected(seeding.stale(tmp_path / "stale")):
        page, terminal = load_for_page(connection, seeding.PORTFOLIO_ID), load_for_terminal(connection, 1)
    assert page is not None and terminal is not None
    said = judged_by_page(page, page.wall_ms + 70_000)
    assert said == judged_by_terminal(terminal, page.wall_ms + 70_000)
    assert "silent for 70.0 s" in said.sentence and not said.is_well
