"""How orders are sent and what fills cost: `[broker]`."""

from typing import Annotated, Literal

from pydantic import Field

from shared.bounds import Cost, Number, Whole
from shared.section import Section


class BrokerSettings(Section):
    kind: Literal["paper"] = "paper"
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
