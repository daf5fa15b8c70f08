"""Orders under way on exchanges: from the rows of a step to orders that leave, and back into the records of a fleet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import transaction
from shared.enums import OrderStatus, OrderStyle, Purpose, Side
from shared.errors import CommandRefused, MarketError
from shared.quantities import Unit
from shared.settings import Settings
from worker.exchange.protocol import AccountClient, ExchangeTrade
from worker.fleet.plan import FleetPlan
from worker.orders.account_notes import AccountNotes
from worker.orders.admission import set_up
from worker.orders.attempts import goes_on, next_order, styles_of
from worker.orders.booking import Booked, OrderBooks
from worker.orders.desk import OrderDesk
from worker.orders.direct_booking import Owners, take_in
from worker.orders.direct_file import direct_file, read_orders
from worker.orders.gateway import LEAVES_WITHIN_MS, Bounds, Gateway, Owner
from worker.orders.ids import is_ours, next_order_id
from worker.orders.lanes import Lanes, Urgency, in_parts
from worker.orders.live_order import REASON_EXPIRED, LiveOrder, Outcome, base_of
from worker.orders.order_book import OrderRow
from worker.orders.order_rows import OrderRows
from worker.orders.ramp import Ramps
from worker.orders.reading import Reading, reading_account
from worker.orders.reconciliation import Difference, Reconciled, Reconciler
from worker.orders.sending import Sender
from worker.risk.position import sign
from worker.risk.quantity import coins
from worker.step.records import Bot, Fleet, Market
from worker.store.accounts import note_account
from worker.store.fleet import RegisteredFleet
from worker.store.live_orders import (
    let_rest,
    load_unfinished,
    note_look,
    restamp,
    save_shares,
    with_shares,
)
from worker.store.orders import OrderResult, save_order_results, save_orders
from worker.store.reconciliation import find_order
from worker.store.state_folder import write_installation


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What orders on exchanges need of the world; `clients` are by the name of their account."""

    engine: Engine
    clock: Clock
    clients: Mapping[str, AccountClient]
    make_lanes: Callable[[Sequence[str]], Lanes]
    state: Path
    is_confirmed: Callable[[Connection, int, str], bool]
    # what a person should know of the accounts at the start
    warnings: tuple[str, ...] = ()


