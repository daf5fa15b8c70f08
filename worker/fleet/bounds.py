"""Bounds of weights that leave no room between them: whatever the policy says, every member then weighs the same."""

from collections import Counter

from shared.settings import Settings
from worker.fleet.plan import FleetPlan

_NOISE = 1e-9


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
            written = getattr(allocation, bound)
            if members > 1 and written is not None and abs(written * members - 1.0) <= _NOISE:
                said.append(
                    f"allocation.{bound} {written:g} leaves the {members} {words} no room: each weighs 1/{members}, "
                    f"whatever allocation.policy {allocation.policy} says"
                )
    return said
