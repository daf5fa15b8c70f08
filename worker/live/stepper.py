"""One live step: the closed bar and the signals in, a decision, orders, fills and rows out. No database, no waiting.

It walks the same functions as the backtest: B to I of the bar that closed, then A of the next where its first price is
known already; else the orders wait and A comes before the next bar's B.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from shared.enums import BarStatus, Level, OrderStyle, Side, Trigger
from shared.quantities import Unit
from worker.brokers.paper import NO_PRICE
from worker.brokers.protocol import Broker
from worker.fleet.plan import FleetPlan
from worker.live.windows import Feed
from worker.market.patience import patience_of
from worker.market.protocol import FinestBars
from worker.orders.booking import Booked
from worker.orders.live_order import whole_units
from worker.orders.order_book import OrderBook, OrderRow
from worker.step.journal import Fill, Notice
from worker.step.net import net
from worker.step.records import Bot, Fleet
from worker.step.share import book_share
from worker.step.step import ask_exits, close_bar
from worker.step.withdraw import ask_close, order_closes, withdraw_orders, write_off
from worker.strategies.bars import Bars


@dataclass(frozen=True, slots=True)
class FundingRow:
    """One settlement of a bot's position; `amount` is what it cost the bot."""

    bot: int
    time_ms: int
    quantity: float
    price: float
    rate: float
    amount: float


@dataclass(slots=True)
class StepRows:
    """Everything a step leaves for the books; bots, sleeves and markets by their index."""

    step: int = 0
    open_ms: int = 0
    close_ms: int = 0
    fills: list[Fill] = field(default_factory=list)
    new_orders: list[OrderRow] = field(default_factory=list)
    settled_orders: list[OrderRow] = field(default_factory=list)
    order_of_fill: list[str | None] = field(default_factory=list)
    # the exchange's trade of each fill, where there is one
    trade_of_fill: list[str] = field(default_factory=list)
    funding: list[FundingRow] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    flows: dict[int, float] = field(default_factory=dict)
    portfolio_flow: float = 0.0
    rebalanced: bool = False
    statuses: dict[str, BarStatus] = field(default_factory=dict)


