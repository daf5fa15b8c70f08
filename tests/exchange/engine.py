"""The exchange itself, without any I/O: accounts and orders over its markets, by a clock that is given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count

from tests.exchange.accounts import Account, Key, drawn_key
from tests.exchange.exact import exact
from tests.exchange.flows import Flows
from tests.exchange.funding import FUNDING_EVERY_MS, FUNDING_LATE_MS, next_funding_ms
from tests.exchange.ledger import Ledger
from tests.exchange.listings import Listing, Product
from tests.exchange.market import Market, Row
from tests.exchange.matching import Matching
from tests.exchange.orders import Order, Status, Terms, Ticket
from tests.exchange.settling import Settlement

__all__ = ["Exchange", "Listing", "Row"]

USUAL_TERMS = Terms()
NEVER_MS = 2**62


@dataclass
class Exchange(Market):
    """Markets, accounts, orders; the same calls and seed give the same.

    Knobs: `query_lag_ms` hides orders and trades that long; `fill_at` names the price of orders that shall fill whole
    at it; until `banned_until_ms` whoever asks gets `ban_status`; with `window_at_matching` false the time stamp of a
    contract order is checked on arrival only.
    """

    seed: int = 0
    query_lag_ms: int = 0
    fill_at: Callable[[Order], Decimal | None] | None = None
    banned_until_ms: int = 0
    ban_status: int = 429
    window_at_matching: bool = True

    def __post_init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.ledger = Ledger()
        self.flows = Flows(self)
        self.matching = Matching(self)
        self.settlement = Settlement(self.ledger, self.coin_price, self.price)
        self._pinned_ms: int | None = None
        self._numbers: dict[str, Iterator[int]] = {}
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._settled_ms = self.clock()

    def now_ms(self) -> int:
        """Give the exchange's time; while something due is done, the time it was due."""
        return self.clock() if self._pinned_ms is None else self._pinned_ms

    @contextmanager
    def at(self, time_ms: int) -> Iterator[None]:
        """Do something at another time than now."""
        before, self._pinned_ms = self._pinned_ms, time_ms
        try:
            yield
        finally:
            self._pinned_ms = before

    def plan(self, time_ms: int, action: Callable[[], object]) -> None:
        """Do something once the clock has passed a time."""
        heappush(self._due, (time_ms, self.next_number("plan"), action))

    @exact
    def catch_up(self) -> None:
        """Do all that is due by now, in order: what was planned, funding, and what resting orders met meanwhile."""
        if self._pinned_ms is not None:
            return
        now_ms = self.clock()
        while (time_ms := self._next_due_ms()) <= now_ms:
            self._advance(time_ms)
            with self.at(time_ms):
                while self._due and self._due[0][0] <= time_ms:
                    heappop(self._due)[2]()
        self._advance(now_ms)

    def _next_due_ms(self) -> int:
        planned_ms = self._due[0][0] if self._due else NEVER_MS
        return min(planned_ms, next_funding_ms(self._settled_ms)) if self.accounts else planned_ms

    def _advance(self, time_ms: int) -> None:
        if time_ms <= self._settled_ms:
            return
        self.matching.walk(self._settled_ms, time_ms)
        self._settled_ms = time_ms
        if time_ms % FUNDING_EVERY_MS == FUNDING_LATE_MS:
            with self.at(time_ms):
                self.flows.settle_funding(time_ms)

    def delist(self, symbol: str) -> None:
        """Take a market down: its orders are cancelled, its positions closed at the price, free of charge."""
        self.catch_up()
        listing, price = self.listing_of(symbol), self.price(symbol)
        for order in [order for order in self.matching.open.values() if order.ticket.symbol == symbol]:
            self.matching.cancel(order, Status.EXPIRED)
        listing.listed = False
        for account in self.accounts.values():
            for position in [position for position in account.held() if position.symbol == symbol]:
                self.flows.settle_position(account, position, price)

    def open_account(self, name: str, unified: bool = False, parent: str = "", **coins: str) -> Account:
        """Open an account with a key drawn from the seed, and spot (or unified) coins: `USDT="1000"`."""
        account = Account(name, [drawn_key(self.seed, name)], unified, parent)
        self.accounts[name] = account
        for coin, amount in coins.items():
            self.flows.open(account, coin, Decimal(amount))
        return account

    @exact
    def fund_contracts(self, account: Account, coin: str, amount: str) -> None:
        """Give an account coins in the wallet of its contracts, as a person does: deposited, then transferred."""
        self.flows.deposit(account, coin, Decimal(amount))
        self.flows.transfer((account, Product.SPOT), (account, Product.SWAP), coin, Decimal(amount))

    def find_key(self, api_key: str) -> tuple[Account, Key] | None:
        """Find whose key it is."""
        pairs = ((account, key) for account in self.accounts.values() for key in account.keys)
        return next(((account, key) for account, key in pairs if key.api_key == api_key), None)

    @exact
    def place(self, account: Account, ticket: Ticket, terms: Terms = USUAL_TERMS) -> Order:
        """Take an order, now. Raises Refused."""
        self.catch_up()
        return self.matching.place(account, ticket, terms)

    @exact
    def cancel(self, order: Order) -> None:
        """Cancel an order, now. Raises Refused."""
        self.catch_up()
        self.matching.cancel(order)

    def next_number(self, kind: str) -> int:
        """Count, each kind of thing by itself, from 1."""
        return next(self._numbers.setdefault(kind, count(1)))
