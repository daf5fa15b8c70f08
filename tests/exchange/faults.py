"""What goes wrong, said in advance: ordered rules, of which the first that matches a request is used up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatch
from typing import Any, Protocol

from tests.exchange.wire import Reply

HTML = "<html><body>Attention required</body></html>"
# What a good answer is replaced by.
BODIES = {"malformed": '{"symbols": [', "empty": "", "null": "null", "html": HTML}
# What happens before the exchange was reached at all: only the transport without sockets can do it.
UNREACHED = ("refused", "connect_timeout")
ACTIONS = (
    *("delay", "hang", "reset", "status", "accept_hang", "accept_reset", "accept_status"),
    *("malformed", "empty", "null", "html", "short", "drip", "twice", *UNREACHED),
)


class Ending(Enum):
    """What the asker gets."""

    ANSWER = auto()
    SILENCE = auto()
    RESET = auto()
    SHORT = auto()
    DRIP = auto()
    REFUSED = auto()
    CONNECT_TIMEOUT = auto()


@dataclass(frozen=True)
class Delivery:
    """How a request is treated: it waits, is processed so many times, and ends.

    `seconds` is how long silence lasts, or the pause between the `parts` of a drip. `reply` stands for the real one.
    """

    wait_seconds: float = 0.0
    processed: int = 1
    ending: Ending = Ending.ANSWER
    seconds: float = 60.0
    parts: int = 5
    reply: Reply | None = None


@dataclass
class Rule:
    """One fault: `skip` matching requests pass first, then `times` are hit, between two times of the exchange."""

    action: str
    path: str = "*"
    method: str = "*"
    times: int = 1
    skip: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)
    since_ms: float = float("-inf")
    until_ms: float = float("inf")

    def matches(self, method: str, path: str, now_ms: int) -> bool:
        """Say whether the rule is about a request."""
        is_time = self.since_ms <= now_ms < self.until_ms
        return self.times > 0 and is_time and fnmatch(path, self.path) and fnmatch(method, self.method)

    def delivery(self) -> Delivery:
        """Say what the action does with a request."""
        return _DELIVERIES[self.action](self.arguments)


class Script(Protocol):
    def draw(self, method: str, path: str, with_sockets: bool) -> Rule | None:
        """Give the fault of a request that no rule is about."""
        ...


class Faults:
    """The faults to come, by rules and then by a script; `fired` holds (action, path) of those that happened."""

    def __init__(self, with_sockets: bool = True) -> None:
        self.rules: list[Rule] = []
        self.fired: list[tuple[str, str]] = []
        self.script: Script | None = None
        self._with_sockets = with_sockets

    def add(
        self, action: str, path: str = "*", method: str = "*", times: int = 1, skip: int = 0, **arguments: Any
    ) -> Rule:
        """Plan a fault."""
        if action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}, was {action!r}")
        if self._with_sockets and action in UNREACHED:
            raise ValueError(f"action must be one a server that was reached can do, was {action!r}")
        rule = Rule(action, path, method, times, skip, arguments)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Plan no more faults."""
        self.rules.clear()

    def take(self, method: str, path: str, now_ms: int = 0) -> Rule | None:
        """Give the fault for a request, if any, and count it."""
        for rule in self.rules:
            if rule.matches(method, path, now_ms):
                if rule.skip > 0:
                    rule.skip -= 1
                    return None
                rule.times -= 1
                self.fired.append((rule.action, path))
                return rule
        drawn = self.script.draw(method, path, self._with_sockets) if self.script else None
        if drawn is not None:
            self.fired.append((drawn.action, path))
        return drawn


def _status(arguments: dict[str, Any]) -> Reply:
    headers = {"Content-Type": "text/html", **(arguments.get("headers") or {})}
    return Reply(arguments["code"], arguments.get("body", HTML), headers)


def _silence(arguments: dict[str, Any], processed: int) -> Delivery:
    return Delivery(processed=processed, ending=Ending.SILENCE, seconds=arguments.get("s", 60.0))


def _replaced(action: str) -> Delivery:
    kind = "text/html" if action == "html" else "application/json"
    return Delivery(reply=Reply(200, BODIES[action], {"Content-Type": kind}))


_DELIVERIES: dict[str, Callable[[dict[str, Any]], Delivery]] = {
    "delay": lambda given: Delivery(wait_seconds=given.get("s", 0.5)),
    "hang": lambda given: _silence(given, 0),
    "reset": lambda given: Delivery(processed=0, ending=Ending.RESET),
    "status": lambda given: Delivery(processed=0, reply=_status(given)),
    "accept_hang": lambda given: _silence(given, 1),
    "accept_reset": lambda given: Delivery(ending=Ending.RESET),
    "accept_status": lambda given: Delivery(reply=_status(given)),
    "malformed": lambda given: _replaced("malformed"),
    "empty": lambda given: _replaced("empty"),
    "null": lambda given: _replaced("null"),
    "html": lambda given: _replaced("html"),
    "short": lambda given: Delivery(ending=Ending.SHORT, parts=2),
    "drip": lambda given: Delivery(ending=Ending.DRIP, seconds=given.get("s", 0.05), parts=given.get("parts", 5)),
    "twice": lambda given: Delivery(processed=2),
    "refused": lambda given: Delivery(processed=0, ending=Ending.REFUSED),
    "connect_timeout": lambda given: Delivery(processed=0, ending=Ending.CONNECT_TIMEOUT),
}
