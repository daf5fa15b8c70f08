"""The local exchange of the bench of live orders, also as a process: `python -m tests.bench.order_exchange SYMBOLS`.

Each line it is given is a time to leap, in milliseconds; it answers with an empty one.
"""

import sys
from decimal import Decimal

from shared.clock import Clock, SystemClock
from tests.exchange.engine import Exchange
from tests.exchange.listings import Listing
from tests.exchange.server import Server

ACCOUNT = "main"
MONEY = "1000000"


def symbols_of(count: int) -> dict[str, str]:
    """Name symbols, each with the exchange's name of it."""
    return {f"C{number:02d}/USDT": f"C{number:02d}USDT" for number in range(count)}


class LeapingClock(SystemClock):
    """The time of this machine, which leaps from bar to bar: between two of them nothing is to be measured."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.ahead_ms

    def leap(self, by_ms: int) -> None:
        """Leap ahead."""
        self.ahead_ms += by_ms


def make_exchange(symbols: int, clock: Clock) -> Exchange:
    """Open an exchange with so many symbols and an account with money."""
    listings = [
        Listing(name.partition("/")[0], "USDT", 100.0 + number, Decimal("0.01"), Decimal("0.00001"))
        for number, name in enumerate(symbols_of(symbols))
    ]
    exchange = Exchange(clock.now_ms, listings)
    exchange.open_account(ACCOUNT, USDT=MONEY)
    return exchange


def main() -> int:
    """Serve until the standard input ends."""
    clock = LeapingClock()
    with Server(make_exchange(int(sys.argv[1]), clock)) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            clock.leap(int(line))
            print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
