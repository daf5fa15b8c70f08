"""What slippage took of fills, by the orders and the bars that were stepped."""

import math
from typing import Any

from tests.dashboard.views.totals.ledger import Ledger
from tests.dashboard.views.totals.shown import Said
from tests.dashboard.views.totals.tiles import Expected, Tiles

Row = dict[str, Any]
# What a bot decides at a close is filled from the next open on.
AT_OPENS = ("SIGNAL", "CLOSE")


def with_slippage(ledger: Ledger) -> list[Row]:
    """Give fills with how much worse each was than the open of its bar; on paper nothing leaves to be held against."""
    decided = {order["client_order_id"]: order["decided_ms"] for order in ledger.orders}
    opens = {(symbol, bar["open_ms"]): bar["open"] for symbol, bars in ledger.bars.items() for bar in bars}
    found = []
    for fill in ledger.books.fills:
        decided_ms = decided.get(fill["client_order_id"])
        fraction = math.nan
        if decided_ms is not None and fill["trigger"] in AT_OPENS:
            price = opens.get((fill["symbol"], decided_ms - decided_ms % ledger.step_ms), math.nan)
            fraction = math.copysign(1.0, fill["quantity"]) * (fill["price"] / price - 1.0)
        found.append({**fill, "sending_slippage": math.nan, "open_slippage": fraction})
    return found


def slippage_tiles(fills: list[Row]) -> Tiles:
    """Give both tiles: the share of what the fills would have come to, its amount, and of how many fills."""
    return {
        "Slippage against sending": _tile(fills, "sending_slippage"),
        "Slippage against the open": _tile(fills, "open_slippage"),
    }


def _tile(fills: list[Row], name: str) -> Expected:
    known = [fill for fill in fills if not math.isnan(fill[name])]
    amount = worth = 0.0
    for fill in known:
        paid, direction = abs(fill["quantity"] * fill["price"]), math.copysign(1.0, fill["quantity"])
        at_price = paid / (1.0 + direction * fill[name])
        worth += at_price
        amount += direction * (paid - at_price)
    if not known:
        return Expected(("–",), ("# of # fills", 0, len(fills)))
    about: Said = ("# USDT over # of # fills", amount, len(known), len(fills))
    return Expected(("# bp", 1e4 * amount / worth), about)
