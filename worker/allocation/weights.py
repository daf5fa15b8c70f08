"""Raw weights of the allocation policies, and the running figures they are made from."""

import math

from shared.enums import Policy
from shared.units import DAY_MS, YEAR_MS
from worker.jit import rule

SCORE_FLOOR = 0.2
SCORE_CLIP = 0.2
SCORE_MEMORY = 0.9
SHARPE_CLIP = 2.0
SHARPE_SOFTNESS = 8.0
SHARPE_SEEN_MS = 120 * DAY_MS
MEMORY_MS = 60 * DAY_MS


@rule
def clip(value: float, low: float, high: float) -> float:
    """Give the value nearest to `value` in `[low, high]`."""
    return max(low, min(value, high))


@rule
def flow_free_return(equity: float, settled_equity: float) -> float:
    """Give the return of a step against the equity after the flows of the one before; 0 on equity ≤ 0."""
    return equity / settled_equity - 1.0 if settled_equity > 0.0 else 0.0


@rule
def remember_return(member, step_return: float, memory: float) -> None:
    """Take a step's return into the exponentially weighted mean and variance of a bot or sleeve."""
    deviation = step_return - member.return_mean
    member.return_mean += memory * deviation
    member.return_variance = (1.0 - memory) * (member.return_variance + memory * deviation * deviation)
    member.steps_seen += 1


@rule
def remember_score(bot) -> None:
    """Take the return on allocation since the last rebalance into a bot's score."""
    gained = bot.profit_since_rebalance / bot.allocation if bot.allocation > 0.0 else 0.0
    bot.score = SCORE_MEMORY * bot.score + (1.0 - SCORE_MEMORY) * clip(gained, -SCORE_CLIP, SCORE_CLIP)
    bot.profit_since_rebalance = 0.0


@rule
def shrunk_sharpe(member, step_ms: int, steps_per_year_root: float) -> float:
    """Give the annual Sharpe ratio shrunk by how little time was seen; 0 while the variance is 0."""
    if member.return_variance <= 0.0:
        return 0.0
    seen_ms = float(min(member.steps_seen * step_ms, SHARPE_SEEN_MS))
    trust = seen_ms / (seen_ms + YEAR_MS)
    return member.return_mean / math.sqrt(member.return_variance) * steps_per_year_root * trust


@rule
def raw_weight(member, rules) -> float:
    """Give the raw weight of a bot or sleeve under the policy in force."""
    if rules.policy == Policy.FIXED:
        return member.fixed_weight
    if rules.policy == Policy.SCORE:
        return SCORE_FLOOR + member.score
    if rules.policy == Policy.SHARPE:
        sharpe = clip(shrunk_sharpe(member, rules.step_ms, rules.steps_per_year_root), -SHARPE_CLIP, SHARPE_CLIP)
        base = 1.0 + sharpe / SHARPE_SOFTNESS
        return base * base * base * base
    if rules.policy == Policy.INVERSE_VOLATILITY:
        return 1.0 / math.sqrt(member.return_variance) if member.return_variance > 0.0 else 0.0
    return 1.0
