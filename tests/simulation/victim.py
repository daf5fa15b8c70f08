"""One start and a few steps of a real worker process, which kills itself at the n-th place on its way."""

import os
import signal
import sys
from pathlib import Path

from shared.accounts import AccountSettings
from shared.clock import SystemClock
from shared.database import open_writer
from tests.live.fake_market import FakeMarket, still_bars
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK, make_strategy, steady
from tests.live.running import URL
from tests.simulation.death import Places
from tests.simulation.world import ACCOUNT, SPOT, VENUES, settings_of
from worker.brokers.exchange import ExchangeBroker
from worker.exchange.account import CcxtAccount
from worker.exchange.keys import load_keys
from worker.live.worker import LiveWorker
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.orders.lanes import InlineLanes
from worker.strategies.registry import STRATEGIES

BAR_MS = 300_000
BARS = 3
HISTORY = 60
LEVELS = {"BTC/USDT": 60_000.0, "ETH/USDT": 3_000.0}
# A wallet's money is of this kind of account.
VENUE = VENUES["binance spot"]
SETTLE_SECONDS = 14.0


class Execution:
    """Counts places, tells how many there were, and ends the process by SIGKILL at one of them."""

    def __init__(self, number: int) -> None:
        self.seen = 0
        self._number = number

    def __call__(self, place: str) -> None:
        self.seen += 1
        if self.seen == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


def main(root: Path, endpoint: str, first_ms: int, number: int) -> None:
    """Start, step the bars that have closed, wait until every order is settled, and print the places there were."""
    STRATEGIES["steady"] = make_strategy("steady", steady)
    place = f"accounts.{ACCOUNT}.endpoint={endpoint}"
    settings = settings_of(
        VENUE, *NO_DEFAULTS, *PLAIN_RISK, "strategies.steady.grid=[[1.0], [0.5]]", "portfolio.timeframe=5m", place
    )
    clock, engine, execution = SystemClock(), open_writer(URL, root), Execution(number)
    places = Places(execution)
    places.watch(engine)
    account = CcxtAccount(ACCOUNT, AccountSettings.model_validate(settings.account(ACCOUNT)), load_keys(ACCOUNT), clock)
    send = account._wire.transport.send

    def see(*arguments: object, **options: object) -> object:
        places.see("send")
        response = send(*arguments, **options)  # type: ignore[arg-type]
        places.see("answer")
        return response

    account._wire.transport.send = see  # type: ignore[method-assign, assignment]
    account.connect(tuple(SPOT))
    past_ms = first_ms - HISTORY * BAR_MS
    bars = {symbol: still_bars([level] * (HISTORY + BARS), start_ms=past_ms) for symbol, level in LEVELS.items()}
    market = FakeMarket(bars)
    market._first_open_ms = first_ms
    orders = ExchangeOrders(
        settings, Surroundings(engine, clock, {ACCOUNT: account}, InlineLanes, root, lambda *_: True)
    )
    worker = LiveWorker(settings, market, engine, clock, lambda: settings, False, None, ExchangeBroker(), orders)
    worker.recover(False)
    until_ms = clock.monotonic_ms() + round(1000 * SETTLE_SECONDS)
    market.show(BARS - 1)
    worker.answer_commands()
    worker.step_due(lambda: False)
    while orders.desk.under_way and clock.monotonic_ms() < until_ms:
        worker.answer_commands()
        clock.sleep(0.1)
    market.show(BARS)
    worker.step_due(lambda: False)
    worker.answer_commands()
    worker.close()
    print(execution.seen)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
