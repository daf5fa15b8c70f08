"""Holding the books to an account: what a pass found becomes trades to book, orders to cancel, and symbols that differ.

The first pass records a baseline; from then on changes are reconciled, not totals. Quantities are compared exactly.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection

from shared.clock import Clock
from shared.enums import Severity
from shared.errors import CommandRefused
from shared.units import MINUTE_MS
from worker.exchange.protocol import ExchangeOrder, ExchangeTrade
from worker.orders.holdings import NOTHING, difference, explain
from worker.orders.ids import is_ours
from worker.orders.live_order import base_of
from worker.orders.reading import Question, Reading
from worker.store.live_orders import known_trades
from worker.store.reconciliation import (
    CoinRow,
    FlowRow,
    find_order,
    known_flows,
    load_coins,
    load_reconciled,
    orders_by_exchange_id,
    save_coins,
    save_flows,
    save_reconciled,
)

# A pass that failed is tried again after 1, 2, 4 … s, no later than the next is due.
FIRST_RETRY_MS = 1_000
# A trade may show a moment after a later one; the exchange's clock and ours differ.
OVERLAP_MS = 2 * MINUTE_MS
# A pass that came while an order moved what the account holds is made again after so long.
AGAIN_MS = 5_000
# An exchange rounds what a trade costs; quantities it does not round.
ROUNDING = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Said:
    """What a person should know of a pass."""

    severity: Severity
    kind: str
    sentence: str


@dataclass(slots=True)
class Reconciled:
    """What follows from a pass: trades of our orders that were not booked, by client order id, and more."""

    account: str
    trades: dict[str, list[ExchangeTrade]] = field(default_factory=dict)
    cancels: list[ExchangeOrder] = field(default_factory=list)
    # money that came or went, by the exchange's own ledger: the id and the amount in quote
    money: list[tuple[str, Decimal]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """A difference that a person accounted for: how much more was found than expected."""

    account: str
    coin: str
    gap: Decimal


class Reconciler:
    """Holds the books to every account: at the start, every so often, and whenever it is asked to."""

    def __init__(
        self,
        portfolio_id: int,
        installation: str,
        quote: str,
        symbols: Mapping[str, Sequence[str]],
        every_ms: int,
        clock: Clock,
    ) -> None:
        """`symbols` are the fleet's, by account."""
        self._portfolio_id = portfolio_id
        self._installation = installation
        self._quote = quote
        self._symbols = symbols
        self._every_ms = every_ms
        self._clock = clock
        # Nothing is entered before the first pass has agreed.
        self.differing = {(account, symbol) for account, own in symbols.items() for symbol in own}
        self._due_ms = dict.fromkeys(symbols, clock.monotonic_ms())
        self._agreed_ms: dict[tuple[str, str], int] = {}
        self._failures = dict.fromkeys(symbols, 0)
        self._foreign: set[str] = set()
        self._refused: set[str] = set()
        self._told: dict[str, str] = {}

    def due(self) -> list[str]:
        """Give the accounts that are to be read now, each once until its pass was taken."""
        now_ms = self._clock.monotonic_ms()
        due = [account for account, at_ms in self._due_ms.items() if at_ms <= now_ms]
        for account in due:
            self._due_ms[account] = now_ms + self._every_ms
        return due

    def due_in_ms(self) -> int:
        """Give how long until an account is to be read."""
        return max(min(self._due_ms.values()) - self._clock.monotonic_ms(), 0)

    def hurry(self, account: str) -> None:
        """Read an account at the next occasion: something about it is not known."""
        self._due_ms[account] = self._clock.monotonic_ms()

    def question(self, connection: Connection, account: str, sent: int) -> Question:
        """Say what is to be read of an account."""
        last_ms = load_reconciled(connection, self._portfolio_id, account).reconciled_ms
        since_ms = (last_ms or self._clock.now_ms()) - OVERLAP_MS
        known = orders_by_exchange_id(connection, self._portfolio_id, account, since_ms - OVERLAP_MS)
        return Question(account, self._symbols[account], since_ms, frozenset(known), sent)

    def agrees(self, account: str, symbol: str, since_ms: int) -> bool:
        """Say whether a symbol was found as the books have it by a pass that began after a wall time."""
        return self._agreed_ms.get((account, symbol), -1) > since_ms

    def take(self, connection: Connection, reading: Reading, is_quiet: bool) -> Reconciled:
        """Take a pass over. Quantities are compared where the account `is_quiet`: no order of ours moves them."""
        account = reading.question.account
        reconciled = Reconciled(account)
        if reading.failure:
            self._take_failure(reading, reconciled)
            state = load_reconciled(connection, self._portfolio_id, account)
            state.message = f"the last pass failed: {reading.failure}"
            save_reconciled(connection, self._portfolio_id, state)
            return reconciled
        self._failures[account] = 0
        self._sort_trades(connection, reading, reconciled)
        self._sort_opens(connection, reading, reconciled)
        if not is_quiet or reconciled.trades or reconciled.cancels:
            # An order may rest for minutes.
            self._due_ms[account] = self._clock.monotonic_ms() + min(AGAIN_MS, self._every_ms)
            return reconciled
        self._take_flows(connection, reading, reconciled)
        self._compare(connection, reading, reconciled)
        return reconciled

    def resolve(self, connection: Connection, symbol: str) -> Resolved:
        """Let the difference of a symbol, or of a coin, be accounted for, and read its account again.

        Raises CommandRefused where nothing of that name differs.
        """
        differing = []
        for account in self._symbols:
            coins = load_coins(connection, self._portfolio_id, account)
            name = next((name for name in (symbol, base_of(symbol)) if name in coins), None)
            if name is not None and (gap := difference(coins[name])):
                explain(coins[name], gap)
                save_coins(connection, self._portfolio_id, [coins[name]])
                self.hurry(account)
                return Resolved(account, name, gap)
            differing += [coin for coin, row in coins.items() if difference(row)]
        known = f"one of {', '.join(sorted(differing))}" if differing else "one that differs, and none does"
        raise CommandRefused(f"symbol must be {known}, was {symbol!r}")

    def _take_failure(self, reading: Reading, reconciled: Reconciled) -> None:
        """Let nothing be entered on an account that cannot be seen; how it fails is told once until a pass agrees."""
        account = reading.question.account
        retry_ms = FIRST_RETRY_MS * 2 ** min(self._failures[account], 16)
        self._due_ms[account] = self._clock.monotonic_ms() + min(retry_ms, self._every_ms)
        self._failures[account] += 1
        self.differing |= {(account, symbol) for symbol in self._symbols[account]}
        if self._failures[account] == 1:
            said = f"account {account} could not be reconciled: {reading.failure}; no entries there until a pass agrees"
            reconciled.said.append(Said(Severity.WARNING, "RECONCILIATION_FAILED", said))

    def _sort_trades(self, connection: Connection, reading: Reading, reconciled: Reconciled) -> None:
        question = reading.question
        names = orders_by_exchange_id(connection, self._portfolio_id, question.account, question.since_ms - OVERLAP_MS)
        for symbol in question.symbols:
            own = [trade for trade in reading.trades if trade.symbol == symbol]
            ids = [trade.id for trade in own]
            known = known_trades(connection, self._portfolio_id, question.account, symbol, ids) if ids else set()
            for trade in own:
                if trade.id in known:
                    continue
                name = names.get(trade.exchange_id) or self._name_of(reading, trade)
                if name is not None:
                    reconciled.trades.setdefault(name, []).append(trade)

    def _name_of(self, reading: Reading, trade: ExchangeTrade) -> str | None:
        stranger = reading.strangers.get(trade.exchange_id)
        is_own = stranger is not None and is_ours(stranger.client_order_id, self._installation)
        return stranger.client_order_id if is_own and stranger is not None else None

    def _sort_opens(self, connection: Connection, reading: Reading, reconciled: Reconciled) -> None:
        for order in reading.opens:
            if not is_ours(order.client_order_id, self._installation):
                self._flag_foreign(order, reconciled)
                continue
            known = find_order(connection, self._portfolio_id, order.client_order_id)
            named = f"open order {order.client_order_id} of {order.symbol}"
            if known is None:
                said = f"{named} has no intention in the books: cancelled"
            elif known.exchange_id not in (None, order.exchange_id):
                said = (
                    f"{named} was delivered twice, as {known.exchange_id} and {order.exchange_id}: the latter cancelled"
                )
            else:
                continue
            reconciled.cancels.append(order)
            reconciled.said.append(Said(Severity.ERROR, "ORDER_UNINTENDED", said))

    def _flag_foreign(self, order: ExchangeOrder, reconciled: Reconciled) -> None:
        if order.exchange_id not in self._foreign:
            self._foreign.add(order.exchange_id)
            said = (
                f"order {order.exchange_id} of {order.symbol} on account {reconciled.account} is not ours: left alone"
            )
            reconciled.said.append(Said(Severity.WARNING, "ORDER_FOREIGN", said))

    def _take_flows(self, connection: Connection, reading: Reading, reconciled: Reconciled) -> None:
        """Book what the exchange's own ledger says came and went since the baseline."""
        account = reading.question.account
        baseline_ms = load_reconciled(connection, self._portfolio_id, account).baseline_ms
        known = known_flows(connection, self._portfolio_id, account)
        fresh = [flow for flow in reading.flows if flow.id not in known and 0 < baseline_ms <= flow.time_ms]
        if not fresh:
            return
        coins = load_coins(connection, self._portfolio_id, account)
        rows = [FlowRow(account, flow.id, flow.coin, f"{flow.amount:f}", flow.time_ms) for flow in fresh]
        save_flows(connection, self._portfolio_id, rows)
        for flow in fresh:
            if row := coins.get(flow.coin):
                explain(row, flow.amount)
            if flow.coin == self._quote:
                reconciled.money.append((flow.id, flow.amount))
        save_coins(connection, self._portfolio_id, coins.values())

    def _compare(self, connection: Connection, reading: Reading, reconciled: Reconciled) -> None:
        account, now_ms = reading.question.account, self._clock.now_ms()
        coins = load_coins(connection, self._portfolio_id, account)
        is_first = not coins
        for name in self._watched(reading, coins):
            held = f"{reading.holdings.get(name, NOTHING):f}"
            row = coins.setdefault(name, CoinRow(account, name, held, "0", held, held))
            row.found, row.checked_ms = held, now_ms
            is_rounding = abs(difference(row)) <= ROUNDING
            # Profit and funding of perpetuals move the quote without a trade of ours: shown, not compared.
            if name == self._quote and (is_rounding or reading.positions):
                row.expected = held
        save_coins(connection, self._portfolio_id, coins.values())
        differences = {name: gap for name, row in coins.items() if (gap := difference(row))}
        self._note(account, differences, reading)
        reconciled.agreed = not differences
        state = load_reconciled(connection, self._portfolio_id, account)
        state.baseline_ms = state.baseline_ms or reading.began_ms
        state.reconciled_ms, state.differs = reading.began_ms, int(bool(differences))
        without = self._tell_refused(reconciled, reading.refused)
        state.message = "; ".join(filter(None, [self._say(reconciled, coins, differences, is_first), *without])) or None
        save_reconciled(connection, self._portfolio_id, state)

    def _watched(self, reading: Reading, coins: Collection[str]) -> list[str]:
        """Name what is compared: positions, the coins that are traded, the quote, and those that fees were paid in."""
        untold = {*reading.positions, *reading.refused}
        bases = {base_of(symbol) for symbol in reading.question.symbols if symbol not in untold}
        fees = {trade.fee_coin for trade in reading.trades if trade.fee}
        # The position of a symbol that was refused is not 0, but not known.
        return sorted({*bases, self._quote, *reading.positions, *fees, *coins} - reading.refused.keys())

    def _note(self, account: str, differences: Mapping[str, Decimal], reading: Reading) -> None:
        for symbol in self._symbols[account]:
            gone = {base_of(symbol), symbol, self._quote} & differences.keys()
            if gone or symbol in reading.refused:
                self.differing.add((account, symbol))
            else:
                self.differing.discard((account, symbol))
                self._agreed_ms[account, symbol] = reading.began_ms

    def _say(
        self, reconciled: Reconciled, coins: Mapping[str, CoinRow], differences: Mapping[str, Decimal], is_first: bool
    ) -> str | None:
        account = reconciled.account
        if not differences:
            self._told.pop(account, None)
            if is_first:
                said = f"account {account}: what it holds is the baseline; changes are reconciled from now on"
                reconciled.said.append(Said(Severity.INFO, "RECONCILIATION_BASELINE", said))
            return None
        parts = [
            f"{name}: {coins[name].expected} expected, {coins[name].found} found, difference {gap.normalize():+f}"
            for name, gap in sorted(differences.items())
        ]
        sentence = (
            f"account {account} differs from the books: {'; '.join(parts)}; no entries there until it is resolved"
        )
        self._tell(reconciled, Severity.ERROR, "RECONCILIATION_DIFFERS", sentence)
        return sentence

    def _tell_refused(self, reconciled: Reconciled, refused: Mapping[str, str]) -> list[str]:
        """Give a sentence on each symbol that the exchange does not speak of any more; each is told once."""
        account = reconciled.account
        sentences = {
            symbol: f"{symbol} cannot be reconciled on account {account} and takes no entries: {why}"
            for symbol, why in refused.items()
        }
        for symbol in sentences.keys() - self._refused:
            reconciled.said.append(Said(Severity.WARNING, "RECONCILIATION_REFUSED", sentences[symbol]))
        self._refused = (self._refused - set(self._symbols[account])) | refused.keys()
        return list(sentences.values())

    def _tell(self, reconciled: Reconciled, severity: Severity, kind: str, sentence: str) -> None:
        """Tell of a state once, and again only when it is another."""
        if self._told.get(reconciled.account) != sentence:
            self._told[reconciled.account] = sentence
            reconciled.said.append(Said(severity, kind, sentence))
