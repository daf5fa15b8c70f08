"""One account on one exchange through ccxt: what is sent, what came of it, and what the account holds."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shared.accounts import AccountSettings
from shared.clock import Clock
from shared.errors import ConfigurationError
from worker.exchange import answers
from worker.exchange.account_client import require_passphrase, require_testnet
from worker.exchange.account_transport import Carry
from worker.exchange.answers import Place
from worker.exchange.keys import Keys
from worker.exchange.listing import InvalidAnswer, find_market, listed_markets, symbol_rules
from worker.exchange.look_up import OrderSearch
from worker.exchange.margin import set_margin
from worker.exchange.places import Places
from worker.exchange.protocol import (
    Answer,
    ExchangeOrder,
    ExchangeTrade,
    Fate,
    Flow,
    LookUp,
    OrderRequest,
    Refusal,
    Rights,
    Status,
    SymbolRules,
)
from worker.exchange.quirks import ByName
from worker.exchange.reads import Reads, find
from worker.exchange.rights import rights_of
from worker.exchange.sending import Margin, order_call
from worker.exchange.table import quirks_of
from worker.exchange.transport import loopback
from worker.exchange.wire import Failure, Wire


class CcxtAccount:
    """An AccountClient by ccxt; one per process and thread.

    `carry` answers requests instead of a network. Raises ConfigurationError for an exchange without a row of quirks,
    and where a passphrase or a testnet is missing.
    """

    def __init__(
        self, name: str, settings: AccountSettings, keys: Keys, clock: Clock, carry: Carry | None = None
    ) -> None:
        quirks = quirks_of(settings.exchange, settings.type, f"account {name}")
        require_passphrase(name, quirks, keys)
        require_testnet(name, quirks, settings.sandbox and not settings.endpoint)
        self.name = name
        self.finality = quirks.finality
        self._quirks = quirks
        endpoint = loopback(f"accounts.{name}.endpoint", settings.endpoint)
        self._wire = Wire(name, quirks, keys, clock, settings.sandbox, endpoint, carry)
        self.budget = self._wire.budget
        self._places = Places(settings.exchange, settings.type)
        self._rules: dict[str, SymbolRules] = {}
        self._reads = Reads(self._wire, self._places)
        self._margin = Margin(is_isolated=settings.margin == "isolated")

    def __repr__(self) -> str:
        return f"CcxtAccount({self.name}, {self._quirks.exchange} {self._quirks.kind})"

    def close(self) -> None:
        """Close the connections that are kept."""
        self._wire.client.session.close()

    @property
    def hosts_seen(self) -> frozenset[str]:
        """Give the hosts that requests were really for."""
        return frozenset(self._wire.transport.hosts_seen)

    def connect(self, symbols: Collection[str], may_be_gone: Collection[str] = ()) -> None:
        """Read the exchange's time and listing.

        Raises MarketError, and ConfigurationError for a symbol that is not listed. One that was before, or is among
        `may_be_gone`, is kept, and not traded any more.
        """
        self._wire.time.keep()
        listed = self._read_listing()
        self._places.read(listed, self._wire.client.precisionMode)
        for symbol in symbols:
            try:
                market = find_market(symbol, listed, self._quirks.exchange, self._quirks.kind)
            except ConfigurationError:
                if symbol not in self._rules and symbol not in may_be_gone:
                    raise
                known = self._rules.get(symbol, SymbolRules(None, None, None))
                self._rules[symbol] = replace(known, is_trading=False)
                continue
            rules = symbol_rules(market, self._wire.client.precisionMode)
            self._rules[symbol] = rules
            self._places[symbol] = Place(symbol, str(market["symbol"]), rules.per_contract)

    def now_ms(self) -> int:
        """Give the exchange's time."""
        self._wire.time.keep()
        return self._wire.time.now_ms()

    def skew_ms(self) -> int:
        """Give how far the exchange's time is ahead of this machine's clock; requests are signed by the former."""
        return self._wire.time.ahead_ms()

    def rules(self, symbol: str) -> SymbolRules:
        """Give what the exchange demands of orders of a symbol that was connected."""
        return self._rules[symbol]

    def best_prices(self, symbols: Collection[str]) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give best bid and ask of all the symbols; one that lacks them raises MarketRefusal."""
        return self._reads.best_prices(symbols)

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Send an order once; see AccountClient."""
        place, rules = self._places[request.symbol], self._rules[request.symbol]
        try:
            call = order_call(request, place, rules, self._quirks, self._margin)
        except ValueError as error:
            return Answer(Fate.REJECTED, refusal=Refusal.RULES, text=f"not sent: {error}")
        outcome = self._wire.attempt(
            lambda: self._wire.client.create_order(*call),
            lambda answer: self._taken(request, answer),
            urgent=request.reduce_only,
            leave_by_ms=leave_by_ms,
        )
        if not isinstance(outcome, Failure):
            return Answer(Fate.ACCEPTED, outcome)
        if outcome.refusal is Refusal.CLOCK:
            self._wire.time.doubt()
            self._wire.time.keep()
        return self._refused(outcome)

    def cancel(self, symbol: str, client_order_id: str, exchange_id: str | None) -> Answer:
        """Cancel an order once; see AccountClient."""
        quirks, listed, parameters = self._quirks, self._places[symbol].listed, {}
        own_id = exchange_id
        if quirks.cancel_by is ByName.PARAMETER:
            own_id, parameters = None, {quirks.cancel_parameter: client_order_id}
        elif quirks.cancel_by is ByName.ID:
            # Two orders of one name have an id of the exchange's each.
            own_id = exchange_id or quirks.named(client_order_id)
        elif own_id is None:
            found = find(self._reads.opens([symbol]), client_order_id, None)
            if found is None:
                return Answer(Fate.REJECTED, text="not among the open orders")
            own_id = found.exchange_id
        outcome = self._wire.attempt(
            lambda: self._wire.client.cancel_order(own_id, listed, parameters),
            lambda answer: answers.require_cancelled(answer, self._wire.raw, client_order_id, exchange_id, quirks),
            urgent=True,
        )
        if not isinstance(outcome, Failure):
            return Answer(Fate.ACCEPTED)
        is_over = outcome.is_absent or (quirks.over and re.search(quirks.over, outcome.text))
        return Answer(Fate.REJECTED, text=outcome.text) if is_over else self._refused(outcome)

    def look_up(self, symbol: str, client_order_id: str, exchange_id: str | None, sent_ms: int) -> LookUp:
        """Look for an order by all the ways the exchange has."""
        search = OrderSearch(self._wire, self._reads, self._places[symbol], client_order_id, sent_ms)
        return search.run(exchange_id)

    def open_orders(self, symbols: Collection[str]) -> Sequence[ExchangeOrder]:
        """Give all open orders of some symbols, foreign ones too."""
        return self._reads.opens(symbols)

    def trades(self, symbol: str, since_ms: int) -> Sequence[ExchangeTrade]:
        """Give all own trades of a symbol from a time on, oldest first."""
        return self._reads.trades(symbol, since_ms)

    def trades_of(self, symbol: str, exchange_id: str, since_ms: int) -> Sequence[ExchangeTrade]:
        """Give all trades of an order that was sent after `since_ms`, oldest first."""
        return self._reads.trades_of(symbol, exchange_id, since_ms)

    def balances(self) -> Mapping[str, Decimal]:
        """Give all of each coin, what orders hold included; the exchange's time is measured where that is due."""
        self._wire.time.keep()
        return self._reads.balances()

    def positions(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Give the net quantity of each perpetual among the symbols, in base units, below 0 for a short one."""
        return self._reads.positions(symbols)

    def flows(self, since_ms: int) -> Sequence[Flow] | None:
        """Give deposits and withdrawals from a time on; None where the exchange tells of none."""
        return self._reads.flows(since_ms)

    def set_up(self, symbols: Collection[str], leverage: int, isolated: bool, hedge: bool) -> None:
        """Set one-way positions, margin mode and leverage, and read them back.

        Raises ConfigurationError for what cannot be set.
        """
        if hedge:
            # Orders would have to say which of two positions they are for.
            raise ConfigurationError(f"position mode of account {self.name} must be one-way, was hedge")
        # One that is not listed any more has no margin.
        known = [self._places[symbol] for symbol in symbols if symbol in self._places]
        places = [place for place in known if ":" in place.listed]
        self._margin = Margin(leverage, isolated)
        if places:
            set_margin(self._wire, places, self._margin)

    def rights(self) -> Rights:
        """Give what the exchange says of the key."""
        return rights_of(self._wire)

    def _read_listing(self) -> dict[str, dict[str, Any]]:
        kinds = ("spot", "swap") if self._quirks.kind == "unified" else (self._quirks.kind,)
        return self._wire.ask(
            f"list of {' and '.join(kinds)} markets",
            lambda: self._wire.client.load_markets(True),
            lambda answer: listed_markets(answer, *kinds),
        )

    def _taken(self, request: OrderRequest, answer: Any) -> ExchangeOrder:
        """Give the order that the exchange has taken, as it says it or, where it says an id only, as it was sent."""
        exchange_id = answers.order_id(answer, request.client_order_id, self._quirks)
        if self._quirks.answers_in_full:
            order = answers.order(answer, self._places[request.symbol], self._quirks)
            if order.client_order_id != request.client_order_id or order.side is not request.side:
                raise InvalidAnswer(f"order must be {request.client_order_id}, was {order.client_order_id!r}")
            return order
        return ExchangeOrder(
            request.client_order_id,
            exchange_id,
            request.symbol,
            request.side,
            Status.OPEN,
            request.quantity,
            Decimal(0),
            self._wire.time.now_ms(),
            request.price,
            request.reduce_only,
        )

    def _refused(self, failure: Failure) -> Answer:
        return Answer(failure.fate, None, failure.refusal, failure.text, self.budget.silent_until_ms)
