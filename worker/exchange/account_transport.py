"""What carries an account's requests: to the right place, in time, and heard by the rate budget."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from shared.clock import Clock
from worker.exchange.budget import BANNED, TOO_MANY, RateBudget, TooLate, WrongPlace
from worker.exchange.network import Network
from worker.exchange.quirks import RECEIVE_WINDOW_MS, Quirks
from worker.exchange.transport import is_signed, redirected

# Of a whole call, however many requests it is made of.
DEADLINE_MS = 10_000

Carry = Callable[[PreparedRequest], Response]


class AccountTransport(BaseAdapter):
    """Carry the requests of one account, over the network or by `carry` in its place.

    A request for a host that is not the testnet's, where testnets are wanted, or not the exchange's, where they are
    not, does not leave: the host of each is looked at, not what the client was told. With an `endpoint` on this
    machine everything goes there.
    """

    def __init__(
        self,
        quirks: Quirks,
        budget: RateBudget,
        clock: Clock,
        sandbox: bool,
        endpoint: str | None = None,
        carry: Carry | None = None,
    ) -> None:
        super().__init__()
        self.hosts_seen: set[str] = set()
        self.now_ms: Callable[[], int] = clock.now_ms
        self._quirks = quirks
        self._budget = budget
        self._clock = clock
        self._is_sandbox = sandbox and endpoint is None
        self._endpoint = urlsplit(endpoint) if endpoint else None
        self._network = Network(self.require_in_time, self._seconds_left)
        self._carry = carry
        self.leave_by_ms = self._end_ms = self.status = 0
        self.begin(None)

    def begin(self, leave_by_ms: int | None) -> None:
        """Begin a call: it has a deadline, and no request of it leaves after the monotonic time `leave_by_ms`."""
        self.status = 0
        self._end_ms = self._clock.monotonic_ms() + DEADLINE_MS
        self.leave_by_ms = self._end_ms if leave_by_ms is None else min(self._end_ms, leave_by_ms)

    def require_in_time(self) -> None:
        """Raise TooLate where nothing may leave any more."""
        late_ms = self._clock.monotonic_ms() - self.leave_by_ms
        if late_ms > 0:
            raise TooLate(f"not sent: it had to leave {late_ms} ms before")

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        """Send a request; what did not leave raises Withheld."""
        self._require_place(request)
        header = self._quirks.expiry_header
        if header and request.method == "POST":
            request.headers[header] = str(self.now_ms() + RECEIVE_WINDOW_MS)
        self.require_in_time()
        if self._endpoint is not None:
            redirected(request, self._endpoint)
        response = (
            self._carry(request) if self._carry is not None else self._network.send(request, *arguments, **options)
        )
        self._hear(response)
        return response

    def close(self) -> None:
        """Close the connections that are kept."""
        self._network.close()

    def _require_place(self, request: PreparedRequest) -> None:
        host, sandbox = urlsplit(request.url or "").hostname or "", self._quirks.sandbox
        self.hosts_seen.add(host)
        expected = sandbox.hosts if sandbox is not None and self._is_sandbox else self._quirks.hosts
        wanted = "testnet" if self._is_sandbox else "exchange"
        if host not in expected:
            raise WrongPlace(f"not sent: host of the {wanted} must be {' or '.join(expected)}, was {host}")
        header = sandbox.header if sandbox is not None else ""
        if header and is_signed(request) and (request.headers.get(header) == "1") != self._is_sandbox:
            raise WrongPlace(f"not sent: {header} must be there for the testnet and only for it ({wanted} wanted)")

    def _seconds_left(self) -> float:
        return max(0.0, (self._end_ms - self._clock.monotonic_ms()) / 1000)

    def _hear(self, response: Response) -> None:
        self.status = response.status_code
        if self.status in (TOO_MANY, BANNED):
            told = response.headers.get("Retry-After", "")
            seconds = float(told) if re.fullmatch(r"\d{1,6}(\.\d+)?", told) else None
            self._budget.refused(self.status, seconds)
        elif response.ok:
            self._budget.answered()
        rate = self._quirks.rate
        used = response.headers.get(rate.used_header, "") if rate.used_header else ""
        if re.fullmatch(r"\d{1,9}", used):
            self._budget.heard_used(float(used))
