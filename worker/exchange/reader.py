"""Reading from an exchange: checked, retried where that is safe, and left alone where it fails."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import ccxt
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

from shared.clock import Clock
from shared.errors import FlotillaError, MarketError, MarketRefusal, NotAsked
from shared.settings import MarketSettings
from worker.exchange.client import make_client
from worker.exchange.listing import InvalidAnswer

Answer = TypeVar("Answer")

ATTEMPTS = 3
# A read that has taken this long is not tried once more: who asked tries again.
LONGEST_READ_MS = 10_000
# Reads that failed may take this long together; then the others are refused unasked, until there was a pause in asking.
FAILING_MS = 20_000
PAUSE_MS = 500
# A longer Retry-After is not sat out within a step: reads are refused until it has passed.
PATIENCE_SECONDS = 10.0
_backoff = wait_exponential(multiplier=0.5, max=4.0) + wait_random(0.0, 0.5)

# What an exchange refuses because of who asks, whatever is asked.
_ABOUT_US = (ccxt.AuthenticationError, ccxt.RestrictedLocation)


class _Again(MarketError):
    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class ExchangeReader:
    """Read from one exchange: every answer is checked, and only reads are retried, at most three times.

    After a read has failed for good, the next ones are tried once each until one succeeds, and none any more once those
    that failed took 20 s together, until there was a pause: an exchange that hangs does not take its timeout for every
    symbol. One instance per process and thread.
    """

    def __init__(self, settings: MarketSettings, clock: Clock) -> None:
        self.client = make_client(settings)
        self._name = settings.exchange
        self._clock = clock
        self._failing = False
        self._silent_until_ms = 0
        self._failed_for_ms = 0
        self._ended_ms = clock.monotonic_ms()

    def read(self, what: str, call: Callable[[], Any], accept: Callable[[Any], Answer]) -> Answer:
        """Give what `accept` makes of the answer of `call`; it raises InvalidAnswer where that cannot be true.

        Raises MarketError saying `what` was read and why it failed: MarketRefusal where the exchange will not give it,
        NotAsked where too much had failed before.
        """
        began_ms = self._clock.monotonic_ms()
        self._require_hope(what, began_ms)
        try:
            answer = self._retrying(began_ms)(self._read_once, what, call, accept)
        except MarketRefusal:
            self._failing = False
            raise
        except MarketError:
            self._failing = True
            self._failed_for_ms += self._clock.monotonic_ms() - began_ms
            raise
        finally:
            self._ended_ms = self._clock.monotonic_ms()
        self._failing = False
        return answer

    def _require_hope(self, what: str, now_ms: int) -> None:
        if now_ms - self._ended_ms >= PAUSE_MS:
            self._failed_for_ms = 0
        if self._failed_for_ms >= FAILING_MS:
            seconds = self._failed_for_ms / 1000
            raise NotAsked(f"{self._name} {what} not asked for: what failed before it took {seconds:.0f} s")

    def _retrying(self, began_ms: int) -> Retrying:
        attempts = 1 if self._failing else ATTEMPTS

        def is_enough(state: RetryCallState) -> bool:
            return state.attempt_number >= attempts or self._clock.monotonic_ms() - began_ms >= LONGEST_READ_MS

        return Retrying(
            stop=is_enough,
            wait=_wait_seconds,
            retry=retry_if_exception_type(_Again),
            sleep=self._clock.sleep,
            reraise=True,
        )

    def _read_once(self, what: str, call: Callable[[], Any], accept: Callable[[Any], Answer]) -> Answer:
        silent_ms = self._silent_until_ms - self._clock.monotonic_ms()
        if silent_ms > 0:
            raise MarketError(f"{self._name} {what} not asked for: it wants silence for {silent_ms / 1000:.0f} s more")
        try:
            answer = call()
            self._refuse_empty(answer)
            return accept(answer)
        except FlotillaError:
            raise
        except InvalidAnswer as error:
            raise _Again(f"{self._name} {what} must be valid, {error}") from error
        except (ccxt.DDoSProtection, ccxt.RateLimitExceeded) as error:
            raise self._slow_down(what, error) from error
        except ccxt.OperationFailed as error:
            raise _Again(self._sentence(what, error)) from error
        except _ABOUT_US as error:
            raise MarketError(self._sentence(what, error)) from error
        except ccxt.ExchangeError as error:
            raise MarketRefusal(self._sentence(what, error)) from error
        except ccxt.BaseError as error:
            raise MarketError(self._sentence(what, error)) from error
        except Exception as error:  # a body ccxt did not expect ends in any kind of Python error
            raise _Again(self._sentence(what, error)) from error

    def _refuse_empty(self, answer: Any) -> None:
        """Tell an empty answer from an unreadable body, which ccxt makes an empty answer of."""
        body = str(self.client.last_http_response or "")
        if not answer and not _holds_json(body):
            raise InvalidAnswer(f"body was {body[:60]!r}")

    def _slow_down(self, what: str, error: Exception) -> MarketError:
        headers = self.client.last_response_headers or {}
        text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
        wait_seconds = float(text) if re.fullmatch(r"\d+(\.\d+)?", str(text)) else 0.0
        if wait_seconds > PATIENCE_SECONDS:
            self._silent_until_ms = self._clock.monotonic_ms() + round(wait_seconds * 1000)
            return MarketError(self._sentence(what, error))
        return _Again(self._sentence(what, error), wait_seconds)

    def _sentence(self, what: str, error: Exception) -> str:
        detail = " ".join(str(error).split())[:200]
        return f"{self._name} {what} could not be read: {type(error).__name__} {detail}".rstrip()


def _holds_json(body: str) -> bool:
    try:
        return json.loads(body) is not None
    except ValueError:
        return False


def _wait_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return max(_backoff(state), error.wait_seconds if isinstance(error, _Again) else 0.0)
