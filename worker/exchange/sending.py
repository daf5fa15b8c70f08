"""From an order as it is wanted to the call of ccxt that sends it, rounded to our side and by the exchange's quirks."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from shared.enums import Side
from worker.exchange.answers import Place
from worker.exchange.protocol import OrderKind, OrderRequest, SymbolRules
from worker.exchange.quirks import Quirks


class Margin(NamedTuple):
    """How positions of an account are margined."""

    leverage: int = 1
    is_isolated: bool = True


class Call(NamedTuple):
    """The arguments of `create_order`; the amount is in contracts where the market has them."""

    symbol: str
    type: str
    side: str
    amount: Decimal
    price: Decimal | None
    params: dict[str, Any]


def order_call(request: OrderRequest, place: Place, rules: SymbolRules, quirks: Quirks, margin: Margin) -> Call:
    """Give the call that sends an order. Raises ValueError where there is none that the exchange would take."""
    quirks.require_id(request.client_order_id)
    quantity = _rounded(request.quantity, rules.step, ROUND_FLOOR)
    if quantity <= 0:
        raise ValueError(f"quantity must be at least one step {rules.step}, was {request.quantity}")
    price = None
    if request.kind is not OrderKind.MARKET:
        price = _limit_price(request, rules)
    return Call(
        place.listed,
        "market" if price is None else "limit",
        request.side.name.lower(),
        quantity / place.per_contract,
        # A price given to a market order changes what it means.
        price,
        _parameters(request, quantity, place, quirks, margin),
    )


def _limit_price(request: OrderRequest, rules: SymbolRules) -> Decimal:
    if request.price is None:
        raise ValueError("price of a limit order must be set, was not")
    # Never to pay more or get less than was meant.
    price = _rounded(request.price, rules.tick, ROUND_FLOOR if request.side is Side.BUY else ROUND_CEILING)
    if price <= 0:
        raise ValueError(f"price must be at least one tick {rules.tick}, was {request.price}")
    return price


def _parameters(
    request: OrderRequest, quantity: Decimal, place: Place, quirks: Quirks, margin: Margin
) -> dict[str, Any]:
    parameters: dict[str, Any] = {quirks.id_parameter: request.client_order_id}
    is_contract = ":" in place.listed
    if request.kind is OrderKind.MAKER:
        parameters["postOnly"] = True
    if is_contract and request.reduce_only:
        parameters["reduceOnly"] = True
    if is_contract and quirks.margin_parameter:
        parameters[quirks.margin_parameter] = "isolated" if margin.is_isolated else "cross"
    if is_contract and quirks.sends_leverage:
        parameters["leverage"] = margin.leverage
    is_market_buy = request.kind is OrderKind.MARKET and request.side is Side.BUY
    if is_market_buy and quirks.buys_in_quote:
        parameters["cost"] = format(quantity * request.reference_price, "f")
    return parameters


def _rounded(number: Decimal, step: Decimal | None, way: str) -> Decimal:
    return number if step is None else (number / step).to_integral_value(way) * step
