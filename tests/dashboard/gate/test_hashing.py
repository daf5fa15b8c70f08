"""Passwords are looked at a few at a time, and nobody waits for all the tries of somebody else."""

import asyncio
import threading
from functools import partial

import pytest

from dashboard.gate.browsers import KEPT_SECONDS
from dashboard.gate.hashing import FEW_TRIES, HASHES_AT_ONCE, MOST_BUSY, MOST_WAITING, Crowded, Hashing, Standing
from dashboard.gate.throttle import TRY_LIMIT, WINDOW_MS, Throttle
from shared.clock import ManualClock
from tests.conftest import ROOT

RIGHT = "correct horse battery"


class Slow:
    """Compares passwords one by one, each when it is let; says which it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = threading.Semaphore(0)

    def __call__(self, password: str, kept: str | None) -> bool:
        self.asked.append(password)
        assert self.let.acquire(timeout=10)
        return password == kept


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


def test_forty_addresses_with_many_tries_do_not_keep_a_fresh_one_waiting() -> None:
    async def run() -> tuple[int, bool]:
        slow, throttle = Slow(), Throttle(ManualClock(0))
        hashing = Hashing(slow)
        tries = []
        for at in range(40 * TRY_LIMIT):
            address = f"198.51.100.{at % 40}"
            stands = partial(throttle.standing, throttle.begin("anna", address))
            tries.append(asyncio.create_task(hashing.matches("wrong", RIGHT, stands)))
        await settled()
        stands = partial(throttle.standing, throttle.begin("anna", "192.0.2.1"))
        own = asyncio.create_task(hashing.matches(RIGHT, RIGHT, stands))
        await settled()
        done = 0
        while not own.done():
            slow.let.release()
            done += 1
            await settled()
        slow.let.release(MOST_WAITING)
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, Crowded) for outcome in outcomes) >= len(tries) - MOST_WAITING - HASHES_AT_ONCE
        return done, own.result()

    done, right = asyncio.run(run())
    assert right and done <= HASHES_AT_ONCE + 1, "only what was being worked out came before"


def test_no_more_are_worked_out_at_once_and_equal_ones_in_the_order_they_came() -> None:
    async def run() -> list[str]:
        slow = Slow()
        hashing = Hashing(slow)
        tries = [asyncio.create_task(hashing.matches(str(at), None, lambda: Standing(True, 1))) for at in range(6)]
        await settled()
        assert len(slow.asked) == HASHES_AT_ONCE
        for _ in tries:
            slow.let.release()
            await settled()
        assert await asyncio.gather(*tries) == [False] * 6
        return slow.asked

    assert asyncio.run(run()) == [str(at) for at in range(6)]


def test_a_full_line_sends_the_last_away_whoever_came_last() -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow)
        crowd = [
            asyncio.create_task(hashing.matches("wrong", RIGHT, lambda: Standing(True, 5)))
            for _ in range(HASHES_AT_ONCE + MOST_WAITING)
        ]
        await settled()
        assert not any(task.done() for task in crowd)
        own = asyncio.create_task(hashing.matches(RIGHT, RIGHT, lambda: Standing(True, 1)))
        await settled()
        assert [task.done() for task in crowd] == [False] * (len(crowd) - 1) + [True]
        with pytest.raises(Crowded):
            await crowd[-1]
        worse = asyncio.create_task(hashing.matches("wrong", RIGHT, lambda: Standing(True, 6)))
        with pytest.raises(Crowded):
            await worse
        slow.let.release(len(crowd) + 1)
        assert await own

    asyncio.run(run())


@pytest.mark.parametrize("which", [0, 3])
def test_who_goes_away_leaves_room(which: int) -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow)
        tries = [asyncio.create_task(hashing.matches(str(at), None, lambda: Standing(True, 1))) for at in range(5)]
        await settled()
        tries[which].cancel()
        slow.let.release(10)
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(asyncio.CancelledError) == 1
        assert outcomes.count(False) == 4
        assert not await hashing.matches("after", None, lambda: Standing(True, 1))

    asyncio.run(run())


def test_the_document_says_how_many_may_wait() -> None:
    said = " ".join((ROOT / "docs" / "dashboard.md").read_text().split())
    assert f"{MOST_WAITING} may wait, {MOST_BUSY} of the busy among them" in said
    assert f"tried more than {FEW_TRIES} times within {WINDOW_MS // 60_000} minutes" in said
    assert f"after {TRY_LIMIT} of one name from one address within {WINDOW_MS // 60_000} minutes" in said
    assert f"for {KEPT_SECONDS // 86_400} days" in said


SELDOM, BUSY, KNOWN = Standing(True, 1), Standing(True, FEW_TRIES + 1), Standing(False, 1)


def test_who_tried_often_leaves_a_hash_to_those_who_did_not() -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow, rest_seconds=0.0)
        crowd = [asyncio.create_task(hashing.matches("busy", None, lambda: BUSY)) for _ in range(4)]
        await settled()
        assert slow.asked == ["busy"]
        seldom = asyncio.create_task(hashing.matches("seldom", "seldom", lambda: SELDOM))
        await settled()
        assert slow.asked == ["busy", "seldom"], "it waits for no hash of theirs"
        slow.let.release(5)
        assert await seldom and await asyncio.gather(*crowd) == [False] * 4

    asyncio.run(run())


def test_those_who_tried_often_are_few_in_the_line_and_rest_between_their_hashes() -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow, rest_seconds=3600.0)
        crowd = [asyncio.create_task(hashing.matches("busy", None, lambda: BUSY)) for _ in range(3 * MOST_BUSY)]
        await settled()
        assert sum(task.done() for task in crowd) == 2 * MOST_BUSY - 1
        slow.let.release(3)
        for _ in range(2):
            assert not await hashing.matches("seldom", None, lambda: SELDOM)
        assert not crowd[0].cancelled() and slow.asked == ["busy", "seldom", "seldom"], "the busy ones rest"
        for task in crowd:
            task.cancel()
        outcomes = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(outcome, Crowded) for outcome in outcomes) == 2 * MOST_BUSY - 1

    asyncio.run(run())


def test_one_who_goes_away_from_the_hash_of_the_busy_leaves_it_to_the_next() -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow, rest_seconds=0.0)
        first, second = (asyncio.create_task(hashing.matches("busy", None, lambda: BUSY)) for _ in range(2))
        await settled()
        first.cancel()
        slow.let.release(2)
        assert not await second

    asyncio.run(run())


def test_who_is_known_comes_before_all_strangers_and_is_never_the_one_sent_away() -> None:
    async def run() -> None:
        slow = Slow()
        hashing = Hashing(slow)
        crowd = [
            asyncio.create_task(hashing.matches("wrong", RIGHT, lambda: SELDOM))
            for _ in range(HASHES_AT_ONCE + MOST_WAITING)
        ]
        await settled()
        own = asyncio.create_task(hashing.matches(RIGHT, RIGHT, lambda: KNOWN))
        await settled()
        slow.let.release()
        await settled()
        assert slow.asked == ["wrong"] * HASHES_AT_ONCE + [RIGHT]
        slow.let.release(len(crowd))
        assert await own
        await asyncio.gather(*crowd, return_exceptions=True)

    asyncio.run(run())
