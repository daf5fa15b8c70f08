"""Which bots of a backtest made no trade, and why."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from shared.enums import Reason
from shared.no_trades import Standstill, why_no_trades
from shared.settings import Settings
from worker.research.replay import Replay
from worker.strategies.registry import find_strategy

MOST_NAMED = 3


def idle_bots(replay: Replay) -> list[int]:
    """Give the places of the bots that have no fill."""
    filled = np.bincount(replay.fills["bot"], minlength=len(replay.plan.bots))
    return np.flatnonzero(filled == 0).tolist()


def why_idle(settings: Settings, replay: Replay, bots: Iterable[int]) -> dict[str, Any]:
    """Say why some bots made no trade: `sentence`, `binds` (a reason), `steps`, `steps_by_reason`."""
    stood = standstill(replay, list(bots))
    return {
        "sentence": why_no_trades(stood, settings.model_dump(mode="json"), settings.portfolio.money),
        "binds": stood.binds.name,
        "steps": stood.steps,
        "steps_by_reason": {reason.name: count for reason, count in stood.counts.items()},
    }


def idle_sentences(settings: Settings, replay: Replay) -> list[str]:
    """Say of the whole fleet why it made no trade; else of the bots that made none, those of one reason together."""
    idle = idle_bots(replay)
    if not idle or not len(replay.open_ms):
        return []
    if len(idle) == len(replay.plan.bots):
        return [f"Nothing was traded: {why_idle(settings, replay, idle)['sentence']}"]
    groups: dict[Reason, list[int]] = {}
    for b in idle:
        groups.setdefault(standstill(replay, [b]).binds, []).append(b)
    return [
        f"{_named(replay, group)} made no trade: {why_idle(settings, replay, group)['sentence']}"
        for group in sorted(groups.values(), key=len, reverse=True)
    ]


def standstill(replay: Replay, bots: list[int]) -> Standstill:
    """Give what some bots did instead of trading."""
    own, totals = replay.fleet.bots[bots], replay.reasons[bots].sum(axis=0).tolist()
    counts = {reason: count for reason, count in zip(Reason, totals, strict=True) if count}
    stood = Standstill(
        bots=len(bots),
        counts=counts,
        allocation=float(own["allocation"].max()),
        equity=float(replay.fleet.portfolio["equity"]),
        horizon_bars=max(_horizon_bars(replay, b) for b in bots),
        accounts=tuple(dict.fromkeys(replay.plan.bots[b].account for b in bots)),
    )
    last = own[own["reason"] == stood.binds]
    return stood.measured(last["reason_value"], last["reason_limit"])


def _horizon_bars(replay: Replay, b: int) -> int:
    key = replay.plan.bots[b].key
    return find_strategy(key.strategy).horizon_bars(*key.parameters)


def _named(replay: Replay, bots: list[int]) -> str:
    names = [replay.plan.bots[b].name for b in bots[:MOST_NAMED]]
    more = f" and {len(bots) - MOST_NAMED} more" if len(bots) > MOST_NAMED else ""
    return f"{len(bots)} of {len(replay.plan.bots)} bots ({', '.join(names)}{more})"
