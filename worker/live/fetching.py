"""What a step asks of the market, asked in a thread where the answer may be long in coming.

An exchange that hangs must not keep the worker from answering a halt, renewing its lease or stopping.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

POLL_SECONDS = 0.1


class Fetch(Generic[Answer]):
    """One question under way; its thread ends with the process, whatever the market does."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._answer: Answer | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    def wait(self, meanwhile: Callable[[], bool]) -> bool:
        """Wait for the answer, calling `meanwhile` now and then; false where that asked to leave before it came."""
        while self._thread.is_alive():
            self._thread.join(POLL_SECONDS)
            if self._thread.is_alive() and meanwhile():
                return False
        return True

    def result(self) -> Answer:
        """Give the answer of a fetch that has ended, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except Exception as error:  # noqa: BLE001 - raised again where the answer is taken
            self._error = error
