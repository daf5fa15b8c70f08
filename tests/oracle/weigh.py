"""E, the weights: raw ones by policy, then the nearest that sum to 1 within their bounds."""

import math

from shared.enums import Policy
from tests.oracle.books import Fleet, Scope
from tests.oracle.quantities import total
from tests.oracle.world import Rules, World

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
MEMORY_MS = 60 * DAY_MS
SEEN_AT_MOST_MS = 120 * DAY_MS


def observe(scope: Scope, step_ms: int) -> None:
    """Take this step's flow-free return into the moving mean and variance."""
    change = scope.equity / scope.settled - 1.0 if scope.settled > 0.0 else 0.0
    share = 1.0 - 0.5 ** (step_ms / MEMORY_MS)
    surprise = change - scope.mean
    scope.mean += share * surprise
    scope.variance = (1.0 - share) * (scope.variance + share * surprise * surprise)


def shrunk_sharpe(scope: Scope, step_ms: int, seen_ms: int) -> float:
    """Give the annual Sharpe ratio, drawn towards 0 while little was seen."""
    if scope.variance == 0.0:
        return 0.0
    seen = min(seen_ms, SEEN_AT_MOST_MS)
    annual = scope.mean / math.sqrt(scope.variance) * math.sqrt(YEAR_MS / step_ms)
    return annual * (seen / (seen + YEAR_MS))


def raw_weights(
    rules: Rules, scopes: list[Scope], fixed: list[float], scores: list[float], seen_ms: int
) -> list[float]:
    """Give each member's weight before bounds."""
    if rules.policy == Policy.FIXED:
        return fixed
    if rules.policy == Policy.SCORE:
        return [0.2 + score for score in scores]
    if rules.policy == Policy.SHARPE:
        sharpes = [shrunk_sharpe(scope, rules.step_ms, seen_ms) for scope in scopes]
        bases = [1.0 + min(max(sharpe, -2.0), 2.0) / 8.0 for sharpe in sharpes]
        return [base * base * base * base for base in bases]
    is_known = rules.policy == Policy.INVERSE_VOLATILITY and all(scope.variance > 0.0 for scope in scopes)
    return [1.0 / math.sqrt(scope.variance) if is_known else 1.0 for scope in scopes]


def bounded(raw: list[float], low: float, high: float) -> list[float]:
    """Give the point nearest to the shares of `raw` among those that sum to 1 and keep the bounds.

    What is missing to 1 is spread evenly; the side that breaks its bound by more is put on it for good; and again.
    """
    whole = total(raw)
    weights = [weight / whole if whole > 0.0 else 1.0 / len(raw) for weight in raw]
    free = set(range(len(weights)))
    while free:
        _spread(weights, free)
        below = total(max(low - weights[k], 0.0) for k in sorted(free))
        above = total(max(weights[k] - high, 0.0) for k in sorted(free))
        if below == above == 0.0:
            break
        bound = low if below >= above else high
        for k in [k for k in free if (weights[k] <= low if bound == low else weights[k] >= high)]:
            weights[k] = bound
            free.remove(k)
    return weights


def _spread(weights: list[float], free: set[int]) -> None:
    missing = 1.0
    for weight in weights:
        missing -= weight
    for k in free:
        weights[k] += missing / len(free)


def default_bounds(
    low: float | None, high: float | None, least: float, most: float, members: int
) -> tuple[float, float]:
    """Give the bounds in force: those a person wrote, else the defaults with room for so many members."""
    return (
        min(least, 1.0 / (2 * members)) if low is None else low,
        max(most, 1.0 / members) if high is None else high,
    )


def sleeve_weights(world: World, fleet: Fleet, seen_ms: int) -> list[float]:
    """Give the weight of each sleeve; one whose bots have all retired has none."""
    rules = world.rules
    active = [s for s, bots in enumerate(fleet.sleeve_bots) if any(not bot.is_ruined for bot in bots)]
    scores = [_mean_score(fleet, s) for s in active]
    fixed = [world.sleeve_weights[s] for s in active]
    raw = raw_weights(rules, [fleet.sleeves[s] for s in active], fixed, scores, seen_ms)
    low, high = default_bounds(rules.sleeve_low, rules.sleeve_high, 0.10, 0.60, max(len(active), 1))
    weights = dict(zip(active, bounded(raw, low, high) if active else [], strict=True))
    return [weights.get(s, 0.0) for s in range(len(fleet.sleeves))]


def _mean_score(fleet: Fleet, sleeve: int) -> float:
    scores = [bot.score for bot in fleet.sleeve_bots[sleeve] if not bot.is_ruined]
    return total(scores) / len(scores)


def bot_weights(world: World, fleet: Fleet, sleeve: int, seen_ms: int) -> dict[int, float]:
    """Give the weight within its sleeve of each bot that has not retired, by the name of its object."""
    rules = world.rules
    active = [bot for bot in fleet.sleeve_bots[sleeve] if not bot.is_ruined]
    if not active:
        return {}
    fixed, scores = [bot.world.fixed_weight for bot in active], [bot.score for bot in active]
    raw = raw_weights(rules, [bot.scope for bot in active], fixed, scores, seen_ms)
    low, high = default_bounds(rules.bot_low, rules.bot_high, 0.05, 0.70, len(active))
    return {id(bot): weight for bot, weight in zip(active, bounded(raw, low, high), strict=True)}
