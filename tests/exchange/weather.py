"""What befalls an exchange by itself, drawn from a seed over a span of time: outages, droughts, jumps, strangers."""

import random
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.exact import whole
from tests.exchange.faults import Faults
from tests.exchange.listings import Product
from tests.exchange.orders import Refused, Ticket

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
# How often each kind comes, in hours between two on average.
EVERY_HOURS = {"outage": 24, "drought": 12, "lag": 8, "jump": 6, "stranger": 12, "deposit": 48, "ban": 72, "break": 96}


class Weather:
    """Plan events on an exchange between two times. `happened` holds (time_ms, kind) of those that came.

    `without` names kinds that never come. Strangers trade on the account by hand, under ids of their own.
    """

    def __init__(
        self, exchange: Exchange, faults: Faults, account: Account, seed: int, without: tuple[str, ...] = ()
    ) -> None:
        self.happened: list[tuple[int, str]] = []
        self._exchange = exchange
        self._faults = faults
        self._account = account
        self._chance = random.Random(f"weather {seed}")
        self._kinds: dict[str, Callable[[random.Random], None]] = {
            "outage": self._outage,
            "drought": self._drought,
            "lag": self._lag,
            "jump": self._jump,
            "stranger": self._stranger,
            "deposit": self._deposit,
            "ban": self._ban,
            "break": self._break,
        }
        self._kinds = {kind: act for kind, act in self._kinds.items() if kind not in without}

    def plan(self, start_ms: int, end_ms: int) -> None:
        """Draw all that happens from one time to another."""
        for kind, act in self._kinds.items():
            time_ms = float(start_ms)
            while (time_ms := time_ms + self._chance.expovariate(1 / EVERY_HOURS[kind]) * HOUR_MS) < end_ms:
                self._exchange.plan(int(time_ms), self._event(kind, act, self._chance.randrange(2**32)))

    def _event(self, kind: str, act: Callable[[random.Random], None], seed: int) -> Callable[[], None]:
        def happen() -> None:
            self.happened.append((self._exchange.now_ms(), kind))
            act(random.Random(seed))

        return happen

    def _later(self, minutes: float, action: Callable[[], object]) -> None:
        self._exchange.plan(self._exchange.now_ms() + round(minutes * MINUTE_MS), action)

    def _symbol(self, chance: random.Random) -> str:
        return chance.choice([listing.symbol for listing in self._exchange.listings if listing.listed])

    def _outage(self, chance: random.Random) -> None:
        rule = self._faults.add(chance.choice(("hang", "reset", "status")), times=10**9, code=503)
        rule.until_ms = self._exchange.now_ms() + 20_000 * 2 ** chance.uniform(0, 7)

    def _drought(self, chance: random.Random) -> None:
        symbol, most = self._symbol(chance), Decimal(chance.randint(0, 300)) / 1000
        self._exchange.liquidity[symbol] = most
        self._later(chance.uniform(1, 90), lambda: self._exchange.liquidity.pop(symbol, None))

    def _lag(self, chance: random.Random) -> None:
        self._exchange.query_lag_ms = chance.choice((500, 2_000, 8_000))
        self._later(chance.uniform(1, 30), lambda: setattr(self._exchange, "query_lag_ms", 0))

    def _jump(self, chance: random.Random) -> None:
        self._exchange.jump(self._symbol(chance), Decimal(str(round(chance.uniform(0.95, 1.05), 4))))

    def _stranger(self, chance: random.Random) -> None:
        listing = self._exchange.listing_of(self._symbol(chance))
        number, price = self._exchange.next_number("stranger"), self._exchange.price(listing.symbol)
        away = whole(price * Decimal("0.8"), listing.tick)
        product = chance.choice([product for product in Product if listing.is_of(product)])
        quantity = max(listing.smallest, whole(Decimal(20) / away, listing.step) + listing.step)
        with suppress(Refused):
            self._exchange.place(
                self._account, Ticket(product, listing.symbol, True, quantity, away, client_id=f"web_{number}")
            )

    def _deposit(self, chance: random.Random) -> None:
        amount = Decimal(chance.randint(10, 1000))
        if chance.random() < 0.7:
            self._exchange.flows.deposit(self._account, "USDT", amount)
        elif self._exchange.settlement.free(self._account, Product.SPOT, "USDT") >= amount:
            self._exchange.flows.withdraw(self._account, "USDT", amount)

    def _ban(self, chance: random.Random) -> None:
        self._exchange.ban_status = chance.choice((429, 418))
        self._exchange.banned_until_ms = self._exchange.now_ms() + round(chance.uniform(5, 180) * 1000)

    def _break(self, chance: random.Random) -> None:
        listing = self._exchange.listing_of(self._symbol(chance))
        listing.status = "BREAK"
        self._later(chance.uniform(1, 60), lambda: setattr(listing, "status", "TRADING"))
