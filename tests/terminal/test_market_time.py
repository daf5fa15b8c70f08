"""Where market time is not wall time, as status and the pages say it."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from shared.clock import SystemClock
from shared.database import transaction
from shared.market_time import catching_up, pace
from shared.settings import load_settings
from shared.units import HOUR_MS, MINUTE_MS
from tests.research.runs import call
from tests.terminal.conftest import begin
from worker.store import lease


@dataclass
class Beat:
    bars_left: int
    bars_total: int
    duration_ms: float


def of(*overrides: str) -> dict:
    return load_settings(None, {}, overrides).model_dump(mode="json")


@pytest.mark.parametrize(
    ("overrides", "step_ms", "said"),
    [
        ((), HOUR_MS, "1h = 5 s"),
        (("market.bar_seconds=0.25", "portfolio.timeframe=5m"), 5 * MINUTE_MS, "5m = 0.25 s"),
        (("market.bar_seconds=3600",), HOUR_MS, ""),
        (("market.bar_seconds=0",), HOUR_MS, "as fast as the worker can"),
        (("market.kind=ccxt",), HOUR_MS, ""),
    ],
)
def test_how_long_a_bar_lasts_is_said_where_it_is_not_its_length(
    overrides: tuple[str, ...], step_ms: int, said: str
) -> None:
    assert pace(of(*overrides), step_ms) == said


def test_settings_of_which_nothing_is_known_say_nothing() -> None:
    assert pace({}, HOUR_MS) == ""


def test_past_bars_have_a_count_and_an_end() -> None:
    assert catching_up(Beat(420, 720, 16.0)) == "Replaying past bars: 300 of 720, about 6.7 s left"
    assert catching_up(Beat(0, 0, 16.0)) == ""


@pytest.mark.parametrize("lives", [True, False])
def test_status_says_both_of_a_worker_that_lives(
    engine: Engine, capsys: pytest.CaptureFixture[str], lives: bool
) -> None:
    now_ms = SystemClock().now_ms() if lives else 1
    with transaction(engine) as connection:
        books, token = begin(connection, now_ms)
        books.save(connection, books.step(fills=0.0))
        beat = lease.Beat(1, HOUR_MS, now_ms, 10.0, 0.0, bars_left=1_200, bars_total=4_300)
        lease.renew(connection, books.fleet.portfolio_id, token, now_ms, beat)
    assert call(["status"]) == 0
    printed = capsys.readouterr().out
    assert ", 1h = 5 s, " in printed
    assert ("Replaying past bars: 3,100 of 4,300, about 12.0 s left" in printed) == lives
