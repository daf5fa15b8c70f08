"""What is said of a full disk, and how long the next try waits."""

from shared.clock import ManualClock
from shared.errors import DiskFull
from worker.process.service import ROOM_SECONDS, Room


def test_waits_double_to_a_minute_and_begin_anew_once_there_was_room_for_long() -> None:
    clock = ManualClock()
    room = Room(clock)
    waits = []
    for _ in range(9):
        waits.append(room.wait_seconds(DiskFull("full")))
        clock.sleep(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.sleep(ROOM_SECONDS)
    assert room.note() == "the disk has room again; it was full for 3 min"
    assert room.wait_seconds(DiskFull("full")) == 1


def test_room_that_does_not_last_is_not_told_of() -> None:
    clock = ManualClock()
    room = Room(clock)
    assert room.note() == ""
    room.wait_seconds(DiskFull("full"))
    clock.sleep(ROOM_SECONDS - 1)
    assert room.note() == ""
    room.wait_seconds(DiskFull("full"))
    clock.sleep(ROOM_SECONDS - 1)
    assert room.note() == ""
    clock.sleep(1)
    assert room.note()
    assert room.note() == ""