class Stepper:
    """Steps a fleet in its plain form, one closed bar at a time."""

    def __init__(self, fleet: Fleet, plan: FleetPlan, portfolio: str, installation: str, broker: Broker) -> None:
        self.fleet = fleet
        self.plan = plan
        self.broker = broker
        self.orders = OrderBook(portfolio, installation, plan, broker.keeps_shares)
        # The middles of the best bid and ask by market, looked at just before orders are made.
        self.mids: Sequence[float] = ()
        # Symbols that the market does not have (any more): nothing of them is sold at a price that stands.
        self.untraded: frozenset[str] = frozenset()
        self._step_ms = fleet.rules.step_ms

    def load_bar(self, feed: Feed, statuses: Mapping[str, BarStatus], funding: Mapping[str, float]) -> None:
        """Put the newest bar of every window into the markets' records."""
        for market, symbol in zip(self.fleet.markets, self.plan.series, strict=True):
            market.open, market.high, market.low, market.close = feed.window(symbol).last
            market.status = int(statuses[symbol])
            if statuses[symbol] is not BarStatus.MISSING:
                market.price_ms = feed.window(symbol).newest_ms + self._step_ms
            market.funding_rate = funding.get(symbol, 0.0)

    def ask_exits(self, open_ms: int) -> StepRows:
        """Take the closed bar in as far as protective exits go, and give the orders they ask for; `close` goes on."""
        rows = StepRows(open_ms=open_ms, close_ms=open_ms + self._step_ms)
        if self.fleet.rules.asks_exits == 0 or self.fleet.portfolio.begun == 1:
            return rows
        before = [bot.exit_units for bot in self.fleet.bots]
        ask_exits(self.fleet, open_ms)
        self.fleet.portfolio.begun = 1
        rows.step = self.fleet.portfolio.step
        for b, (bot, units) in enumerate(zip(self.fleet.bots, before, strict=True)):
            if bot.exit_units != units:
                rows.new_orders.append(self.orders.asked_exit(self.fleet, b, rows.close_ms))
        return rows

    def resting(self) -> frozenset[str]:
        """Name the symbols of which orders rest in the bar to come."""
        if self.fleet.rules.order_style != OrderStyle.MAKER:
            return frozenset()
        return frozenset(self.plan.series[bot.market] for bot in self.fleet.bots if bot.order_units != 0)

    def load_patience(self, finest: Mapping[str, FinestBars], patience_ms: int) -> None:
        """Put what the newest bar did while orders rested into the records of their markets."""
        for market, symbol in zip(self.fleet.markets, self.plan.series, strict=True):
            if symbol in finest:
                open_ms, prices = market.price_ms - self._step_ms, (market.open, market.high, market.low, market.close)
                bar = Bars(np.array([open_ms]), *np.array([[price] for price in (*prices, 0.0)]))
                rested = patience_of(bar, finest[symbol], self._step_ms, patience_ms)
                market.patience_low, market.patience_high, market.patience_close = (float(one[0]) for one in rested)

    def close(self, open_ms: int) -> StepRows:
        """Fill what still waits at the bar's open, then take the closed bar in and decide; the signals must be set."""
        rows = StepRows(open_ms=open_ms, close_ms=open_ms + self._step_ms)
        self._start_journal()
        self.broker.begin(self.fleet, open_ms)
        self._settle(rows, open_ms)
        self._start_journal()
        paid = [bot.funding_paid for bot in self.fleet.bots]
        cash = self.fleet.portfolio.cash
        close_bar(self.fleet, open_ms)
        self.fleet.portfolio.begun = 0
        rows.step = self.fleet.portfolio.step
        self._take_exits(rows)
        self._take_funding(rows, paid)
        rows.notices = [copy_of(notice) for notice in self.fleet.notices[: self.fleet.journal.notices]]
        rows.rebalanced = self.fleet.portfolio.rebalanced == 1
        if rows.rebalanced:
            rows.flows = {b: bot.flow for b, bot in enumerate(self.fleet.bots) if bot.flow != 0.0}
            rows.portfolio_flow = self.fleet.portfolio.cash - cash
        return rows

    def withdraw(self) -> None:
        """Take back what a level that rose since the decision forbids."""
        withdraw_orders(self.fleet)

    def resume(self, waiting: Sequence[OrderRow]) -> StepRows:
        """Let the orders that wait as the books have them wait on; a bot that now retires does not enter any more."""
        portfolio = self.fleet.portfolio
        rows = StepRows(step=portfolio.step, open_ms=portfolio.time_ms, close_ms=portfolio.time_ms + self._step_ms)
        if any(bot.retiring == 1 and bot.order_units != 0 for bot in self.fleet.bots):
            self.withdraw()
        if portfolio.time_ms:
            self._intend_again(waiting, rows, "no longer wanted after a restart")
        return rows

    def take_back(self, time_ms: int) -> StepRows:
        """Take back what a level that rose forbids of the orders that wait for their price."""
        return self._take_back(time_ms, self.withdraw, "taken back: a level rose")

    def ask_close(self, b: int, time_ms: int) -> StepRows:
        """Let the next step close a bot's position; what waits for its price and would increase it is taken back."""
        return self._take_back(time_ms, lambda: ask_close(self.fleet, b), "taken back: the position is to be closed")

    def _take_back(self, time_ms: int, withdraw: Callable[[], None], why: str) -> StepRows:
        portfolio = self.fleet.portfolio
        rows = StepRows(step=portfolio.step, open_ms=portfolio.time_ms, close_ms=time_ms)
        were_waiting = any(bot.order_units != 0 for bot in self.fleet.bots)
        withdraw()
        if were_waiting:
            self._intend_again(self.orders.waiting, rows, why)
        return rows

    def send(self, rows: StepRows, opens: Mapping[str, float]) -> None:
        """Send the orders; where the next bar's first price is known for all of them, they are filled at once.

        Those that rest fill within that bar, so they wait until it has closed.
        """
        rows.new_orders += self.orders.intend(self.fleet, rows.close_ms)
        style = self.fleet.rules.order_style
        wanted = {self.plan.series[bot.market] for bot in self.fleet.bots if bot.order_units != 0}
        known = [opens.get(symbol, NO_PRICE) for symbol in self.plan.series]
        is_known = wanted <= opens.keys() and style != OrderStyle.MAKER
        self._intend_at(known if is_known else None, rows, rows.close_ms, style)

    def close_positions(self, time_ms: int) -> StepRows:
        """Close at the last price whatever stands at FLATTEN, as a step of its own between bars."""
        rows = StepRows(open_ms=self.fleet.portfolio.time_ms, close_ms=time_ms)
        kept = [(bot, bot.order_units, bot.order_trigger) for bot in self.fleet.bots if bot.order_units != 0]
        waiting, self.orders.waiting = self.orders.waiting, []
        order_closes(self.fleet)
        rows.step = self.fleet.portfolio.step
        rows.new_orders += self.orders.intend(self.fleet, time_ms, number=1)
        self._intend_at(self._last_prices(), rows, time_ms, OrderStyle.MARKET.value)
        self._restore(kept, waiting, rows)
        self._go_on_after()
        return rows

    def _go_on_after(self) -> None:
        """Let a step whose exits have left go on under a number of its own: this one is in the books now."""
        self.fleet.portfolio.step += self.fleet.portfolio.begun

    def write_off(self, b: int, price: float, time_ms: int) -> StepRows:
        """Book all that a bot holds as gone at a price, as a step of its own between bars; no order is made for it."""
        rows = StepRows(open_ms=self.fleet.portfolio.time_ms, close_ms=time_ms)
        waiting, self.orders.waiting = self.orders.waiting, []
        self._start_journal()
        write_off(self.fleet, b, price, time_ms)
        rows.step = self.fleet.portfolio.step
        rows.fills = self._take_fills()
        rows.order_of_fill = [None for _ in rows.fills]
        if waiting:
            self._intend_again(waiting, rows, "netted again after a write-off")
        self._go_on_after()
        return rows

    def _last_prices(self) -> list[float]:
        markets = zip(self.fleet.markets, self.plan.series, strict=True)
        return [NO_PRICE if symbol in self.untraded else market.close for market, symbol in markets]

    def _intend_at(self, prices: Sequence[float] | None, rows: StepRows, time_ms: int, style: int) -> None:
        """Hand the orders to the broker; what fills at once is settled, what crossed in house is booked."""
        self._start_journal()
        if self.broker.intend(self.fleet, prices, self.mids, time_ms, style):
            self._settle(rows, time_ms)
        else:
            self._take_shares(rows, None, "")

    def _restore(self, kept: Sequence[tuple[Bot, int, int]], waiting: list[OrderRow], rows: StepRows) -> None:
        """Let the orders of the other bots wait on, netted without those that were closed."""
        for bot, units, trigger in kept:
            if bot.level < Level.FLATTEN:
                bot.order_units, bot.order_trigger, bot.ordered = units, trigger, 1
        if kept:
            net(self.fleet)
            self._intend_again(waiting, rows, "netted again after a flatten")

    def _intend_again(self, waiting: Sequence[OrderRow], rows: StepRows, why: str) -> None:
        """Make the orders that wait anew; a restart names them by the close of the last bar, so this does too."""
        self.orders.intend(self.fleet, self.fleet.portfolio.time_ms + self._step_ms)
        new, changed = self.orders.revise(waiting, why, rows.close_ms)
        rows.new_orders += new
        rows.settled_orders += changed

    def _start_journal(self) -> None:
        self.fleet.journal.fills = self.fleet.journal.notices = 0

    def _take_fills(self) -> list[Fill]:
        return [copy_of(fill) for fill in self.fleet.fills[: self.fleet.journal.fills]]

    def _settle(self, rows: StepRows, time_ms: int) -> None:
        fills = self._take_fills()
        settled = self.orders.settle(self.fleet, fills, time_ms)
        rows.settled_orders += settled
        rows.fills += fills
        rows.order_of_fill += [self.orders.order_of(fill, settled) for fill in fills]

    def _take_shares(self, rows: StepRows, client_order_id: str | None, trade_id: str) -> None:
        fills = self._take_fills()
        rows.fills += fills
        rows.order_of_fill += [client_order_id for _ in fills]
        rows.trade_of_fill += [trade_id for _ in fills]

    def book_trades(self, booked: Booked, time_ms: int) -> StepRows:
        """Book bots' shares of what an exchange executed of one order."""
        portfolio, order = self.fleet.portfolio, booked.order
        rows = StepRows(step=portfolio.step, open_ms=portfolio.time_ms, close_ms=time_ms)
        sign = 1 if order.side is Side.BUY else -1
        for share in booked.shares:
            self._start_journal()
            fee = 0.0 if share.fee_units else float(share.fee_quote)
            units, trigger = sign * share.units, int(order.trigger)
            book_share(self.fleet, share.bot, units, share.price, fee, share.time_ms, trigger, share.fee_units)
            self._take_shares(rows, order.client_order_id, share.trade_id)
        return rows

    def adopt(self, b: int, quantity: Decimal, time_ms: int) -> StepRows:
        """Give a bot what was found on its account, as though traded at the last price without cost."""
        portfolio, bot = self.fleet.portfolio, self.fleet.bots[b]
        market = self.fleet.markets[bot.market]
        rows = StepRows(step=portfolio.step, open_ms=portfolio.time_ms, close_ms=time_ms)
        units = whole_units(quantity, Unit(market.coins_per_unit, market.units_per_coin))
        self._start_journal()
        book_share(self.fleet, b, units, market.close, 0.0, time_ms, Trigger.ADOPT.value)
        self._take_shares(rows, None, "")
        return rows

    def _take_exits(self, rows: StepRows) -> None:
        for number, fill in enumerate(self._take_fills()):
            order = self.orders.exit(self.fleet, fill, number)
            rows.fills.append(fill)
            rows.new_orders.append(order)
            rows.order_of_fill.append(order.client_order_id)

    def _take_funding(self, rows: StepRows, paid_before: Sequence[float]) -> None:
        for b, (bot, before) in enumerate(zip(self.fleet.bots, paid_before, strict=True)):
            if bot.funding_paid != before:
                market = self.fleet.markets[bot.market]
                amount = bot.funding_paid - before
                rows.funding.append(
                    FundingRow(b, rows.close_ms, bot.quantity, market.close, market.funding_rate, amount)
                )


def copy_of(record):  # noqa: ANN001, ANN201 - any record of the journal
    """Copy a record of the journal, which the next step writes over."""
    return type(record)(*(getattr(record, name) for name in record.__dataclass_fields__))
