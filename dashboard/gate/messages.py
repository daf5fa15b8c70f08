"""How much a browser may send over its websocket: messages of a size, of a kind, and so many a second."""

import asyncio

from starlette.types import Message, Receive, Send

# The longest a page was seen to send has 2.5 kB: its address and what is picked on it, 500 ticked rows among that.
MOST_MESSAGE_BYTES = 256 * 2**10
# Whoever clicks as fast as a program was seen to send 9 a second.
MESSAGES_PER_SECOND = 20.0
MESSAGES_AT_ONCE = 100
TOO_LONG, WRONG_KIND = 1009, 1003


def measured(receive: Receive, send: Send) -> Receive:
    """Hand on messages of bytes, as fast as they may come; one that is too long or a text closes the websocket.

    Who sends faster waits: the server takes the next message off the line when this one was asked for.
    """
    pace = _Pace(asyncio.get_running_loop().time())

    async def receive_measured() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        content = message.get("bytes")
        if content is None or len(content) > MOST_MESSAGE_BYTES:
            code = WRONG_KIND if content is None else TOO_LONG
            await send({"type": "websocket.close", "code": code})
            return {"type": "websocket.disconnect", "code": code}
        await asyncio.sleep(pace.wait_seconds(asyncio.get_running_loop().time()))
        return message

    return receive_measured


class _Pace:
    """Lets so many through at once, and then so many a second."""

    def __init__(self, now_seconds: float) -> None:
        self._left = float(MESSAGES_AT_ONCE)
        self._counted_seconds = now_seconds

    def wait_seconds(self, now_seconds: float) -> float:
        """Count one more, and give how long it is to wait."""
        passed = now_seconds - self._counted_seconds
        self._left = min(self._left + passed * MESSAGES_PER_SECOND, MESSAGES_AT_ONCE) - 1.0
        self._counted_seconds = now_seconds
        return max(-self._left / MESSAGES_PER_SECOND, 0.0)
