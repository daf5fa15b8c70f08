"""What an outcome changes in the books of orders: its state by the legal transitions, its trades, each bot's share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection

from shared.enums import OrderStatus, Purpose
from worker.exchange.protocol import ExchangeTrade
from worker.orders.holdings import changes_of, closed_by
from worker.orders.live_order import LiveOrder, Outcome, base_of, exact, whole_units
from worker.orders.shares import share_amount, share_units
from worker.orders.states import is_final, is_legal
from worker.store.live_orders import (
    ShareRow,
    TradeRow,
    known_trades,
    save_filled_shares,
    save_trades,
)
from worker.store.orders import OrderResult, save_order_results
from worker.store.reconciliation import expect


@dataclass(frozen=True, slots=True)
class BotTrade:
    """A bot's share of one trade: positive units and its part of the fee, in the coin it was paid in and in quote.

    `fee_units` is what a fee in the base coin takes of the units.
    """

    bot: int
    units: int
    price: float
    fee: Decimal
    fee_coin: str
    fee_quote: Decimal
    fee_units: int
    trade_id: str
    time_ms: int


@dataclass(slots=True)
class Booked:
    """What an outcome came to: shares to be booked to bots, and sentences of what should not have been."""

    order: LiveOrder
    shares: list[BotTrade] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class OrderBooks:
    """Writes outcomes of orders.

    `bot_ids` are by the bot's index; `step_units` gives the step of (account, symbol); `positions` are those of them
    that are held as positions, not as coins.
    """

    def __init__(
        self,
        portfolio_id: int,
        bot_ids: Sequence[int],
        quote: str,
        step_units: dict[tuple[str, str], int],
        positions: Collection[tuple[str, str]] = (),
    ) -> None:
        self._portfolio_id = portfolio_id
        self._bot_ids = bot_ids
        self._quote = quote
        self._step_units = step_units
        self._positions = positions

    def book(self, connection: Connection, outcome: Outcome, wall_ms: int) -> Booked:
        """Take an outcome over: trades first, then the state they allow."""
        order, booked = outcome.order, Booked(outcome.order)
        if outcome.exchange_id is not None:
            order.exchange_id = outcome.exchange_id
        self._book_trades(connection, outcome, booked)
        self._move(outcome, booked)
        self._save(connection, order, wall_ms)
        return booked

    def _book_trades(self, connection: Connection, outcome: Outcome, booked: Booked) -> None:
        order = outcome.order
        told = {trade.id: trade for trade in outcome.trades if trade.id not in order.trade_ids}
        known = known_trades(connection, self._portfolio_id, order.account, order.symbol, list(told)) if told else set()
        fresh = sorted((trade for id_, trade in told.items() if id_ not in known), key=lambda t: (t.time_ms, t.id))
        rows = [self._book_trade(outcome, trade, booked) for trade in fresh]
        if rows:
            save_trades(connection, self._portfolio_id, rows)
            is_position = (order.account, order.symbol) in self._positions
            for trade in fresh:
                changes = changes_of(trade, self._quote, is_position)
                nobodys = closed_by(trade, is_position) if order.purpose is Purpose.RECONCILE else {}
                expect(connection, self._portfolio_id, order.account, changes, nobodys)
            shares = [ShareRow(order.client_order_id, self._bot_ids[b], 0, units) for b, units in order.filled.items()]
            save_filled_shares(connection, shares)
        order.trade_ids |= told.keys()

    def _book_trade(self, outcome: Outcome, trade: ExchangeTrade, booked: Booked) -> TradeRow:
        order = outcome.order
        units = whole_units(trade.quantity, order.unit)
        fee_quote = self._in_quote(order, trade, outcome.coin_prices)
        left = sum(order.shares.values()) - sum(order.filled.values()) if order.shares else order.left_units
        if units > left:
            booked.faults.append(
                f"trade {trade.id} of {order.client_order_id} must be within the {left} units that were left of "
                f"it, was {units}; the largest bot holds what is beyond"
            )
        if order.shares:
            self._share_out(order, trade, units, fee_quote, booked)
        order.filled_units += units
        order.filled_quote += trade.quantity * trade.price
        order.fee_quote += fee_quote
        return TradeRow(
            order.account,
            order.symbol,
            trade.id,
            trade.exchange_id,
            order.client_order_id,
            trade.side,
            units,
            f"{trade.quantity:f}",
            f"{trade.price:f}",
            f"{trade.fee:f}",
            trade.fee_coin,
            float(fee_quote),
            int(trade.is_maker),
            trade.time_ms,
        )

    def _share_out(
        self, order: LiveOrder, trade: ExchangeTrade, units: int, fee_quote: Decimal, booked: Booked
    ) -> None:
        bots = list(order.shares)
        left = [order.shares[b] - order.filled.get(b, 0) for b in bots]
        given = share_units(units, left, self._step_units[order.account, order.symbol])
        fees, worth = share_amount(trade.fee, given), share_amount(fee_quote, given)
        in_base = share_units(self._base_fee_units(order, trade, booked), given, 1)
        for b, part, fee, quote, taken in zip(bots, given, fees, worth, in_base, strict=True):
            if part:
                order.filled[b] = order.filled.get(b, 0) + part
                price = float(trade.price)
                booked.shares.append(
                    BotTrade(b, part, price, fee, trade.fee_coin, quote, taken, trade.id, trade.time_ms)
                )

    def _base_fee_units(self, order: LiveOrder, trade: ExchangeTrade, booked: Booked) -> int:
        if trade.fee_coin != base_of(order.symbol) or trade.fee <= 0:
            return 0
        try:
            return whole_units(trade.fee, order.unit)
        except ValueError as error:
            booked.faults.append(f"fee of trade {trade.id}: {error}; what is less than a unit is left out")
            return whole_units(trade.fee.quantize(exact(1, order.unit)), order.unit)

    def _in_quote(self, order: LiveOrder, trade: ExchangeTrade, prices: dict[str, Decimal]) -> Decimal:
        if trade.fee_coin == self._quote or not trade.fee:
            return trade.fee
        if trade.fee_coin == base_of(order.symbol):
            return trade.fee * trade.price
        return trade.fee * prices[trade.fee_coin]

    def _move(self, outcome: Outcome, booked: Booked) -> None:
        order = outcome.order
        status = _allowed(order, outcome)
        if status is None or status is order.status:
            return
        if is_legal(order.status, status):
            order.status = status
            order.reason = outcome.text or order.reason
        else:
            booked.faults.append(
                f"order {order.client_order_id} must not go from {order.status} to {status}, was told so by the "
                f"exchange: {outcome.text or 'it said no more'}"
            )

    def _save(self, connection: Connection, order: LiveOrder, wall_ms: int) -> None:
        quantity = order.unit.coins(order.filled_units)
        price = float(order.filled_quote / _coins(order)) if order.filled_units else None
        result = OrderResult(
            order.client_order_id,
            order.status,
            order.filled_units,
            quantity,
            price,
            float(order.fee_quote),
            order.sent_ms or None,
            wall_ms if is_final(order.status) else None,
            order.exchange_id,
            order.reason,
        )
        save_order_results(connection, self._portfolio_id, [result])


def _coins(order: LiveOrder) -> Decimal:
    return Decimal(order.filled_units) * Decimal(order.unit.coins_per_unit) / Decimal(order.unit.units_per_coin)


def _allowed(order: LiveOrder, outcome: Outcome) -> OrderStatus | None:
    """Hold a state that is final back until the trades of the order are all told: they sum to what was filled."""
    status, told = outcome.status, order.filled_units >= outcome.filled_units
    if status in (OrderStatus.FILLED, OrderStatus.CANCELLED) and not told:
        status = OrderStatus.OPEN
    elif status is OrderStatus.FILLED and order.filled_units < order.units:
        # The exchange took less than was asked, and is done with it.
        status = OrderStatus.CANCELLED
    if status is OrderStatus.OPEN and order.filled_units:
        status = OrderStatus.PARTLY_FILLED
    # A look that is older than what is known tells nothing.
    is_behind = status is OrderStatus.OPEN and order.status is OrderStatus.PARTLY_FILLED
    return None if is_behind or (status is OrderStatus.OPEN and is_final(order.status)) else status
