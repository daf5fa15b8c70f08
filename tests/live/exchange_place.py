"""A worker whose orders leave for a scripted account that fills at the prices of the candles: all but the wire."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from shared.clock import ManualClock
from shared.database import open_writer
from shared.enums import Side, Trigger
from shared.settings import Settings
from tests.live.fake_market import STEP_MS, FakeMarket
from tests.live.running import URL, Place
from tests.orders.fake_account import FakeAccount
from worker.brokers.exchange import ExchangeBroker
from worker.exchange.protocol import ExchangeOrder, ExchangeTrade
from worker.live.worker import LiveWorker
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.orders.lanes import InlineLanes
from worker.strategies.bars import Bars

ACCOUNT = "main"
PROTECTIVE = (Trigger.STOP, Trigger.TRAILING_STOP, Trigger.LADDER)


@dataclass
class CandleAccount(FakeAccount):
    """Fills at the open of the bar that runs, moved by the modelled slippage; protective exits at their level."""

    bars: Mapping[str, Bars] = field(default_factory=dict)
    slippage: float = 0.0005
    fee_rate: float = 0.001
    desks: list[Any] = field(default_factory=list)
    # the time of its trades is that of the open, however late the worker woke
    fills_at_opens: bool = True

    def best_prices(self, symbols: Collection[str]) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give the open of the bar that runs, on both sides."""
        return {symbol: (self._open(symbol),) * 2 for symbol in symbols}  # type: ignore[misc]

    def _open(self, symbol: str) -> Decimal:
        bars, now_ms = self.bars[symbol], self.clock.now_ms()
        at = int(np.searchsorted(bars.open_ms, now_ms, "right")) - 1
        return Decimal(repr(float(bars.open[at])))

    def _trade(self, order: ExchangeOrder, quantity: Decimal) -> ExchangeTrade:
        under_way = self.desks[-1].desk.under_way.get(order.client_order_id)
        if under_way is not None and under_way.trigger in PROTECTIVE:
            price = under_way.decided_price
        else:
            moved = 1.0 + self.slippage if order.side is Side.BUY else 1.0 - self.slippage
            price = float(self._open(order.symbol)) * moved
        fee = abs(float(quantity) * price) * self.fee_rate
        number = len(self.executions) + 1
        return ExchangeTrade(
            f"t{number}",
            order.exchange_id,
            order.symbol,
            order.side,
            quantity,
            Decimal(repr(price)),
            Decimal(repr(fee)),
            "USDT",
            self.clock.now_ms() // STEP_MS * STEP_MS if self.fills_at_opens else self.clock.now_ms(),
        )


@dataclass
class ExchangePlace(Place):
    """Where a worker with an account runs."""

    account: CandleAccount | None = None
    is_confirmed: Callable[[Connection, int, str], bool] = lambda *_: True

    @contextmanager
    def open(self, crash_brake: bool = False) -> Iterator[LiveWorker]:
        """Start a worker, and close it afterwards."""
        assert self.account is not None
        engine = open_writer(URL, self.root)
        if self.engine_hook is not None:
            self.engine_hook(engine)
        around = Surroundings(
            engine,
            self.clock,
            {ACCOUNT: self.account},
            InlineLanes,
            self.root,
            self.is_confirmed,
        )
        orders = ExchangeOrders(self.settings, around)
        self.account.desks.append(orders)
        worker = LiveWorker(
            self.settings,
            self.market,
            engine,
            self.clock,
            lambda: self.settings,
            False,
            None,
            ExchangeBroker(),
            orders,
        )
        try:
            worker.recover(crash_brake)
            yield worker
        finally:
            worker.close()

    def walk(self, worker: LiveWorker, bars: int) -> int:
        """Let so many bars close one after the other, two seconds after each the worker steps."""
        made = 0
        for _ in range(bars):
            self.clock.now_ms()
            next_close = (self.clock.now_ms() // STEP_MS + 1) * STEP_MS
            assert isinstance(self.clock, ManualClock)
            self.clock.advance_ms(next_close + 2_000 - self.clock.now_ms())
            made += worker.step_due(lambda: False)
            worker.answer_commands()
        return made


def exchange_place(root: Path, settings: Settings, bars: Mapping[str, Bars]) -> ExchangePlace:
    """Make one; its clock stands at the open of the first bar."""
    start_ms = min(int(own.open_ms[0]) for own in bars.values())
    clock = ManualClock(start_ms)
    market = FakeMarket(bars, clock=clock)
    broker = settings.broker
    account = CandleAccount(clock, bars=bars, slippage=broker.slippage, fee_rate=broker.fee_rate)
    return ExchangePlace(root, settings, market, clock, account=account)
