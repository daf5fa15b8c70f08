"""How far a worker is with bars that closed before it could step them, as its heartbeat tells it."""

import pytest

from tests.live.conftest import MakePlace
from tests.live.fake_market import STEP_MS, FakeMarket, random_bars
from tests.live.running import SYMBOLS, Place, small_settings
from worker.live.catch_up import CatchUp


def progress(place: Place) -> tuple[int, int]:
    return place.value("SELECT bars_left FROM heartbeat"), place.value("SELECT bars_total FROM heartbeat")


def seen_while_stepping(place: Place) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []

    def interrupted() -> bool:
        seen.append(progress(place))
        return False

    with place.open() as worker:
        worker.step_due(interrupted)
    return seen


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(small_settings(), FakeMarket({symbol: random_bars(40, 7) for symbol in SYMBOLS}))


def test_a_history_is_counted_down_to_the_bar_that_has_just_closed(place: Place) -> None:
    place.market.show(12)
    assert seen_while_stepping(place) == [(left, 12) for left in range(11, 1, -1)] + [(0, 0), (0, 0)]


def test_the_bars_of_a_time_the_worker_did_not_run_are_counted_from_where_the_books_end(place: Place) -> None:
    place.market.show(12)
    seen_while_stepping(place)
    place.market.show(18)
    assert seen_while_stepping(place) == [(5, 6), (4, 6), (3, 6), (2, 6), (0, 0), (0, 0)]


@pytest.mark.parametrize("late", [0, 1])
def test_who_steps_each_bar_as_it_closes_or_one_later_is_up_to_date(late: int) -> None:
    catch_up = CatchUp()
    assert {catch_up.after_step(close + late * STEP_MS + 1, close, STEP_MS) for close in (0, STEP_MS)} == {(0, 0)}


def test_bars_that_close_meanwhile_are_among_those_left_and_all() -> None:
    catch_up = CatchUp()
    assert catch_up.after_step(5 * STEP_MS, 0, STEP_MS) == (5, 6)
    assert catch_up.after_step(9 * STEP_MS, STEP_MS, STEP_MS) == (8, 10)
    assert catch_up.after_step(9 * STEP_MS, 2 * STEP_MS, STEP_MS) == (7, 10)
