"""Open websockets, counted by person: each is a session of Streamlit's, with what it keeps in memory."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# Tabs, in other words.
MOST_OF_PERSON = 50


class Streams:
    """The open websockets of all people."""

    def __init__(self, most: int = MOST_OF_PERSON) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def opened(self, name: str) -> Iterator[bool]:
        """Count one of a person while it is open; give whether it may be: where not, it is not counted."""
        if self._open[name] >= self._most:
            yield False
            return
        self._open[name] += 1
        try:
            yield True
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]
