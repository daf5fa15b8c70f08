"""Whether a worker lives: judged once, told in the same words by page and terminal."""

import pytest

from dashboard.components.ages import liveness as judged_by_page
from dashboard.queries.overview import load_overview as load_for_page
from shared.liveness import ANSWER_MS, LONGEST_PATIENCE_MS, OVERDUE_MS, SILENT_MS, STARTING_MS, Liveness, liveness
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected
from worker.store.overview import load_overview as load_for_terminal
from worker.terminal.status import liveness as judged_by_terminal

NOW_MS = 1_800_000_000_000


class Pulse:
    """A worker that stepped in no time 3 s ago, whose next step is due in a minute."""

    wall_ms = NOW_MS - 3_000
    due_ms: int | None = NOW_MS + 60_000
    duration_ms = 0.0
    lease_pid: int | None = 4242
    lease_since_ms: int | None = NOW_MS - 3_600_000
    lease_renewed_ms: int | None = NOW_MS - 1_000
    waiting_since_ms: int | None = None
    ahead_ms = 0


def told(**differing: float | None) -> Liveness:
    pulse = Pulse()
    for name, value in differing.items():
        setattr(pulse, name, value)
    return liveness(pulse, NOW_MS)


def test_a_worker_that_lives_is_well() -> None:
    assert told() == Liveness("The worker is running, last step 3.0 s ago", True, 3_000)
    assert told(wall_ms=0) == Liveness("The worker is running, no step yet", True, None)
    assert told(due_ms=None).is_well


SILENT = "The worker (process 4242) has been silent for"
OVERDUE = "A step is overdue since"
BAR = NOW_MS - 3_600_000


@pytest.mark.parametrize(
    ("name", "longest_ms", "others", "sentence"),
    [
        ("lease_renewed_ms", SILENT_MS, {}, f"{SILENT} 12.0 s"),
        ("lease_renewed_ms", SILENT_MS + 9_000, {"duration_ms": 9_000.0}, f"{SILENT} 21.0 s"),
        ("waiting_since_ms", ANSWER_MS, {}, "The worker has not answered for 5.0 s"),
        # At full speed a step is due at once; simulated bars; a bar of an hour that an exchange is late with.
        ("due_ms", OVERDUE_MS, {"wall_ms": NOW_MS}, f"{OVERDUE} 5.0 s"),
        ("due_ms", OVERDUE_MS + 1_000, {"wall_ms": NOW_MS - 10_000}, f"{OVERDUE} 6.0 s"),
        ("due_ms", OVERDUE_MS + 4_000, {"wall_ms": NOW_MS, "duration_ms": 2_000.0}, f"{OVERDUE} 9.0 s"),
        ("due_ms", OVERDUE_MS + LONGEST_PATIENCE_MS, {"wall_ms": BAR}, f"{OVERDUE} 35.0 s"),
    ],
)
def test_it_is_not_one_millisecond_after_the_limit(
    name: str, longest_ms: int, others: dict[str, float], sentence: str
) -> None:
    assert told(**others, **{name: NOW_MS - longest_ms}).is_well
    late = told(**others, **{name: NOW_MS - longest_ms - 1})
    assert not late.is_well and late.sentence.startswith(f"{sentence}, last step")


def test_a_worker_that_has_just_taken_its_lease_has_time_to_read_its_history() -> None:
    for ago_ms, is_well in ((STARTING_MS, True), (STARTING_MS + 1, False)):
        assert told(lease_since_ms=NOW_MS - ago_ms, lease_renewed_ms=NOW_MS - ago_ms).is_well is is_well


def test_a_command_without_an_answer_is_said_in_the_same_sentence() -> None:
    silent = told(lease_renewed_ms=NOW_MS - 16_200, waiting_since_ms=NOW_MS - 10_700)
    assert silent.sentence == f"{SILENT} 16.2 s and has not answered for 10.7 s, last step 3.0 s ago"
    gone = told(lease_pid=None, waiting_since_ms=NOW_MS - 10_700)
    assert gone.sentence == "The worker is not running and has not answered for 10.7 s, last step 3.0 s ago"


@pytest.mark.parametrize("name", ["lease_pid", "lease_renewed_ms"])
def test_without_a_lease_no_worker_runs(name: str) -> None:
    assert told(**{name: None}) == Liveness("The worker is not running, last step 3.0 s ago", False, 3_000)


def test_silence_goes_before_a_step_that_is_overdue() -> None:
    said = told(lease_renewed_ms=0, due_ms=0).sentence
    assert "silent" in said and "overdue" not in said


HOUR_MS = 3_600_000


def test_a_clock_that_was_set_back_is_said_and_no_age_is_below_0() -> None:
    back = told(wall_ms=NOW_MS + HOUR_MS - 3_000, lease_renewed_ms=NOW_MS + HOUR_MS - 1_000)
    assert back.age_ms is None and not back.is_well
    assert back.sentence == (
        "The worker (process 4242) has not been heard since the clock was set back, last step before the clock was set "
        "back, this machine's clock was set back by at least 60 min"
    )
    # It lives: it has renewed its lease since, and is about to move the time of its step along.
    heard = told(wall_ms=NOW_MS + HOUR_MS - 3_000)
    assert heard.is_well and heard.age_ms is None
    assert told(wall_ms=NOW_MS + 2_000).age_ms == 0, "clocks that differ by so little are not wrong"


@pytest.mark.parametrize(("ahead_ms", "where"), [(HOUR_MS, "behind"), (-HOUR_MS, "ahead of")])
def test_a_clock_that_is_not_the_exchanges_is_said_and_the_worker_is_well(ahead_ms: int, where: str) -> None:
    said = told(ahead_ms=ahead_ms)
    assert said.is_well and said.clock == f"this machine's clock is 60 min {where} the exchange's"
    assert said.sentence == f"The worker is running, last step 3.0 s ago, {said.clock}"
    assert told(ahead_ms=10_000).clock == ""


def test_page_and_terminal_say_the_same_of_the_same_books(tmp_path) -> None:
    for connection in connected(seeding.stale(tmp_path / "stale")):
        page, terminal = load_for_page(connection, seeding.PORTFOLIO_ID), load_for_terminal(connection, 1)
    assert page is not None and terminal is not None
    said = judged_by_page(page, page.wall_ms + 70_000)
    assert said == judged_by_terminal(terminal, page.wall_ms + 70_000)
    assert "silent for 70.0 s" in said.sentence and not said.is_well


def test_page_and_terminal_know_since_when_a_command_waits(tmp_path) -> None:
    books = seeding.seeded(tmp_path / "asked")
    books.write(
        "INSERT INTO command (portfolio_id, kind, scope_kind, scope, reason, who, asked_ms, status) VALUES "
        "(1, 'PAUSE', 'PORTFOLIO', '', 'x', 'ann', 7000, 'TAKEN'), "
        "(1, 'HALT', 'PORTFOLIO', '', 'x', 'ann', 8000, 'ASKED')"
    )
    assert waiting(books) == [7_000, 7_000]
    books.write("UPDATE command SET status = 'DONE'")
    assert waiting(books) == [None, None]


def waiting(books: seeding.Books) -> list[int | None]:
    return [
        overview.waiting_since_ms
        for connection in connected(books)
        for overview in (load_for_page(connection, 1), load_for_terminal(connection, 1))
        if overview is not None
    ]
