"""Faults drawn from a seed: which requests go wrong and how, in proportions that are seen in the wild."""

import random
from typing import Any

from tests.exchange.faults import UNREACHED, Rule

# The share of requests at which trouble begins.
LEVELS = {"none": 0.0, "calm": 0.005, "rough": 0.05, "storm": 0.25}
# Trouble comes in runs.
LONGEST_RUN = 3

Choice = tuple[str, int, dict[str, Any]]

BEFORE: list[Choice] = [
    ("hang", 4, {}),
    ("reset", 4, {}),
    ("refused", 4, {}),
    ("connect_timeout", 3, {}),
    ("status", 3, {"code": 503}),
    ("status", 2, {"code": 500}),
    ("status", 1, {"code": 403}),
    ("status", 2, {"code": 429, "body": '{"code":-1003,"msg":"Too many requests"}', "headers": {"Retry-After": "2"}}),
]
AFTER: list[Choice] = [
    ("delay", 3, {"s": 0.3}),
    ("delay", 3, {"s": 12.0}),
    ("accept_hang", 5, {}),
    ("accept_reset", 4, {}),
    ("accept_status", 3, {"code": 502}),
    ("accept_status", 2, {"code": 504}),
    ("malformed", 1, {}),
    ("empty", 1, {}),
    ("null", 1, {}),
    ("html", 1, {}),
    ("short", 3, {}),
    ("drip", 1, {}),
]
TWICE: Choice = ("twice", 2, {})


class FaultScript:
    """Draw what becomes of each request; the same seed and requests give the same, whatever asks.

    `without` names actions that are never drawn. Requests that change something may be delivered twice.
    """

    def __init__(self, seed: int, level: str = "rough", without: tuple[str, ...] = ()) -> None:
        if level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, was {level!r}")
        self.share = LEVELS[level]
        self._chance = random.Random(f"faults {seed}")
        self._without = without
        self._run = 0

    def draw(self, method: str, path: str, with_sockets: bool) -> Rule | None:
        """Give the fault of the next request, if any."""
        begins = self._chance.random() < self.share
        if self._run == 0 and begins:
            self._run = self._chance.randint(1, LONGEST_RUN)
        if self._run == 0:
            return None
        self._run -= 1
        never = (*self._without, *(UNREACHED if with_sockets else ()))
        choices = [*BEFORE, *AFTER, *([] if method == "GET" else [TWICE])]
        choices = [choice for choice in choices if choice[0] not in never]
        (drawn,) = self._chance.choices(choices, [weight for _, weight, _ in choices])
        return Rule(drawn[0], path, method, arguments=drawn[2])
