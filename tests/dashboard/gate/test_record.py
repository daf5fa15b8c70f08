"""Whoever cannot sign in causes few lines of their own file, and none beside what people did."""

import json
import stat
from pathlib import Path

import pytest

from dashboard.gate import acts, record
from dashboard.gate.acts import Act, Acts
from dashboard.gate.counting import MOST_SOURCES, WINDOW_MS
from dashboard.gate.people import Person
from dashboard.gate.record import MOST_KEYS, SigninRecord
from shared.clock import ManualClock

NOW_MS = 1_767_225_600_000
ANN, BO = Person("ann", "operator"), Person("bo", "viewer")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_flood_of_failures_is_few_lines_whatever_it_says(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    signins = SigninRecord(tmp_path, clock)
    signins.write(record.SIGNED_IN, "ann", "192.0.2.1")
    for at in range(20_000):
        signins.write(record.WRONG, "ann" if at % 2 else None, f"{'x' * 60_000}" if at % 3 else f"2001:db8:{at:x}::1")
    clock.advance_ms(WINDOW_MS)
    signins.settle()
    found = lines(tmp_path / record.FILE)
    assert len(found) <= 2 * MOST_KEYS + 1
    assert max(map(len, (tmp_path / record.FILE).read_text().splitlines())) < 400
    assert sum(line.get("count", 1) for line in found) == 20_000, "every one of them is counted"
    assert (found[-1]["what"], found[-1]["addresses_at_least"]) == ("other addresses", MOST_SOURCES)
    assert {"unknown"} < {line["address"] for line in found[:-1]}
    assert [line["what"] for line in lines(tmp_path / acts.FILE)] == ["signed in"]
    assert not [path.name for path in (tmp_path / "logs").iterdir() if path.name.endswith(".1")], "nothing is rolled"
    signins.close()


def test_failures_of_years_roll_their_own_file_and_not_the_acts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(NOW_MS)
    signins = SigninRecord(tmp_path, clock)
    monkeypatch.setattr(signins._file, "maxBytes", 2_000)
    signins.write(record.SIGNED_IN, "ann", "192.0.2.1")
    for at in range(200):
        signins.write(record.WRONG, None, f"192.0.2.{at}")
        clock.advance_ms(WINDOW_MS)
    assert len(list((tmp_path / "logs").glob("signin.log*"))) == record.KEPT_FILES + 1
    assert max(path.stat().st_size for path in (tmp_path / "logs").glob("signin.log*")) <= 2_000
    assert [line["name"] for line in lines(tmp_path / acts.FILE)] == ["ann"]
    signins.close()


def test_two_records_of_a_project_go_on_in_one_file_when_it_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (SigninRecord(tmp_path, ManualClock(NOW_MS)) for _ in range(2))
    monkeypatch.setattr(one._file, "maxBytes", 500)
    for number in range(20):
        (one, other)[number % 2].write(record.WRONG, f"name{number}", "127.0.0.1")
    assert (tmp_path / f"{record.FILE}.1").exists()
    assert lines(tmp_path / record.FILE)[-1]["name"] == "name19"
    assert max(path.stat().st_size for path in (tmp_path / "logs").iterdir()) <= 500
    one.close()


def test_what_was_counted_is_written_when_the_page_ends(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    signins = SigninRecord(tmp_path, clock)
    for _ in range(3):
        signins.write(record.WRONG, "ann", "192.0.2.1")
        signins.write(record.SIGNED_IN, "ann", "2001:db8::1")
        clock.advance_ms(1_000)
    signins.close()
    for found, address in (
        (lines(tmp_path / record.FILE), "192.0.2.1"),
        (lines(tmp_path / acts.FILE), "2001:db8::/64"),
    ):
        first, others = found
        assert "count" not in first and others["count"] == 2
        assert (others["first"], others["last"]) == ("2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z")
        assert first["address"] == others["address"] == address


def test_a_name_of_a_provider_is_written_out_and_bounded(tmp_path: Path) -> None:
    signins = SigninRecord(tmp_path, ManualClock(NOW_MS))
    signins.write(record.NOT_LISTED, "\x1b[31m" + "é" * 5_000, "192.0.2.1")
    assert lines(tmp_path / record.FILE)[0]["name"].startswith("\\x1b[31mé")
    assert (tmp_path / record.FILE).stat().st_size < 1_000
    signins.close()


def test_each_act_is_a_line_and_refusals_are_counted(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    own = Acts(tmp_path, clock)
    for number in range(3):
        assert own.done(Act("HALT", "sleeve breakout", "x" * 9_000), ANN, "192.0.2.1", command=number)
    refused = [own.refuse(Act("HALT", f"bot {at % 100}", "forged"), BO, "192.0.2.2", "no") for at in range(10_000)]
    assert sum(refused) == acts.MOST_KEYS
    clock.advance_ms(WINDOW_MS)
    own.settle()
    found = lines(tmp_path / acts.FILE)
    assert [line.get("command") for line in found[:3]] == [0, 1, 2]
    assert len(found) == 3 + 2 * acts.MOST_KEYS + 1
    told = [line for line in found[3:] if line["what"] == "others"]
    assert [(line["sources_at_least"], line["count"]) for line in told] == [(1, 5_000)]
    assert sum(line.get("count", 1) for line in found[3:]) == 10_000
    assert max(map(len, (tmp_path / acts.FILE).read_text().splitlines())) < 1_000
    assert stat.S_IMODE((tmp_path / acts.FILE).stat().st_mode) == 0o600


def test_a_full_disk_leaves_no_half_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Acts(tmp_path, ManualClock(NOW_MS))
    assert own.done(Act("PAUSE", "portfolio", "first"), ANN, "192.0.2.1")
    write = acts.os.write
    with monkeypatch.context() as full:
        full.setattr(acts.os, "write", lambda descriptor, line: write(descriptor, line[:10]))
        assert not own.done(Act("PAUSE", "portfolio", "second"), ANN, "192.0.2.1")
    assert own.done(Act("PAUSE", "portfolio", "third"), ANN, "192.0.2.1")
    assert [line["reason"] for line in lines(tmp_path / acts.FILE)] == ["first", "third"]
