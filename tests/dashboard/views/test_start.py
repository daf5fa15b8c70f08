"""What a page says while a fleet begins: how far the history is, and how long a bar lasts."""

from pathlib import Path
from shutil import copytree

import pytest

from shared.clock import SystemClock
from tests.dashboard import seeding
from tests.dashboard.views.conftest import Folder, OpenPage, texts

LEFT = "UPDATE heartbeat SET bars_left = 420, bars_total = 720, duration_ms = 16.0"
HEARD = "UPDATE heartbeat SET wall_ms = ?, lease_renewed_ms = ?"


@pytest.fixture
def books(folder: Folder, tmp_path: Path) -> seeding.Books:
    return seeding.Books(copytree(folder("seeded"), tmp_path / "own"), seeding.seeded().settings)


@pytest.mark.parametrize("page", ["overview", "bots", "control"])
def test_past_bars_are_told_with_their_end_while_the_worker_lives(
    books: seeding.Books, open_page: OpenPage, page: str
) -> None:
    assert not open_page(books.root, page).get("progress")
    books.write(LEFT)
    now_ms = SystemClock().now_ms()
    books.write(HEARD, now_ms, now_ms)
    (bar,) = open_page(books.root, page).get("progress")
    assert bar.proto.text == "Replaying past bars: 300 of 720, about 6.7 s left."
    assert bar.proto.value == 100 * 300 // 720


def test_a_worker_that_is_gone_replays_nothing(books: seeding.Books, open_page: OpenPage) -> None:
    books.write(LEFT)
    books.write("UPDATE heartbeat SET lease_renewed_ms = ?", SystemClock().now_ms() - 3_600_000)
    assert not open_page(books.root, "overview").get("progress")


def test_how_long_a_bar_lasts_stands_beside_where_prices_come_from(books: seeding.Books, open_page: OpenPage) -> None:
    assert "simulated market, seed 7, 1h = 5 s" in texts(open_page(books.root, "overview")).replace("\\", "")
