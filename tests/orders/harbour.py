"""Books, a desk and an account that does as scripted: what tests of orders begin with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Engine, select

from shared.clock import ManualClock
from shared.database import open_writer, transaction
from shared.enums import Level, OrderStatus, Purpose, Side, Trigger
from shared.migrations.upgrade import upgrade
from shared.quantities import Unit
from shared.tables import Order, OrderShare, Trade
from tests.orders.fake_account import FakeAccount
from tests.store.fleets import START_MS, Books, open_books
from worker.exchange.protocol import OrderKind
from worker.orders.booking import Booked, OrderBooks
from worker.orders.desk import OrderDesk
from worker.orders.gateway import Bounds, Gateway, Owner
from worker.orders.lanes import InlineLanes
from worker.orders.live_order import LiveOrder
from worker.orders.sending import Sender
from worker.store import lease
from worker.store.live_orders import ShareRow, save_shares
from worker.store.orders import OrderRow, save_orders
from worker.store.rows import table_of
from worker.store.states import save_states

SYMBOL = "C0/USDT"
UNIT = Unit()
BOUNDS = Bounds(
    fresh_ms=30_000, max_order_notional=None, max_orders_per_minute=100, max_orders_per_day=1_000, first_orders=1_000
)
ALARM_MS = 60_000
ORDER, TRADE, SHARE = table_of(Order).c, table_of(Trade).c, table_of(OrderShare).c
ME = replace(lease.this_process())


@dataclass
class Harbour:
    """One account, its desk, and books whose first three bots share orders."""

    engine: Engine
    clock: ManualClock
    account: FakeAccount
    desk: OrderDesk
    books: OrderBooks
    portfolio_id: int
    bot_ids: list[int]
    token: int
    agrees: list[bool]
    state: Path
    opened: Books
    booked: list[Booked] = field(default_factory=list)
    number: int = 0

    def order(self, shares: dict[int, int], **changes: object) -> LiveOrder:
        """Intend an order of so many units per bot, committed; they buy and increase unless told otherwise."""
        self.number += 1
        order = LiveOrder(
            client_order_id=f"wabcd{self.number:013d}",
            account="main",
            symbol=SYMBOL,
            side=Side.BUY,
            units=sum(shares.values()),
            unit=UNIT,
            purpose=Purpose.NET,
            trigger=Trigger.SIGNAL,
            kind=OrderKind.MARKET,
            step=1,
            fencing=self.token,
            increases=True,
            reduce_only=False,
            shares=shares,
            intended_ms=self.clock.monotonic_ms(),
        )
        for name, value in changes.items():
            setattr(order, name, value)
        self._commit(order)
        return order

    def _commit(self, order: LiveOrder) -> None:
        row = OrderRow(
            order.client_order_id,
            order.account,
            order.symbol,
            order.side,
            order.units,
            float(order.quantity),
            order.trigger,
            order.step,
            START_MS,
            fencing=order.fencing,
            increases=int(order.increases),
        )
        shares = [ShareRow(order.client_order_id, self.bot_ids[b], units) for b, units in order.shares.items()]
        with transaction(self.engine) as connection:
            save_orders(connection, self.portfolio_id, [row])
            save_shares(connection, shares)

    def set_level(self, level: Level) -> None:
        """Latch a level of the portfolio in the tables, as a step that tripped a brake does."""
        opened = self.opened
        opened.portfolio.level_drawdown = int(level)
        with transaction(self.engine) as connection:
            save_states(
                connection,
                opened.fleet,
                opened.portfolio,
                opened.sleeves,
                opened.bots,
                opened.market_keys,
                opened.markets,
            )

    def tend(self) -> list[Booked]:
        """Take over what became known."""
        found = []
        for outcome in self.desk.tend():
            with transaction(self.engine) as connection:
                found.append(self.books.book(connection, outcome, self.clock.now_ms()))
            self.desk.took(outcome)
        self.booked += found
        return found

    def run(self, seconds: float, every: float = 0.5) -> None:
        """Let time pass and tend."""
        until_ms = self.clock.monotonic_ms() + round(1000 * seconds)
        while self.clock.monotonic_ms() < until_ms:
            self.tend()
            self.clock.sleep(every)
        self.tend()

    def status(self, order: LiveOrder) -> OrderStatus:
        """Give the status the books have."""
        with transaction(self.engine) as connection:
            asked = select(ORDER.status).where(ORDER.client_order_id == order.client_order_id)
            return OrderStatus[connection.execute(asked).scalar_one()]

    def reason(self, order: LiveOrder) -> str | None:
        """Give the reason the books have."""
        with transaction(self.engine) as connection:
            asked = select(ORDER.reason).where(ORDER.client_order_id == order.client_order_id)
            return connection.execute(asked).scalar_one()

    def trades(self) -> Sequence[tuple[str, int]]:
        """Give the trades the books have, with their units."""
        with transaction(self.engine) as connection:
            return [
                (id_, units)
                for id_, units in connection.execute(select(TRADE.trade_id, TRADE.units).order_by(TRADE.id))
            ]

    def filled_shares(self, order: LiveOrder) -> dict[int, int]:
        """Give what each bot got, by index, as the books have it."""
        with transaction(self.engine) as connection:
            asked = select(SHARE.bot_id, SHARE.filled_units).where(SHARE.client_order_id == order.client_order_id)
            return {self.bot_ids.index(bot_id): units for bot_id, units in connection.execute(asked)}


@contextmanager
def open_harbour(folder: Path, bounds: Bounds = BOUNDS) -> Iterator[Harbour]:
    """Make one in a folder of its own."""
    url = f"sqlite:///{folder}/orders.db"
    upgrade(url)
    engine, clock = open_writer(url), ManualClock(START_MS)
    with transaction(engine) as connection:
        opened = open_books(connection)
        fleet = opened.fleet
        token = lease.acquire(connection, fleet.portfolio_id, ME, clock.now_ms())
    account, agrees = FakeAccount(clock), [True]
    owner = Owner(fleet.portfolio_id, tuple((bot.id, bot.sleeve_id) for bot in fleet.bots))
    gateway = Gateway(engine, owner, bounds, folder, clock)
    senders = {"main": Sender(account, gateway, "USDT", clock, is_confirmed=False)}
    desk = OrderDesk(senders, InlineLanes(["main"]), clock, ALARM_MS, lambda *_: agrees[0])
    bot_ids = [bot.id for bot in fleet.bots]
    books = OrderBooks(fleet.portfolio_id, bot_ids, "USDT", {("main", SYMBOL): 100_000})
    yield Harbour(engine, clock, account, desk, books, fleet.portfolio_id, bot_ids, token, agrees, folder, opened)
    desk.close()
    engine.dispose()
