"""What goes wrong, said in advance: ordered rules, of which the first that matches a request is used up."""

from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

# What is done to an answer. `delay` and `hang` wait (s) before it; the others replace it or how it is sent.
ACTIONS = ("delay", "hang", "reset", "status", "malformed", "empty", "null", "html", "short", "drip")


@dataclass
class Rule:
    """One fault: `skip` matching requests pass first, then `times` are hit."""

    action: str
    path: str = "*"
    method: str = "*"
    times: int = 1
    skip: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        """Say whether the rule is about a request."""
        return self.times > 0 and fnmatch(path, self.path) and fnmatch(method, self.method)


class Faults:
    """The script of faults; `fired` holds (action, path) of those that happened."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.fired: list[tuple[str, str]] = []

    def add(
        self, action: str, path: str = "*", method: str = "*", times: int = 1, skip: int = 0, **arguments: Any
    ) -> None:
        """Plan a fault."""
        if action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}, was {action!r}")
        self.rules.append(Rule(action, path, method, times, skip, arguments))

    def clear(self) -> None:
        """Plan no more faults."""
        self.rules.clear()

    def take(self, method: str, path: str) -> Rule | None:
        """Give the fault for a request, if any, and count it."""
        for rule in self.rules:
            if rule.matches(method, path):
                if rule.skip > 0:
                    rule.skip -= 1
                    return None
                rule.times -= 1
                self.fired.append((rule.action, path))
                return rule
        return None
