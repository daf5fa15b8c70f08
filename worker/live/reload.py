"""The reload: what a running worker takes over of changed settings, and what asks for a restart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from shared.accounts import AccountSettings
from shared.settings import Settings
from worker.fleet.fees import set_fees
from worker.fleet.plan import FleetPlan, make_ladder, make_rules, take_limits
from worker.market.protocol import Limits
from worker.step.fleet import fills_per_bar
from worker.step.journal import Fill
from worker.step.records import Fleet

# Anything else asks for a restart.
RELOADABLE = ("risk", "broker", "allocation")


@dataclass(frozen=True, slots=True)
class Change:
    """The settings after a reload, and what a person is told: what changed, and what was refused."""

    settings: Settings
    changed: list[str]
    refused: list[str]


def change(before: Settings, fresh: Settings, refuse_ramp: Callable[[str, float], str] = lambda *_: "") -> Change:
    """Say what is taken over of fresh settings; the rest is refused by name.

    `refuse_ramp` says why an account may not use so much of its limit, nothing where it may.
    """
    if fresh.profile != before.profile:
        return Change(before, [], ["profile needs a restart: nothing was taken over"])
    changed, refused, values = [], [], {}
    for section in type(fresh).model_fields:
        old, new = getattr(before, section), getattr(fresh, section)
        if old == new:
            continue
        if section == "broker" and fresh.broker.kind != before.broker.kind:
            refused.append("broker.kind needs a restart and broker was left as it was")
        elif section in RELOADABLE:
            values[section] = new
            changed.append(f"{section}: {_difference(old, new)}")
        elif section == "accounts" and _without_ramps(old) == _without_ramps(new):
            ramps = {name: new[name].ramp for name in new if new[name].ramp != old[name].ramp}
            said = {name: refuse_ramp(name, share) for name, share in ramps.items()}
            refused += filter(None, said.values())
            taken = {name: share for name, share in ramps.items() if not said[name]}
            changed += [f"accounts.{name}: ramp {old[name].ramp:g} → {share:g}" for name, share in taken.items()]
            values[section] = {
                name: own.model_copy(update={"ramp": taken.get(name, own.ramp)}) for name, own in old.items()
            }
        else:
            refused.append(f"{section} needs a restart and was left as it was")
    return Change(before.model_copy(update=values), changed, refused)


def take_over(fleet: Fleet, plan: FleetPlan, settings: Settings, limits: Mapping[str, Limits]) -> Fleet:
    """Give the fleet under other settings of risk, broker and allocation; its records stay the same objects."""
    # First, for it may refuse.
    take_limits(settings, plan, limits, fleet.markets)
    for market, (account, _) in zip(fleet.markets, plan.markets, strict=True):
        set_fees(market, settings, account)
    allocation = settings.allocation
    for bot, planned in zip(fleet.bots, plan.bots, strict=True):
        bot.fixed_weight = allocation.bot_weights.get(planned.name, 1.0)
    for sleeve, name in zip(fleet.sleeves, plan.sleeves, strict=True):
        sleeve.fixed_weight = allocation.sleeve_weights.get(name, 1.0)
    ladder = make_ladder(settings)
    room = 2 * fills_per_bar(len(fleet.bots), len(ladder)) - len(fleet.fills)
    fills = fleet.fills + [Fill() for _ in range(room)]
    return fleet._replace(rules=make_rules(settings, fleet.rules.asks_exits == 1), ladder=ladder, fills=fills)


def _without_ramps(accounts: Mapping[str, AccountSettings]) -> dict[str, AccountSettings]:
    return {name: account.model_copy(update={"ramp": 0.0}) for name, account in accounts.items()}


def _difference(before: BaseModel, after: BaseModel) -> str:
    old, new = before.model_dump(), after.model_dump()
    return ", ".join(f"{name} {old[name]} → {new[name]}" for name in old if old[name] != new[name])