class ExchangeOrders:
    """The orders of a fleet on its accounts, an `UnderWay`."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._taken_up: list[LiveOrder] = []
        self.senders: dict[str, Sender] = {}
        self._notes: list[str] = []

    @property
    def warnings(self) -> Sequence[str]:
        """Give what a person should know of the accounts at the start."""
        return (*self._around.warnings, *self._notes)

    @property
    def arrives_within_ms(self) -> int:
        """Give how long an order may still arrive that was marked SUBMITTED, on the slowest of the exchanges."""
        finalities = [client.finality for client in self._around.clients.values()]
        return LEAVES_WITHIN_MS + max(
            finality.bound_ms if finality.window_ms is None else finality.window_ms for finality in finalities
        )

    def take_up(
        self, connection: Connection, registered: RegisteredFleet, plan: FleetPlan, fleet: Fleet, token: int
    ) -> None:
        """Take up the orders whose fate is not final; an intention that has grown old is cancelled."""
        around, settings = self._around, self._settings
        self._plan, self._token, self._portfolio_id = plan, token, registered.portfolio_id
        self._installation = registered.installation
        self._bot_ids = [bot.id for bot in registered.bots]
        units = [Unit(market.coins_per_unit, market.units_per_coin) for market in fleet.markets]
        steps = {key: market.step_units for key, market in zip(plan.markets, fleet.markets, strict=True)}
        self._books = OrderBooks(
            self._portfolio_id, self._bot_ids, settings.portfolio.quote, steps, positions_of(settings, plan)
        )
        owner = Owner(registered.portfolio_id, tuple((bot.id, bot.sleeve_id) for bot in registered.bots))
        self._gateway = Gateway(around.engine, owner, bounds_of(settings), around.state, around.clock)
        self._styles = styles_of(settings)
        styles, bar_ms = self._styles, settings.step_ms
        self._rows = OrderRows(plan, units, self._bot_ids, token, styles.kind, styles.rests_ms, bar_ms, around.clock)
        self._ramps = Ramps(registered.portfolio_id, around.clock)
        accounts = tuple(dict.fromkeys(account for account, _ in plan.markets))
        for account in accounts:
            is_confirmed = around.is_confirmed(connection, registered.portfolio_id, account)
            client = around.clients[account]
            self.senders[account] = Sender(
                client, self._gateway, settings.portfolio.quote, around.clock, is_confirmed, self._styles
            )
            note_account(connection, registered.portfolio_id, account)
            self._take_ramp(connection, account)
        self._accounts = AccountNotes(registered.portfolio_id, self.senders)
        self._keep_installation()
        lanes = around.make_lanes(accounts)
        symbols = {name: [symbol for account, symbol in plan.markets if account == name] for name in accounts}
        self.reconciler = Reconciler(
            registered.portfolio_id,
            registered.installation,
            settings.portfolio.quote,
            symbols,
            round(1000 * settings.broker.reconcile_seconds),
            around.clock,
        )
        alarm_ms = round(1000 * settings.broker.alarm)
        self.desk = OrderDesk(self.senders, lanes, around.clock, alarm_ms, self.reconciler.agrees)
        self._lanes = lanes
        self._take_in_direct(connection, fleet)
        self._taken_up = [
            order
            for stored in load_unfinished(connection, self._portfolio_id)
            if (order := self._rows.taken_up(stored))
        ]
        for order in self._taken_up:
            self._take_up_order(connection, order)

    def resume(self) -> None:
        """Set each account up, and go on with what was taken up. Raises ConfigurationError for what cannot be set."""
        for account, sender in self.senders.items():
            symbols = [symbol for name, symbol in self._plan.markets if name == account]
            self._lanes.ask(account, partial(set_up, sender.client, self._settings, symbols))
        self.desk.put([order for order in self._taken_up if not order.is_over])
        self._taken_up = []

    def mark(self, fleet: Fleet) -> None:
        """Put into the records what is under way."""
        for market, key in zip(fleet.markets, self._plan.markets, strict=True):
            market.differs = int(key in self.reconciler.differing)
        for account, name in zip(fleet.accounts, self._plan.accounts, strict=True):
            account.most = self._ramps.most(self._settings, name)
        for bot in fleet.bots:
            bot.unresolved, bot.reserved, bot.exit_units = 0, 0.0, 0
        for order in self.desk.under_way.values():
            direction = 1 if order.side is Side.BUY else -1
            for b, units in order.shares.items():
                bot = fleet.bots[b]
                _mark(bot, fleet.markets[bot.market], order, direction * (units - order.filled.get(b, 0)))

    def look(self, fleet: Fleet) -> Sequence[float]:
        """Give the middles where something crosses; an account that does not answer gives none.

        Where nothing does, prices are asked meanwhile: what is to leave wants them.
        """
        ordering = {bot.market for bot in fleet.bots if bot.order_units != 0}
        crossing = {self._plan.markets[bot.market][0] for bot in fleet.bots if bot.crossed_units != 0}
        wanted: dict[str, list[str]] = {}
        for m, (account, symbol) in enumerate(self._plan.markets):
            if fleet.markets[m].order_units != 0 or m in ordering:
                wanted.setdefault(account, []).append(symbol)
        mids = [0.0] * len(fleet.markets)
        for account, symbols in wanted.items():
            sender = self.senders[account]
            if account not in crossing:
                self._lanes.put(account, Urgency.EXIT, partial(sender.look_ahead, symbols))
                continue
            try:
                found = self._lanes.ask(account, partial(sender.best_prices, symbols))
            except MarketError:
                continue
            for symbol, (bid, ask) in found.items():
                mids[self._plan.markets.index((account, symbol))] = float((bid + ask) / 2)
        return mids

    def save(self, connection: Connection, orders: Sequence[OrderRow]) -> None:
        """Keep each bot's part of new orders, and how long they may rest."""
        save_shares(connection, [row for order in orders for row in self._rows.parts(order)])
        ids = [order.client_order_id for order in orders]
        restamp(connection, ids, self._token)
        if resting := self._rows.let_rest(orders):
            style = OrderStyle[self._styles.kind.name]
            let_rest(connection, [order.client_order_id for order in resting], style, resting[0].rests_until_ms)

    def leave(self, orders: Sequence[OrderRow]) -> None:
        """Let orders leave."""
        own = [order for order in orders if order.shares or order.purpose is Purpose.RECONCILE]
        self.desk.put([self._rows.live(order) for order in own])

    def tend(self, timeout_seconds: float = 0.0) -> list[Outcome]:
        """Ask what is due and give what became known."""
        for account in self.reconciler.due():
            with transaction(self._around.engine) as connection:
                question = self.reconciler.question(connection, account, self.desk.sent[account])
            parts = reading_account(self._around.clients[account], question, self._around.clock)
            self._lanes.put(account, Urgency.READ, in_parts(Urgency.READ, parts))
        outcomes = self.desk.tend(timeout_seconds)
        for outcome in outcomes:
            if outcome.status is OrderStatus.UNKNOWN:
                self.reconciler.hurry(outcome.order.account)
        return outcomes

    def readings(self) -> list[Reading]:
        """Give what passes have found since."""
        found, self.desk.others = self.desk.others, []
        return [item for item in found if isinstance(item, Reading)]

    def reconcile(self, connection: Connection, reading: Reading) -> Reconciled:
        """Hold the books to what a pass found; open orders that nobody intended are cancelled."""
        account, question = reading.question.account, reading.question
        reconciled = self.reconciler.take(connection, reading, self.desk.is_quiet(account, question.sent))
        client = self._around.clients[account]
        for order in reconciled.cancels:
            cancel = partial(client.cancel, order.symbol, order.client_order_id, order.exchange_id)
            self._lanes.put(account, Urgency.EXIT, cancel)
        return reconciled

    def find_difference(self, connection: Connection, symbol: str, account: str) -> Difference:
        """Give what differs of a symbol or coin."""
        found = self.reconciler.find(connection, symbol, account)
        for order in self.desk.under_way.values():
            is_of_it = order.account == found.account and found.coin in (order.symbol, base_of(order.symbol))
            if order.purpose is Purpose.RECONCILE and is_of_it:
                raise CommandRefused(f"order {order.client_order_id}, which closes it, is on its way: wait for it")
        return found

    def explain(self, connection: Connection, found: Difference, amount: Decimal) -> None:
        """Let so much of a difference be accounted for by a person's word."""
        self.reconciler.explain(connection, found, amount)

    def late(self, client_order_id: str, trades: Sequence[ExchangeTrade]) -> Outcome | None:
        """Make trades that a pass found an outcome of their order."""
        order = self.desk.under_way.get(client_order_id)
        if order is None:
            with transaction(self._around.engine) as connection:
                row = find_order(connection, self._portfolio_id, client_order_id)
                order = (
                    self._rows.taken_up(with_shares(connection, self._portfolio_id, row)) if row is not None else None
                )
        if order is None:
            return None
        price = partial(self.senders[order.account].coin_prices, order, trades)
        prices = self._lanes.ask(order.account, price)
        return Outcome(order, None, trades, exchange_id=trades[0].exchange_id, coin_prices=prices)

    def book(self, connection: Connection, outcome: Outcome) -> Booked:
        """Write an outcome into the books of orders."""
        now_ms, order = self._around.clock.now_ms(), outcome.order
        booked = self._books.book(connection, outcome, now_ms)
        if order.status is OrderStatus.UNKNOWN:
            look_ms = now_ms + self.desk.pause_ms(order)
            note_look(connection, self._portfolio_id, order.client_order_id, order.looks, look_ms)
        return booked

    def took(self, outcome: Outcome) -> None:
        """Go on from an outcome."""
        self.desk.took(outcome)

    def next_attempt(self, connection: Connection, outcome: Outcome, fleet: Fleet) -> LiveOrder | None:
        """Intend the order that goes on with what one left that rested."""
        before = outcome.order
        if not goes_on(outcome):
            return None
        name = next_order_id(self._installation, before.client_order_id, before.attempt + 1)
        busy = self.desk.busy_bots(before)
        order = next_order(before, name, self._styles, fleet, busy, self._around.clock.monotonic_ms())
        if order is not None:
            save_orders(connection, self._portfolio_id, [self._rows.stored(order)])
            save_shares(connection, self._rows.parts(order))
        return order

    def go_on(self, order: LiveOrder) -> None:
        """Let an order leave that goes on with another."""
        self.desk.put([order])

    def is_leaving(self, client_order_ids: Sequence[str]) -> bool:
        """Say whether any of these orders has not been answered for yet."""
        waiting = (OrderStatus.INTENT, OrderStatus.SUBMITTED, OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)
        own = [order for id_ in client_order_ids if (order := self.desk.under_way.get(id_)) is not None]
        return any(order.status in waiting and not order.is_resting for order in own)

    def overdue(self) -> list[LiveOrder]:
        """Give the orders of which nothing has been known for too long, each once."""
        return self.desk.overdue()

    def confirm(self, connection: Connection) -> None:
        """Take in that a person says that the first orders look right."""
        self._accounts.confirm(connection)

    def in_force(self, settings: Settings) -> Settings:
        """Give settings with the share of its limit that each account really uses."""
        return self._ramps.in_force(settings)

    def refuse_ramp(self, account: str, share: float) -> str:
        """Say why an account may not use so much of its limit; nothing where it may."""
        if account not in self.senders:
            return ""
        with transaction(self._around.engine) as connection:
            return self._ramps.refusal(connection, account, share)

    def take_over(self, connection: Connection, settings: Settings) -> None:
        """Take over settings that changed while running: how orders are sent, and the share of limits in use."""
        self._settings, self._styles = settings, styles_of(settings)
        self._gateway.bounds = bounds_of(settings)
        self._rows = replace(self._rows, kind=self._styles.kind, rests_ms=self._styles.rests_ms)
        for account, sender in self.senders.items():
            sender.styles = self._styles
            self._take_ramp(connection, account)

    def _take_ramp(self, connection: Connection, account: str) -> None:
        if said := self._ramps.take(connection, account, self._settings.account(account).ramp):
            self._notes.append(said)

    @property
    def is_told_to_wait(self) -> bool:
        """Say whether an exchange wants silence for longer than was kept."""
        return self._accounts.is_told_to_wait

    def keep(self, connection: Connection) -> None:
        """Keep what is known of the accounts: what a restart must know, and what people look at."""
        self._accounts.keep(connection)

    def close(self) -> None:
        """Ask nothing more."""
        if self.senders:
            self.desk.close()
        for client in self._around.clients.values():
            client.close()

    def _keep_installation(self) -> None:
        """Keep what break glass knows own orders by; a disk that is full keeps nobody from trading."""
        try:
            write_installation(self._around.state, self._settings.portfolio.name, self._installation)
        except OSError as error:
            said = (
                f"the installation id must be kept in the state folder, for flatten --direct, was not: {error.strerror}"
            )
            self._notes.append(said)

    def _take_in_direct(self, connection: Connection, fleet: Fleet) -> None:
        """Book what was sent while there was no worker."""
        file = direct_file(self._around.state, self._settings.portfolio.name)
        owners = Owners(self._portfolio_id, self._bot_ids, self._plan, fleet, self._token)
        sent = [order for order in read_orders(file) if is_ours(order.client_order_id, self._installation)]
        self._notes += take_in(connection, owners, sent)

    def _take_up_order(self, connection: Connection, order: LiveOrder) -> None:
        clock, fresh_ms = self._around.clock, bounds_of(self._settings).fresh_ms
        if order.status is OrderStatus.INTENT:
            if clock.monotonic_ms() - order.intended_ms <= fresh_ms:
                restamp(connection, [order.client_order_id], self._token)
                return
            order.status, order.reason = OrderStatus.CANCELLED, REASON_EXPIRED
        elif order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
            # Whether it left, and arrived, only the exchange knows. It is looked up at once.
            order.status, order.unknown_since_ms = OrderStatus.UNKNOWN, clock.monotonic_ms()
            note_look(connection, self._portfolio_id, order.client_order_id, 0, clock.now_ms())
        done_ms = clock.now_ms() if order.is_over else None
        result = OrderResult(
            order.client_order_id,
            order.status,
            order.filled_units,
            reason=order.reason,
            done_ms=done_ms,
        )
        save_order_results(connection, self._portfolio_id, [result])


