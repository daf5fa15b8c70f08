"""What an account holds: by how much a trade changes it, and how far what was found is from what is expected."""

from decimal import Decimal

from shared.enums import Side
from worker.exchange.protocol import ExchangeTrade
from worker.orders.live_order import base_of
from worker.store.reconciliation import CoinRow

NOTHING = Decimal(0)


def difference(row: CoinRow) -> Decimal:
    """Give how much more was found than expected."""
    return Decimal(row.found) - Decimal(row.expected)


def explain(row: CoinRow, amount: Decimal) -> None:
    """Let a part of what was found be accounted for by something that was no trade."""
    row.explained = f"{Decimal(row.explained) + amount:f}"
    row.expected = f"{Decimal(row.expected) + amount:f}"


def exceeds(row: CoinRow) -> bool:
    """Say whether more was found than expected, on the side that the books are on."""
    found, expected = Decimal(row.found), Decimal(row.expected)
    return abs(found) > abs(expected) and found * expected >= 0


def changes_of(trade: ExchangeTrade, quote: str, is_position: bool) -> dict[str, Decimal]:
    """Give what a trade changes of an account: coins, or a position and the fee."""
    sign = 1 if trade.side is Side.BUY else -1
    changes: dict[str, Decimal] = {}

    def add(name: str, amount: Decimal) -> None:
        changes[name] = changes.get(name, NOTHING) + amount

    if is_position:
        add(trade.symbol, sign * trade.quantity)
    else:
        add(base_of(trade.symbol), sign * trade.quantity)
        add(quote, -sign * trade.quantity * trade.price)
    if trade.fee:
        add(trade.fee_coin, -trade.fee)
    return changes


def closed_by(trade: ExchangeTrade, is_position: bool) -> dict[str, Decimal]:
    """Give what a trade closes of what is held beyond the books."""
    sign = 1 if trade.side is Side.BUY else -1
    return {trade.symbol if is_position else base_of(trade.symbol): sign * trade.quantity}
