"""The exchange's own record as plain tuples, and whether it is consistent: for checks that do not trust the worker."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.exact import exact
from tests.exchange.flows import FlowKind
from tests.exchange.ledger import ZERO, Part, Pocket
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Trade


class OrderRow(NamedTuple):
    """An order: `worth` is the quote it was filled for."""

    id: int
    client_id: str
    product: str
    symbol: str
    side: str
    status: str
    quantity: Decimal
    filled: Decimal
    worth: Decimal
    price: Decimal | None
    reduce_only: bool
    time_ms: int


class TradeRow(NamedTuple):
    """An execution; the fee in its coin."""

    id: int
    order_id: int
    client_id: str
    product: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_coin: str
    is_maker: bool
    time_ms: int


class FlowRow(NamedTuple):
    """What came (or, below zero, left) otherwise than by a trade."""

    id: int
    kind: str
    coin: str
    amount: Decimal
    wallet: str
    symbol: str
    time_ms: int


def orders_by_client_id(exchange: Exchange, account: Account) -> Mapping[str, list[OrderRow]]:
    """Give an account's orders, oldest first, by client id; with `""` those that had none."""
    exchange.catch_up()
    rows: dict[str, list[OrderRow]] = defaultdict(list)
    for order in exchange.matching.orders.values():
        if order.owner == account.name:
            rows[order.ticket.client_id].append(_order_row(order))
    return rows


def trades(exchange: Exchange, account: Account) -> list[TradeRow]:
    """Give an account's trades, oldest first."""
    exchange.catch_up()
    return [_trade_row(trade) for trade in exchange.matching.trades if trade.order.owner == account.name]


def balances(exchange: Exchange, account: Account) -> Mapping[tuple[str, str], tuple[Decimal, Decimal]]:
    """Give (free, locked) by (wallet, coin), as far as there is any."""
    exchange.catch_up()
    rows = {}
    for wallet in sorted({account.wallet(product) for product in Product}):
        for coin in exchange.ledger.coins(account.name, wallet):
            free, locked, margin = (exchange.ledger.amount(Pocket(account.name, wallet, part), coin) for part in Part)
            if free or locked or margin:
                rows[wallet, coin] = (free, locked + margin)
    return rows


def positions(exchange: Exchange, account: Account) -> Mapping[tuple[str, str], Decimal]:
    """Give signed quantities by (symbol, side), as far as there are any."""
    exchange.catch_up()
    return {(position.symbol, position.side): position.quantity for position in account.held()}


def flows(exchange: Exchange, account: Account) -> list[FlowRow]:
    """Give an account's flows, those it is not told of too, oldest first."""
    exchange.catch_up()
    own = [flow for flow in exchange.flows.entries if flow.owner == account.name]
    return [FlowRow(f.id, f.kind, f.coin, f.amount, f.wallet, f.symbol, f.time_ms) for f in own]


@exact
def check(exchange: Exchange) -> None:
    """Assert that coins are conserved, orders are the sum of their trades, and wallets and positions add up."""
    exchange.catch_up()
    lost = {coin: amount for coin, amount in exchange.ledger.sums().items() if amount}
    assert not lost, f"coins must be conserved, were off by {lost}"
    for order in exchange.matching.orders.values():
        _check_order(order)
    for account in exchange.accounts.values():
        _check_wallets(exchange, account)
        _check_positions(exchange, account)


def _check_order(order: Order) -> None:
    filled = sum((trade.quantity for trade in order.trades), ZERO)
    assert filled == order.filled <= order.quantity, f"order {order.id} must be filled by its trades, {filled}: {order}"
    is_whole = order.filled == order.quantity and order.quantity > 0
    assert is_whole == (order.status == "FILLED"), (
        f"order {order.id} must be FILLED exactly when nothing remains: {order}"
    )


def _check_wallets(exchange: Exchange, account: Account) -> None:
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for flow in flows(exchange, account):
        expected[flow.wallet, flow.coin] += flow.amount
    for trade in exchange.matching.trades:
        if trade.order.owner == account.name:
            for product_coin, amount in _moved(exchange, account, trade).items():
                expected[product_coin] += amount
    for owner, coin, amount in exchange.settlement.shortfalls:
        if owner == account.name:
            expected[account.wallet(Product.SWAP), coin] += amount
    held = {place: free + locked for place, (free, locked) in balances(exchange, account).items()}
    expected = defaultdict(Decimal, {place: amount for place, amount in expected.items() if amount})
    assert held == dict(expected), f"{account.name} must hold {dict(expected)}, held {held}"


def _moved(exchange: Exchange, account: Account, trade: Trade) -> Mapping[tuple[str, str], Decimal]:
    ticket, wallet = trade.order.ticket, account.wallet(trade.order.ticket.product)
    listing = exchange.listing_of(ticket.symbol)
    moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    moved[wallet, trade.fee_coin] -= trade.fee
    if ticket.product is Product.SWAP:
        moved[wallet, listing.quote] += trade.realised
        return moved
    moved[wallet, listing.base] += ticket.direction * trade.quantity
    moved[wallet, listing.quote] -= ticket.direction * trade.quantity * trade.price
    return moved


def _check_positions(exchange: Exchange, account: Account) -> None:
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for trade in exchange.matching.trades:
        ticket = trade.order.ticket
        if trade.order.owner == account.name and ticket.product is Product.SWAP:
            expected[ticket.symbol, ticket.position_side] += ticket.direction * trade.quantity
    settled = {flow.symbol for flow in flows(exchange, account) if flow.kind == FlowKind.SETTLEMENT}
    wanted = {place: quantity for place, quantity in expected.items() if quantity and place[0] not in settled}
    held = {place: quantity for place, quantity in positions(exchange, account).items() if place[0] not in settled}
    assert held == wanted, f"{account.name} must hold positions {wanted}, held {held}"


def _order_row(order: Order) -> OrderRow:
    ticket, side = order.ticket, "buy" if order.ticket.is_buy else "sell"
    sums = (order.quantity, order.filled, order.quote_filled, ticket.price, ticket.reduce_only, order.time_ms)
    return OrderRow(order.id, ticket.client_id, ticket.product, ticket.symbol, side, order.status, *sums)


def _trade_row(trade: Trade) -> TradeRow:
    ticket, side = trade.order.ticket, "buy" if trade.order.ticket.is_buy else "sell"
    ids = (trade.id, trade.order.id, ticket.client_id)
    money = (trade.price, trade.quantity, trade.fee)
    made = (trade.fee_coin, trade.is_maker, trade.time_ms)
    return TradeRow(*ids, ticket.product, ticket.symbol, side, *money, *made)
