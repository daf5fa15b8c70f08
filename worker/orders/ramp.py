"""The ramp of money: how much of its limit an account may use. It goes up a step at a time, by a person's word."""

import math
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.accounts import RAMP, RAMP_STEP_MS
from shared.clock import Clock
from shared.settings import Settings
from shared.units import DAY_MS
from worker.store.accounts import has_unresolved, load_account, note_account


@dataclass(frozen=True, slots=True)
class Ramp:
    """The share of its limit that an account may use, and why it is not what the settings say."""

    share: float
    refusal: str = ""


def ramp_of(connection: Connection, portfolio_id: int, account: str, wanted: float, now_ms: int) -> Ramp:
    """Give the share that is in force where the settings want this one. Nothing is written; times are wall times.

    It may be lowered at any time; an account new to the books begins with the first step.
    """
    known = load_account(connection, portfolio_id, account)
    held = known.ramp or RAMP[0]
    if wanted <= held:
        return Ramp(wanted)
    said = f"accounts.{account}.ramp must be at most {held:g}"
    following = RAMP[RAMP.index(held) + 1]
    if not known.ramp:
        return Ramp(held, f"{said} at first, was {wanted:g}")
    if wanted > following:
        return Ramp(held, f"{said}, or {following:g}, the next step, was {wanted:g}")
    left_ms = known.ramp_since_ms + RAMP_STEP_MS - now_ms
    if left_ms > 0:
        return Ramp(held, f"{said} for another {_days(left_ms)}, a step in 7 days, was {wanted:g}")
    if has_unresolved(connection, portfolio_id, account):
        return Ramp(held, f"{said} while something of the account is not resolved, was {wanted:g}")
    return Ramp(wanted)


def keep_ramp(connection: Connection, portfolio_id: int, account: str, share: float, now_ms: int) -> None:
    """Write the share in force; a step counts from when it was taken."""
    if load_account(connection, portfolio_id, account).ramp != share:
        note_account(connection, portfolio_id, account, ramp=share, ramp_since_ms=now_ms)


class Ramps:
    """The shares of their limits that the accounts of a portfolio use."""

    def __init__(self, portfolio_id: int, clock: Clock) -> None:
        self._portfolio_id = portfolio_id
        self._clock = clock
        self._shares: dict[str, float] = {}

    def take(self, connection: Connection, account: str, wanted: float) -> str:
        """Let an account use so much where it may, and say why it does not where it may not."""
        now_ms = self._clock.now_ms()
        ramp = ramp_of(connection, self._portfolio_id, account, wanted, now_ms)
        keep_ramp(connection, self._portfolio_id, account, ramp.share, now_ms)
        self._shares[account] = ramp.share
        return ramp.refusal

    def refusal(self, connection: Connection, account: str, wanted: float) -> str:
        """Say why an account may not use so much of its limit; nothing where it may."""
        return ramp_of(connection, self._portfolio_id, account, wanted, self._clock.now_ms()).refusal

    def most(self, settings: Settings, account: str) -> float:
        """Give what an account may hold, in quote; infinity where it has no limit."""
        return self._shares[account] * (settings.account(account).limit or math.inf)

    def in_force(self, settings: Settings) -> Settings:
        """Give settings with the share that each account really uses."""
        accounts = {
            name: account.model_copy(update={"ramp": self._shares.get(name, account.ramp)})
            for name, account in settings.accounts.items()
        }
        return settings.model_copy(update={"accounts": accounts})


def _days(left_ms: int) -> str:
    days = -(-left_ms // DAY_MS)
    return f"{days} days" if days > 1 else "day"
