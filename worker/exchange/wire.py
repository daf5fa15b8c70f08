"""Asking one account's exchange: each call has a deadline, each answer is checked, each failure is a clean record."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import ccxt

from shared.clock import Clock
from shared.errors import KeyRefused, MarketError, MarketRefusal, NotAsked
from worker.exchange.account_client import make_account_client
from worker.exchange.account_transport import AccountTransport, Carry
from worker.exchange.budget import BANNED, TOO_MANY, RateBudget, Withheld
from worker.exchange.exchange_time import ExchangeTime
from worker.exchange.fates import fate_of
from worker.exchange.keys import Keys
from worker.exchange.listing import InvalidAnswer, server_time_ms
from worker.exchange.protocol import Fate, Refusal
from worker.exchange.quirks import Quirks
from worker.exchange.secrecy import clean

Answer = TypeVar("Answer")

_NO_CHANGE = re.compile(r"-4046|-4059|1100(25|26|43)|NO_CHANGE")


@dataclass(frozen=True, slots=True)
class Failure:
    """What came in place of an answer. `text` holds no secret, and no exception of the client is kept."""

    text: str
    fate: Fate
    refusal: Refusal
    # the exchange answered, and will not give this
    is_final: bool = False
    # the exchange says, provably, that it has no such order
    is_absent: bool = False
    # what was to be set is so already
    is_no_change: bool = False
    was_asked: bool = True


class Wire:
    """The client of one account with its transport, budget and time. One per thread."""

    def __init__(
        self,
        name: str,
        quirks: Quirks,
        keys: Keys,
        clock: Clock,
        sandbox: bool,
        endpoint: str | None = None,
        carry: Carry | None = None,
    ) -> None:
        self.name = name
        self.quirks = quirks
        self.budget = RateBudget(quirks.rate.limit, quirks.rate.window_ms, clock)
        self.transport = AccountTransport(quirks, self.budget, clock, sandbox, endpoint, carry)
        self._secrets = keys.texts()
        self._is_urgent = False
        self.client = make_account_client(
            quirks, keys, self.transport, sandbox and endpoint is None, self._throttle, lambda: self.time.now_ms()
        )
        self.time = ExchangeTime(clock, self._ask_time if self.client.has.get("fetchTime") else None)
        self.transport.now_ms = self.time.now_ms

    def __repr__(self) -> str:
        return f"Wire({self.name}, {self.quirks.exchange} {self.quirks.kind})"

    def ask(
        self, what: str, call: Callable[[], Any], accept: Callable[[Any], Answer], *, urgent: bool = False
    ) -> Answer:
        """Give what `accept` makes of the answer. Raises MarketError saying `what` and why, without its cause."""
        outcome = self.attempt(call, accept, urgent=urgent)
        if isinstance(outcome, Failure):
            raise self.error(what, outcome)
        return outcome

    def attempt(
        self,
        call: Callable[[], Any],
        accept: Callable[[Any], Answer],
        *,
        urgent: bool = False,
        leave_by_ms: int | None = None,
    ) -> Answer | Failure:
        """Call once; give what `accept` makes of the answer, or what came in its place."""
        self._is_urgent = urgent
        self.transport.begin(leave_by_ms)
        self.client.last_http_response = None
        try:
            return accept(call())
        except Exception as error:
            return self._failure(error)

    def error(self, what: str, failure: Failure) -> MarketError:
        """Give the exception for a failed read."""
        if not failure.was_asked:
            return NotAsked(f"{self.name} {what} not asked for: {failure.text}")
        kind = MarketRefusal if failure.is_final else MarketError
        kind = KeyRefused if failure.refusal is Refusal.KEY else kind
        return kind(f"{self.name} {what} could not be read: {failure.text}")

    @property
    def raw(self) -> Any:
        """Give the last answer as the exchange wrote it, before the client changed it; None where it was no JSON."""
        try:
            return json.loads(self._body())
        except ValueError:
            return None

    def _failure(self, error: Exception) -> Failure:
        fate, refusal = fate_of(self.quirks.exchange, error)
        was_asked = not isinstance(error, Withheld)
        is_told_to_wait = self.transport.status in (TOO_MANY, BANNED)
        if refusal is Refusal.RATE and was_asked and not is_told_to_wait:
            # Said in a body, without the status that the transport hears.
            self.budget.refused(TOO_MANY, None)
        kind = "" if isinstance(error, Withheld | InvalidAnswer) else f"{type(error).__name__} "
        return Failure(
            clean(f"{kind}{error}", self._secrets),
            fate,
            refusal,
            # Whatever the body is taken for: who is told to wait is not refused for good.
            is_final=isinstance(error, ccxt.ExchangeError)
            and refusal not in (Refusal.KEY, Refusal.RATE)
            and not is_told_to_wait,
            is_absent=isinstance(error, ccxt.OrderNotFound) and self.quirks.says_absent(self._body()),
            is_no_change=isinstance(error, ccxt.NoChange) or _NO_CHANGE.search(str(error)) is not None,
            was_asked=was_asked,
        )

    def _body(self) -> str:
        return str(self.client.last_http_response or "")

    def _throttle(self, cost: float | None = None) -> None:
        weight = (1.0 if cost is None else float(cost)) * self.quirks.rate.weight
        self.budget.take(weight, self._is_urgent, self.transport.leave_by_ms)

    def _ask_time(self) -> int:
        return self.ask("time", self.client.fetch_time, server_time_ms, urgent=True)
