"""The crash count, on a clock that is moved by hand."""

from pathlib import Path

import pytest

from shared.clock import ManualClock
from shared.units import MINUTE_MS, SECOND_MS
from worker.process.crashes import CrashCount, Start


def runs(path: Path, clock: ManualClock, exit_codes: list[int | None]) -> list[Start]:
    """Run and end as told; None is a run that was killed."""
    starts = []
    for exit_code in exit_codes:
        count = CrashCount(path, clock)
        starts.append(count.begin())
        clock.advance_ms(SECOND_MS)
        if exit_code is not None:
            count.end(exit_code)
    return starts


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_800_000_000_000)


def test_the_delay_doubles_from_one_second_to_a_minute(tmp_path: Path, clock: ManualClock) -> None:
    starts = runs(tmp_path / "crashes", clock, [70] * 9)
    assert [start.delay_seconds for start in starts] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_the_fifth_crash_sets_the_brake(tmp_path: Path, clock: ManualClock) -> None:
    assert [start.braked for start in runs(tmp_path / "crashes", clock, [70] * 7)] == [False] * 5 + [True] * 2


def test_a_killed_run_counts_as_a_crash(tmp_path: Path, clock: ManualClock) -> None:
    assert [start.crashes for start in runs(tmp_path / "crashes", clock, [None] * 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("outage", [69, 75])
def test_an_outage_delays_the_restart_but_never_sets_the_brake(tmp_path: Path, clock: ManualClock, outage: int) -> None:
    starts = runs(tmp_path / "crashes", clock, [outage] * 9)
    assert starts[-1].delay_seconds == 60.0
    assert not any(start.braked for start in starts)


def test_a_configuration_error_neither_counts_nor_forgets(tmp_path: Path, clock: ManualClock) -> None:
    assert [start.crashes for start in runs(tmp_path / "crashes", clock, [70, 78, 78, 0, 70])] == [0, 1, 1, 1, 0]


def test_crashes_older_than_ten_minutes_are_forgotten(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "crashes"
    runs(path, clock, [70] * 5)
    clock.advance_ms(10 * MINUTE_MS - 2 * SECOND_MS)
    start = CrashCount(path, clock).begin()
    assert 0 < start.crashes < 5
    clock.advance_ms(10 * MINUTE_MS)
    CrashCount(path, clock).end(0)
    assert CrashCount(path, clock).begin().crashes == 0


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"running": true, "crashes_ms": 3, "outages_ms": []}'])
def test_an_unreadable_count_starts_again_with_a_warning(
    tmp_path: Path, clock: ManualClock, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "crashes"
    path.write_text(text)
    assert CrashCount(path, clock).begin() == Start(0, 0)
    assert "could not be read" in caplog.text


def test_a_count_that_cannot_be_written_does_not_stop_the_worker(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    count = CrashCount(tmp_path / "state" / "crashes", clock)
    count.begin()
    count.end(70)
    assert "could not be written" in caplog.text
