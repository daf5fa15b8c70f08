"""How orders are sent and what fills cost: `[broker]`."""

from typing import Annotated, Literal

from pydantic import Field

from shared.bounds import Cost, Number, Whole
from shared.section import Section


class BrokerSettings(Section):
    # ccxt sends real orders, and wants more than this word: see docs/live.md
    kind: Literal["paper", "ccxt"] = "paper"
    # of the default account, and of every other that names none of its own; what rested pays as the rest where not set
    fee_rate: Cost = 0.001
    maker_fee_rate: Cost | None = None
    slippage: Cost = 0.0005
    # how orders by signal are sent; protective exits always go at market
    order: Literal["market", "limit", "maker"] = "market"
    limit_offset: Cost = 0.001
    patience: Annotated[Number, Field(ge=1.0, le=3_600.0)] = 20.0
    maker_patience: Annotated[Number, Field(ge=1.0, le=86_400.0)] = 300.0
    maker_unfilled: Literal["take", "lapse"] = "take"
    requotes: Annotated[Whole, Field(ge=0, le=100)] = 3
    # ccxt: after so long an intention is too old to be sent; after a quarter of a bar where that is longer
    intent_seconds: Annotated[Number, Field(ge=1.0, le=3_600.0)] = 30.0
    # after so long an order of which nothing is known is an error
    alarm: Annotated[Number, Field(ge=1.0, le=86_400.0)] = 60.0
    # orders on a new account after which a person must say that they look right
    first_orders: Annotated[Whole, Field(ge=0, le=1_000)] = 10
    reconcile_seconds: Annotated[Number, Field(ge=5.0, le=3_600.0)] = 60.0
