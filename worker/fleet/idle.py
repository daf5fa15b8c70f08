"""What a person set and what does nothing, said, for nothing else shows it: limits that others keep from binding."""

from collections import Counter

from shared.settings import PROFILES, RiskSettings, Settings
from worker.fleet.fees import fees_of
from worker.fleet.plan import FleetPlan

_NOISE = 1e-9
# Weights that differ from an equal one by no more than this part of it are all but the same.
_LITTLE = 0.01


def idle_settings(settings: Settings, plan: FleetPlan) -> list[str]:
    """Say of everything that a person set whether it changes nothing; only what is certain."""
    return idle_limits(settings) + bounds_without_room(settings, plan)


def idle_limits(settings: Settings) -> list[str]:
    """Say of `leverage` and `max_position`, where they are set, that they change no position; only what is certain.

    A position is at most `max_position` and at most the largest multiplier of its allocation, and at most `leverage` of
    the bot's equity less the costs of the entry.
    """
    said = {"leverage": _leverage(settings), "max_position": _max_position(settings)}
    return [sentence for name, sentence in said.items() if sentence and _is_set(settings, name)]


def _is_set(settings: Settings, name: str) -> bool:
    """Say whether a person chose a value other than the profile's."""
    default = PROFILES[settings.profile].get("risk", {}).get(name, RiskSettings.model_fields[name].default)
    return bool(getattr(settings.risk, name) != default)


def _largest_wish(risk: RiskSettings) -> tuple[float, str]:
    """Give the largest multiple of its allocation a bot wants before caps, and what makes it so."""
    if risk.volatility_sizing:
        return risk.volatility_high, f"risk.volatility_high {risk.volatility_high:g}"
    return 1.0, "an exposure of 1 without risk.volatility_sizing"


def _cost_factors(settings: Settings) -> list[float]:
    """Give what an entry costs on each account, of its value and with it."""
    accounts = {settings.account_of(sleeve) for sleeve in settings.strategies.sleeves.values()}
    return [1.0 + fees_of(settings, account).taker + settings.broker.slippage for account in accounts]


def _leverage(settings: Settings) -> str:
    risk = settings.risk
    most, by = min((risk.max_position, f"risk.max_position {risk.max_position:g}"), _largest_wish(risk))
    share = most * max(_cost_factors(settings)) / risk.leverage
    if share >= 1.0:
        return ""
    return (
        f"risk.leverage {risk.leverage:g} enlarges no position: {by} keeps each at {most:g} times its allocation "
        f"or less; leverage binds only where a bot's equity is below {share:.1%} of its allocation"
    )


def _max_position(settings: Settings) -> str:
    risk = settings.risk
    wish, by = _largest_wish(risk)
    if risk.max_position >= wish:
        return (
            f"risk.max_position {risk.max_position:g} never binds: by {by} no bot wants more than {wish:g} times its "
            "allocation"
        )
    if risk.max_position <= risk.leverage:
        return ""
    share = risk.max_position * min(_cost_factors(settings)) / risk.leverage
    return (
        f"risk.max_position {risk.max_position:g} is not reached: risk.leverage {risk.leverage:g} keeps each position "
        f"at {risk.leverage:g} times the bot's equity or less; max_position binds only where that equity is above "
        f"{share:.1%} of its allocation"
    )


def bounds_without_room(settings: Settings, plan: FleetPlan) -> list[str]:
    """Say which bounds that a person wrote make all weights of a scope the same; the defaults always leave room."""
    allocation = settings.allocation
    if allocation.policy == "equal":
        return []
    bots = Counter(bot.sleeve for bot in plan.bots if not bot.retiring)
    scopes = [
        ("sleeve", len(bots), "sleeves"),
        *(("bot", members, f"bots of {name}") for name, members in bots.items()),
    ]
    said = []
    for scope, members, words in scopes:
        for bound in (f"{scope}_low", f"{scope}_high"):
            room = _without_room(getattr(allocation, bound), members)
            if room:
                left, weights = room
                said.append(
                    f"allocation.{bound} {getattr(allocation, bound):g} leaves the {members} {words} {left} room: each "
                    f"weighs {weights}, whatever allocation.policy {allocation.policy} says"
                )
    return said


def _without_room(bound: float | None, members: int) -> tuple[str, str] | None:
    """Give how little room a bound leaves and the weights that it leaves, None where it is room to speak of."""
    if members < 2 or bound is None:
        return None
    # All others at the bound leave one member this.
    other = 1.0 - (members - 1) * bound
    furthest = max(abs(weight * members - 1.0) for weight in (bound, other))
    if furthest <= _NOISE:
        return "no", f"1/{members}"
    if furthest > _LITTLE:
        return None
    return "hardly any", f"from {min(bound, other):.3%} to {max(bound, other):.3%}"
