"""How an order fills by its style: at the open, within a price, or by resting while the bar trades."""

from shared.enums import OrderStyle
from worker.brokers.fill_model import execution_price
from worker.jit import rule


@rule
def execute(market, direction: float, style: int, rules) -> None:
    """Set how what does not cross of an order fills, by its style: price, slippage, fee, what lapses.

    A resting order fills at the price of the open where the market trades through it in its time. Else, and where a
    limit order's price is too far, what closes is taken at market, and what opens with it or not at all.
    """
    is_resting = style == OrderStyle.MAKER
    market.entries_lapse = 0
    if is_resting and is_traded_through(market, direction):
        market.fill_price = market.cross_price
        market.fill_slippage = 0.0
        market.fill_fee_rate = market.maker_fee_rate
        return
    is_too_far = style == OrderStyle.LIMIT and rules.slippage > rules.limit_offset
    if is_resting or is_too_far:
        market.entries_lapse = rules.entries_lapse
    taken_at = market.patience_close if is_resting else market.cross_price
    market.fill_price = execution_price(taken_at, direction, rules.slippage)
    market.fill_slippage = abs(market.fill_price - taken_at)
    market.fill_fee_rate = market.fee_rate


@rule
def is_traded_through(market, direction: float) -> bool:
    """Say whether the market traded beyond the price at which an order rests; a touch is not enough."""
    price = market.cross_price
    return market.patience_low < price if direction > 0.0 else market.patience_high > price
