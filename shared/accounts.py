"""Where orders go: the accounts of the settings, `[accounts.NAME]`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool

from shared.bounds import Cost, Endpoint, ExchangeName, KeyPlace, Number
from shared.section import Section
from shared.units import DAY_MS

DEFAULT_ACCOUNT = "paper"
# The shares of its limit that an account may use, one after the other.
RAMP = (0.10, 0.25, 0.5, 1.0)
# And for so long each, at least.
RAMP_STEP_MS = 7 * DAY_MS


def _ramp_step(share: float) -> float:
    if share not in RAMP:
        raise ValueError(f"must be one of {', '.join(f'{step:g}' for step in RAMP)}")
    return share


class AccountSettings(Section):
    """One set of exchange credentials; on paper, one set of fees and one market."""

    exchange: ExchangeName = "binance"
    type: Literal["spot", "swap", "unified"] = "spot"
    # where the keys are found, never the keys; paper orders want none
    keys: KeyPlace = "environment"
    # the most quote the fleet may use there
    limit: Annotated[Number, Field(ge=1e-18, le=1e18)] | None = None
    endpoint: Endpoint | None = None
    # no 0, "no" or "off": real money wants the one word
    sandbox: StrictBool = True
    ramp: Annotated[Number, Field(ge=0.1, le=1.0), AfterValidator(_ramp_step)] = 0.1
    margin: Literal["isolated", "cross"] = "isolated"
    # broker's where not set
    fee_rate: Cost | None = None
    maker_fee_rate: Cost | None = None
