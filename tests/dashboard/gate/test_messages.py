"""A browser sends messages of bytes, of a size, and so many a second; the page takes no others."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message
from websockets.sync.client import ClientConnection

from dashboard.gate.endpoints import ENDPOINTS, OnlyListed
from dashboard.gate.messages import (
    MESSAGES_AT_ONCE,
    MESSAGES_PER_SECOND,
    MOST_MESSAGE_BYTES,
    TOO_LONG,
    WRONG_KIND,
    _Pace,
    measured,
)
from tests.dashboard.gate.listed import everything, served
from tests.dashboard.gate.serving import closed_with, open_socket

PATH = "/_stcore/stream"


@pytest.fixture
def stream() -> Iterator[ClientConnection]:
    with served(OnlyListed(everything(), ENDPOINTS)) as port, open_socket(port, PATH) as stream:
        yield stream


def test_the_longest_message_is_taken_and_a_longer_one_ends_the_connection(stream: ClientConnection) -> None:
    stream.send(b"x" * MOST_MESSAGE_BYTES)
    assert stream.recv(timeout=10) == "1"
    stream.send(b"x" * (MOST_MESSAGE_BYTES + 1))
    assert closed_with(stream) == TOO_LONG


def test_a_text_ends_the_connection(stream: ClientConnection) -> None:
    stream.send("text")
    assert closed_with(stream) == WRONG_KIND


def test_a_page_that_opens_waits_for_nothing() -> None:
    pace = _Pace(0.0)
    assert [pace.wait_seconds(0.0) for _ in range(MESSAGES_AT_ONCE)] == [0.0] * MESSAGES_AT_ONCE


@pytest.mark.parametrize("per_second", [1.0, MESSAGES_PER_SECOND])
def test_who_sends_no_faster_than_that_never_waits(per_second: float) -> None:
    pace = _Pace(0.0)
    assert all(pace.wait_seconds(at / per_second) == 0.0 for at in range(10_000))


def test_who_sends_faster_is_let_through_so_many_a_second() -> None:
    """However long nothing came, no more are at once than from the start."""
    pace, now_seconds = _Pace(0.0), 1_000_000.0
    began_seconds = now_seconds
    for _ in range(MESSAGES_AT_ONCE + 200):
        now_seconds += pace.wait_seconds(now_seconds)
    assert now_seconds - began_seconds == pytest.approx(200 / MESSAGES_PER_SECOND)


def test_what_waits_is_the_line_it_comes_from() -> None:
    """The next message is asked for only when the one before was handed on: nothing piles up here."""
    asked = 0

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "websocket.receive", "bytes": b"x"}

    async def send(message: Message) -> None:
        raise AssertionError(f"nothing must be sent, was {message}")

    async def flood() -> int:
        receive_measured = measured(receive, send)
        handed_on = 0
        try:
            async with asyncio.timeout(0.5):
                while True:
                    await receive_measured()
                    handed_on += 1
        except TimeoutError:
            return handed_on

    handed_on = asyncio.run(flood())
    assert MESSAGES_AT_ONCE <= handed_on <= MESSAGES_AT_ONCE + MESSAGES_PER_SECOND
    assert asked == handed_on + 1
