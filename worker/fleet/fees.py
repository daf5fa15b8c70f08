"""What an account pays for a fill."""

from typing import NamedTuple

from shared.settings import Settings
from worker.step.records import Market


class Fees(NamedTuple):
    """Fractions of a fill's value; `maker` is of what rested."""

    taker: float
    maker: float


def fees_of(settings: Settings, account: str) -> Fees:
    """Give an account's own fees, else those of `[broker]`; without a maker's fee, what rested pays the taker's."""
    own, broker = settings.account(account), settings.broker
    taker = broker.fee_rate if own.fee_rate is None else own.fee_rate
    named = (rate for rate in (own.maker_fee_rate, broker.maker_fee_rate) if rate is not None)
    return Fees(taker, next(named, taker))


def set_fees(market: Market, settings: Settings, account: str) -> None:
    """Put what an account pays into the record of one of its symbols."""
    market.fee_rate, market.maker_fee_rate = fees_of(settings, account)