def positions_of(settings: Settings, plan: FleetPlan) -> frozenset[tuple[str, str]]:
    """Give the (account, symbol) that are held as positions, not as coins."""
    kinds = {account: settings.account(account).type for account, _ in plan.markets}
    return frozenset((account, symbol) for account, symbol in plan.markets if kinds[account] == "swap" or ":" in symbol)


def bounds_of(settings: Settings) -> Bounds:
    """Give what stops a runaway, and how long an intention is good for: a quarter of a bar, where that is longer."""
    broker, risk = settings.broker, settings.risk
    return Bounds(
        max(round(1000 * broker.intent_seconds), settings.step_ms // 4),
        risk.max_order_notional,
        risk.max_orders_per_minute,
        risk.max_orders_per_day,
        broker.first_orders,
    )


def _mark(bot: Bot, market: Market, order: LiveOrder, left: int) -> None:
    """Say of a bot what an order may still do: what reduces is under way, what increases is not resolved."""
    if left == 0:
        return
    bot.unresolved = 1
    reducing = bot.units != 0 and sign(left) != sign(bot.units)
    if reducing and not order.increases:
        bot.exit_units += left
        bot.exit_trigger = int(order.trigger)
        bot.exit_price = order.reference_price or market.close
    else:
        bot.reserved += coins(market, abs(left)) * market.close
