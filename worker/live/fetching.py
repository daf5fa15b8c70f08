"""What a step asks of the market, asked in a thread where the answer may be long in coming.

An exchange that hangs must not keep the worker from answering a halt, renewing its lease or stopping.
"""

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import MarketError, MarketRefusal, NotAsked
from worker.live.windows import Feed
from worker.market.protocol import FinestBars, Market
from worker.strategies.bars import no_bars

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

POLL_SECONDS = 0.1
# A bar that closed is waited for so long (never longer than a quarter of a bar) before it counts as missing.
PATIENCE_MS = 30_000


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


@dataclass(frozen=True, slots=True)
class Answers:
    """What the market answered for one bar.

    How late it answered, who has no bar and why (empty where there is no more to say), funding rates (with what is to
    be said of those that are unknown), opens, and the finest bars within it of symbols whose orders rested.
    """

    late_ms: int
    missing: dict[str, str]
    funding: dict[str, float]
    unknown_funding: list[str]
    opens: dict[str, float]
    finest: dict[str, FinestBars]


class Questions:
    """Asks a market for all a step needs, so that nothing can fail once the fleet has begun to change.

    With `real_time` in a thread of its own, and a bar that is not there yet is waited for.
    """

    def __init__(self, market: Market, feed: Feed, symbols: Sequence[str], step_ms: int, real_time: bool) -> None:
        self._market = market
        self._feed = feed
        self._symbols = tuple(symbols)
        self._step_ms = step_ms
        self._real_time = real_time
        self._fetch: Fetch[Answers | None] | None = None
        self._refused: set[str] = set()

    def ask(
        self, open_ms: int, interrupted: Callable[[], bool], resting: frozenset[str] = frozenset()
    ) -> Answers | None:
        """Ask for a closed bar; None where it is not there yet and may still come, or `interrupted` asked to leave.

        `resting` are the symbols whose orders rested in it.
        """
        if not self._real_time:
            return self._ask_now(open_ms, resting)
        if self._fetch is None:
            self._fetch = Fetch(lambda: self._ask_now(open_ms, resting))
        if not self._fetch.wait(interrupted):
            return None
        fetch, self._fetch = self._fetch, None
        return fetch.result()

    def _ask_now(self, open_ms: int, resting: frozenset[str]) -> Answers | None:
        close_ms = open_ms + self._step_ms
        failures = self._feed.read(open_ms, self._market.now_ms(), may_fail=self._real_time)
        ended = {symbol: self._market.ended(symbol, open_ms) for symbol in failures}
        late_ms = self._market.now_ms() - close_ms if self._real_time else 0
        is_early = self._real_time and late_ms < min(PATIENCE_MS, self._step_ms // 4)
        awaited = {symbol: failure for symbol, failure in failures.items() if not ended[symbol]}
        if self._may_come(awaited, is_early):
            return None
        refused = {symbol for symbol, failure in awaited.items() if isinstance(failure, MarketRefusal)}
        without = {symbol for symbol in failures if ended[symbol]} | refused
        unknown: list[str] = []
        funding = {s: 0.0 if s in without else self._funding(s, open_ms, is_early, unknown) for s in self._symbols}
        self._refused = refused
        missing = {symbol: ended[symbol] or str(failure or "") for symbol, failure in failures.items()}
        finest = {symbol: self._finest(symbol, open_ms, is_early) for symbol in resting - missing.keys()}
        return Answers(late_ms, missing, funding, unknown, self._market.fetch_opens(close_ms), finest)

    def _finest(self, symbol: str, open_ms: int, may_wait: bool) -> FinestBars:
        """Give the finest bars within a bar; of those that cannot be had nothing is known to have traded."""
        try:
            return self._market.fetch_finest(symbol, open_ms, open_ms + self._step_ms)
        except MarketError as error:
            if may_wait or not self._real_time:
                raise
            log.warning("how orders of %s filled is not known, so they are taken at the open: %s", symbol, error)
            return FinestBars(no_bars(), 1)

    def _may_come(self, missing: Mapping[str, MarketError | None], is_early: bool) -> bool:
        """Say whether a bar is worth waiting for: not of a symbol that was refused at the bar before, too."""
        if any(isinstance(failure, NotAsked) for failure in missing.values()):
            return True
        refused = {symbol for symbol, failure in missing.items() if isinstance(failure, MarketRefusal)}
        return is_early and bool(missing.keys() - (refused & self._refused))

    def _funding(self, symbol: str, open_ms: int, may_wait: bool, unknown: list[str]) -> float:
        """Give the funding of a bar; a rate that cannot be had is not invented, and not waited for for ever."""
        try:
            _, rates = self._market.fetch_funding(symbol, open_ms, open_ms + self._step_ms)
        except MarketError as error:
            if may_wait or not self._real_time:
                raise
            unknown.append(f"funding of {symbol} is unknown and was not charged: {error}")
            return 0.0
        return math.fsum(rates.tolist())
