"""Files on their way to a browser: what is said before the first byte, and what ends with the last."""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

# The formats of all downloads.
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
# A browser that takes nothing for so long is given up: it holds a place, and a download keeps the database's log long.
STALLED_SECONDS = 60.0


class Sending(StreamingResponse):
    """Calls `ended` once the file is sent or the browser has gone or stalled."""

    def __init__(
        self, pieces: AsyncIterator[bytes], media_type: str, headers: dict[str, str], ended: Callable[[], None]
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""

        async def send_or_give_up(message: Message) -> None:
            await asyncio.wait_for(send(message), STALLED_SECONDS)

        try:
            await super().__call__(scope, receive, send_or_give_up)
        finally:
            self._ended()


def file_headers(name: str) -> dict[str, str]:
    """Give the headers of a file to be saved under a name."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        # Compressing what stays in the house would cost more than it saves.
        "Content-Encoding": "identity",
    }


def sentence(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Answer with a sentence instead of a file."""
    return PlainTextResponse(text[0].upper() + text[1:], status, {"Cache-Control": "no-store", **(headers or {})})
