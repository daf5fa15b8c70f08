"""What an order costs: the model that the paper broker and the backtest share."""

from worker.jit import rule


@rule
def execution_price(price: float, direction: float, slippage: float) -> float:
    """Move a price against an order: `direction` > 0 buys and pays more, < 0 sells and gets less."""
    return price * (1.0 + slippage) if direction > 0.0 else price * (1.0 - slippage)


@rule
def execution_fee(quantity: float, price: float, fee_rate: float) -> float:
    """Give the fee of an execution in quote, never negative."""
    return abs(quantity * price) * fee_rate
