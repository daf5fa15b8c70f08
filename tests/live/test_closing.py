"""Closing one position because a person asks: at the next open, then locked, the same live, restarted and replayed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest

from shared.enums import CommandKind
from tests.kernel.closing import ask_close_compiled
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import STEP_MS, FakeMarket, random_bars, still_bars
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.live.running import SYMBOLS, Place, assert_parity, backtest, plan_of, show_and_step, small_settings, step
from tests.live.test_parity import NOON_MS
from worker.live.worker import LiveWorker
from worker.step.columns import Columns, Curves
from worker.step.records import Fleet
from worker.step.replay import replay_bars

FIRST, SECOND = SYMBOLS
HELD = 18
PLAIN = (*NO_DEFAULTS, *PLAIN_RISK, "strategies.steady.grid=[[1.0], [-0.5]]")
LONG, SHORT = "st_aaa_usdt_5m_p1", "st_aaa_usdt_5m_p2"


@pytest.fixture
def place(make_place: MakePlace, plain: None) -> Place:
    """Four bots that hold their positions, on prices that stand."""
    bars = {symbol: still_bars([100.0] * 60, wobble=0.001) for symbol in SYMBOLS}
    place = make_place(small_settings(*PLAIN), FakeMarket(bars))
    with place.open() as worker:
        show_and_step(place, worker, HELD)
    return place


def state(place: Place, bot: str, column: str) -> float | str:
    return place.value(f"SELECT {column} FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?", bot)


@pytest.mark.parametrize(("bot", "side"), [(LONG, "long"), (SHORT, "short")])
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_a_close_is_done_at_the_next_open_and_its_side_stays_locked(
    place: Place, bot: str, side: str, restarts: bool
) -> None:
    held = state(place, bot, "quantity")
    others = place.rows("SELECT quantity FROM bot_state JOIN bot ON bot.id = bot_id WHERE name != ?", bot)
    with place.open() as worker:
        status, said = place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{bot}", reason="too long")
        assert (status, state(place, bot, "quantity")) == ("DONE", held), "nothing is sold before the next open"
        assert said.startswith(f"{bot} closes ") and said.endswith(
            f"it goes {side} again once its signal has left that side"
        )
        if not restarts:
            show_and_step(place, worker, HELD + 4)
    with place.open() as worker:
        show_and_step(place, worker, HELD + 4)
    ((quantity, leg, name, time_ms),) = place.rows(
        "SELECT quantity, leg, name, time_ms FROM fill JOIN bot ON bot.id = bot_id WHERE trigger = 'CLOSE'"
    )
    asked_ms = place.value("SELECT time_ms FROM event WHERE kind = 'CLOSE_DONE'")
    assert (quantity, leg, name) == (-held, "CLOSE", bot)
    assert time_ms == asked_ms + STEP_MS, "decided at the close of the bar that was under way"
    assert place.rows("SELECT exit_reason FROM round_trip") == [("CLOSE",)]
    assert (state(place, bot, "quantity"), state(place, bot, "reason")) == (0.0, "REENTRY_LOCK")
    assert place.rows("SELECT quantity FROM bot_state JOIN bot ON bot.id = bot_id WHERE name != ?", bot) == others
    assert_books(place)


def test_the_decisions_say_that_a_person_asked(place: Place) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{LONG}")
        show_and_step(place, worker, HELD + 3)
    reasons = "SELECT reason FROM decision JOIN bot ON bot.id = bot_id WHERE name = ? ORDER BY from_step DESC LIMIT 2"
    assert [reason for (reason,) in place.rows(reasons, LONG)] == ["CLOSE", "HOLD"]


REFUSED = {
    "portfolio": ("", "close must be for a running bot, was for 'the portfolio'"),
    "sleeve": ("sleeve:steady", "close must be for a running bot, was for 'steady'"),
    "unknown": ("bot:st_x", "close must be for a running bot, was for 'st_x'"),
}


@pytest.mark.parametrize(("scope", "said"), REFUSED.values(), ids=REFUSED)
def test_a_close_of_what_is_no_bot_is_refused(place: Place, scope: str, said: str) -> None:
    with place.open() as worker:
        assert place.ask_and_answer(worker, CommandKind.CLOSE, scope) == ("REFUSED", said)


def test_a_close_without_a_position_or_an_order_is_refused(place: Place) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{LONG}")
        show_and_step(place, worker, HELD + 2)
        assert place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{LONG}") == (
            "REFUSED",
            f"{LONG} holds nothing to close",
        )
        place.ask_and_answer(worker, CommandKind.HALT, f"bot:{SHORT}")
        status, said = place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{SHORT}")
        assert (status, said) == (
            "REFUSED",
            f"{SHORT} is at HALTED: no order leaves before it is flattened or released",
        )
    place.market.ends = {SECOND: "it is gone"}
    other = SHORT.replace("aaa", "bbb")
    with place.open() as worker:
        show_and_step(place, worker, HELD + 4)
        status, said = place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{other}")
        assert (status, said) == (
            "REFUSED",
            f"{SECOND} is traded no more: `flotilla write-off {other}` books it as gone",
        )


def replayed_with(closes: Mapping[int, Sequence[int]]) -> Callable[..., int]:
    """Step like `replay_bars`, but let people ask for closes before the bars of those numbers."""

    def steps(fleet: Fleet, columns: Columns, curves: Curves, start: int, stop: int) -> int:
        for first, end in pairwise((start, *sorted(closes), stop)):
            for b in closes.get(first, ()):
                ask_close_compiled(fleet, b)
            assert replay_bars(fleet, columns, curves, first, end) == end
        return stop

    return steps


def reversing(worker: LiveWorker, names: Sequence[str]) -> list[str]:
    """Name the bots that hold a position and wait to do more than close it."""
    bots = zip(names, worker._fleet.bots, strict=True)
    return [name for name, bot in bots if bot.units and bot.order_units not in (0, -bot.units)]


class Unforeseen(FakeMarket):
    """A market that does not say at what price the running bar opened: orders wait until it has closed."""

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        pytest.param(["risk.netting=false", "risk.resize=true", "risk.resize_band=0.02"], marks=pytest.mark.slow),
    ],
    ids=["plain", "resizing"],
)
def test_a_run_with_closes_is_the_replay_of_its_commands(
    make_place: MakePlace, overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small_settings(*overrides)
    bars = {symbol: random_bars(200, seed, start_ms=NOON_MS) for seed, symbol in enumerate(SYMBOLS)}
    place, chance = make_place(settings, Unforeseen(bars)), np.random.default_rng(5)
    names, turned = [bot.name for bot in plan_of(settings).bots], 0
    for limit in (40, *[8] * 6, None):
        with place.open() as worker:
            place.steps += step(worker, limit)
            for _ in range(10 if limit else 0):
                place.steps += step(worker, 1)
                waiting = reversing(worker, names)
                turned += len(waiting)
                for name in waiting or [chance.choice(names)]:
                    place.ask_and_answer(worker, CommandKind.CLOSE, f"bot:{name}")
    done = place.rows("SELECT time_ms, scope FROM event WHERE kind = 'CLOSE_DONE' ORDER BY id")
    assert turned > 1 and len(done) > 20 and place.value("SELECT count(*) FROM fill WHERE trigger = 'CLOSE'") > 5
    closes: dict[int, list[int]] = {}
    for time_ms, name in done:
        closes.setdefault((time_ms - NOON_MS) // STEP_MS, []).append(names.index(name))
    monkeypatch.setattr("worker.research.replay.replay_bars", replayed_with(closes))
    assert_parity(place, worker, backtest(settings, bars))
    assert_books(place)
