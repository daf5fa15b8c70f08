"""Looking for an order whose fate is unknown by all the ways its exchange has."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.errors import MarketError
from shared.units import MINUTE_MS
from worker.exchange import answers
from worker.exchange.answers import Place
from worker.exchange.protocol import ExchangeOrder, ExchangeTrade, LookUp
from worker.exchange.quirks import ByName
from worker.exchange.reads import Reads, find
from worker.exchange.wire import Failure, Wire

# The exchange's clock and ours may differ by as much.
BEFORE_MS = MINUTE_MS


class OrderSearch:
    """The search for one order: by name, in open orders, in those that are over, and its trades."""

    def __init__(self, wire: Wire, reads: Reads, place: Place, client_order_id: str, sent_ms: int) -> None:
        self._wire = wire
        self._reads = reads
        self._place = place
        self._client_order_id = client_order_id
        self._since_ms = sent_ms - BEFORE_MS
        self._failed: list[str] = []

    def run(self, exchange_id: str | None) -> LookUp:
        """Search until it is found; every way that could not be asked makes it incomplete."""
        ways = (self._by_name, self._among_open, self._among_over)
        order = next((found for way in ways if (found := way(exchange_id)) is not None), None)
        known_id = order.exchange_id if order is not None else exchange_id
        trades = self._trades(known_id) if known_id is not None and (order is None or order.filled) else ()
        return LookUp(order, trades, not self._failed, "; ".join(self._failed))

    def _by_name(self, exchange_id: str | None) -> ExchangeOrder | None:
        call = self._call_by_name(exchange_id)
        if call is None:
            return None
        quirks = self._wire.quirks

        def accept(answer: Any) -> ExchangeOrder:
            found = answers.order(answer, self._place, quirks)
            if find([found], self._client_order_id, exchange_id) is None:
                raise answers.InvalidAnswer(f"order must be {self._client_order_id}, was {found.client_order_id!r}")
            return found

        outcome = self._wire.attempt(call, accept, urgent=True)
        if not isinstance(outcome, Failure):
            return outcome
        if not outcome.is_absent:
            self._failed.append(outcome.text)
        return None

    def _call_by_name(self, exchange_id: str | None) -> Callable[[], Any] | None:
        quirks, client, listed = self._wire.quirks, self._wire.client, self._place.listed
        if quirks.look_up_by is ByName.PARAMETER:
            return lambda: client.fetch_order(None, listed, {quirks.look_up_parameter: self._client_order_id})
        if quirks.look_up_by is ByName.NOT and exchange_id is not None:
            return lambda: client.fetch_order(exchange_id, listed)
        return None

    def _among_open(self, exchange_id: str | None) -> ExchangeOrder | None:
        try:
            opens = self._reads.opens([self._place.symbol], self._filter())
        except MarketError as error:
            self._failed.append(str(error))
            return None
        return find(opens, self._client_order_id, exchange_id)

    def _among_over(self, exchange_id: str | None) -> ExchangeOrder | None:
        for method in self._wire.quirks.history:
            try:
                orders, is_whole = self._reads.history(method, self._place.symbol, self._since_ms, self._filter())
            except MarketError as error:
                self._failed.append(str(error))
                continue
            if (found := find(orders, self._client_order_id, exchange_id)) is not None:
                return found
            if not is_whole:
                self._failed.append(f"{method} gave a full page")
        return None

    def _trades(self, exchange_id: str) -> Sequence[ExchangeTrade]:
        try:
            return self._reads.trades_of(self._place.symbol, exchange_id, self._since_ms)
        except MarketError as error:
            self._failed.append(str(error))
            return ()

    def _filter(self) -> dict[str, str]:
        quirks = self._wire.quirks
        return {quirks.look_up_parameter: self._client_order_id} if quirks.look_up_by is ByName.LISTS else {}
