"""What an account holds and did, read from its exchange: orders, trades, balances, positions, flows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from shared.errors import MarketError, MarketRefusal
from shared.units import MINUTE_MS, SECOND_MS
from worker.exchange import answers
from worker.exchange.answers import Place
from worker.exchange.listing import InvalidAnswer
from worker.exchange.protocol import ExchangeOrder, ExchangeTrade, Flow
from worker.exchange.wire import Wire

# Kinds of a ledger's entries that bring money in or take it away.
_MOVES = ("transfer", "deposit", "withdrawal", "deposit/withdraw")


class Reads:
    """The reads of one account; `places` are the symbols it trades. All raise MarketError."""

    def __init__(self, wire: Wire, places: Mapping[str, Place]) -> None:
        self._wire = wire
        self._places = places

    def opens(self, symbols: Collection[str], filter: Mapping[str, str] | None = None) -> list[ExchangeOrder]:
        """Give the open orders of some symbols, foreign ones too."""
        if len(symbols) > 1 and self._wire.quirks.opens_without_symbol:
            return self._opens_of(None, symbols, filter or {})
        return [order for symbol in symbols for order in self._opens_of(symbol, symbols, filter or {})]

    def history(self, method: str, symbol: str, since_ms: int, filter: Mapping[str, str]) -> tuple[list[Any], bool]:
        """Give orders of a symbol that are over, and whether those are all since then."""
        place, page = self._places[symbol], self._wire.quirks.history_page
        call = getattr(self._wire.client, method)

        def accept(answer: Any) -> tuple[list[Any], bool]:
            rows = answers.rows(answer, self._wire.raw, self._wire.quirks, "history")
            is_whole = len(answers.container(self._wire.raw, self._wire.quirks)) < page
            return [answers.order(row, place, self._wire.quirks) for row in rows], is_whole

        return self._wire.ask(
            f"orders of {symbol}", lambda: call(place.listed, since_ms, page, dict(filter)), accept, urgent=True
        )

    def trades(self, symbol: str, since_ms: int) -> list[ExchangeTrade]:
        """Give all own trades of a symbol from a time on, each once, oldest first."""
        place, quirks = self._places[symbol], self._wire.quirks
        if not quirks.trades_have_since:
            return self._latest_trades(place, since_ms)
        end_ms = self._wire.time.now_ms() + MINUTE_MS
        window_ms = quirks.trades_window_ms or max(1, end_ms - since_ms)
        found: list[ExchangeTrade] = []
        for start_ms in range(since_ms, end_ms, window_ms):
            found += self._trades_between(place, start_ms, min(end_ms, start_ms + window_ms - 1))
        return _each_once(found)

    def trades_of(self, symbol: str, exchange_id: str, since_ms: int) -> list[ExchangeTrade]:
        """Give all trades of one order, oldest first."""
        place, quirks = self._places[symbol], self._wire.quirks
        if quirks.trades_by_order:
            found, is_whole = self._trade_page(place, None, {quirks.trades_by_order: exchange_id})
            if is_whole:
                return _each_once(trade for trade in found if trade.exchange_id == exchange_id)
        return [trade for trade in self.trades(symbol, since_ms) if trade.exchange_id == exchange_id]

    def balances(self) -> dict[str, Decimal]:
        """Give all of each coin, what orders hold included."""
        return self._wire.ask(
            "balances",
            self._wire.client.fetch_balance,
            lambda answer: answers.balances(answer, self._wire.raw, self._wire.quirks),
        )

    def positions(self, symbols: Collection[str]) -> dict[str, Decimal]:
        """Give the net quantity of each perpetual; 0 where the exchange lists none."""
        places = {place.listed: place for place in map(self._places.__getitem__, symbols) if ":" in place.listed}
        held = {place.symbol: Decimal(0) for place in places.values()}
        if not places:
            return held

        def accept(answer: Any) -> None:
            for row in answers.rows(answer, self._wire.raw, self._wire.quirks, "positions"):
                if place := places.get(str(row.get("symbol"))):
                    held[place.symbol] += answers.position(row, place)

        calls = [[name] for name in places] if self._wire.quirks.positions_by_symbol else [list(places)]
        for listed in calls:
            self._wire.ask("positions", partial(self._wire.client.fetch_positions, listed), accept)
        return held

    def best_prices(self, symbols: Collection[str]) -> dict[str, tuple[Decimal, Decimal]]:
        """Give best bid and ask of all the symbols."""
        places = [self._places[symbol] for symbol in symbols]
        client = self._wire.client
        ask_for = client.fetch_bids_asks if client.has.get("fetchBidsAsks") is True else client.fetch_tickers

        def accept(answer: Any) -> dict[str, tuple[Decimal, Decimal]]:
            if not isinstance(answer, dict) or not answer:
                raise InvalidAnswer("prices must be a table, was empty")
            return {place.symbol: answers.best_price(answer.get(place.listed)) for place in places}

        return self._wire.ask("best prices", lambda: ask_for([place.listed for place in places]), accept)

    def flows(self, since_ms: int) -> list[Flow] | None:
        """Give deposits and withdrawals from a time on; None where the exchange tells of none."""
        if not self._wire.quirks.flows:
            return None
        found: list[Flow] = []
        try:
            for method in self._wire.quirks.flows:
                found += self._flows_by(method, since_ms)
        except MarketRefusal:
            return None
        return sorted(found, key=lambda flow: flow.time_ms)

    def _opens_of(self, symbol: str | None, symbols: Collection[str], filter: Mapping[str, str]) -> list[ExchangeOrder]:
        quirks, wanted = self._wire.quirks, {self._places[name].listed: self._places[name] for name in symbols}
        listed = self._places[symbol].listed if symbol else None

        def accept(answer: Any) -> list[ExchangeOrder]:
            rows = answers.rows(answer, self._wire.raw, quirks, "opens")
            if quirks.most_opens and len(rows) >= quirks.most_opens:
                raise InvalidAnswer(f"must be fewer than {quirks.most_opens} orders, for more are not told")
            of = [(row, wanted.get(str(row.get("symbol") or listed))) for row in rows]
            return [answers.order(row, place, quirks) for row, place in of if place is not None]

        limit = quirks.most_opens if listed else None
        call = self._wire.client.fetch_open_orders
        return self._wire.ask(
            f"open orders{f' of {symbol}' if symbol else ''}", lambda: call(listed, None, limit, dict(filter)), accept
        )

    def _trades_between(self, place: Place, start_ms: int, end_ms: int) -> list[ExchangeTrade]:
        found, is_whole = self._trade_page(place, start_ms, {"until": end_ms})
        if is_whole:
            return found
        if end_ms - start_ms < SECOND_MS:
            raise MarketError(f"{self._wire.name} trades of {place.symbol} must be fewer than a page in a second")
        # Whole seconds, for some exchanges know no shorter time.
        middle_ms = max(start_ms, (start_ms + end_ms) // 2 // SECOND_MS * SECOND_MS - 1)
        before = self._trades_between(place, start_ms, middle_ms)
        return before + self._trades_between(place, middle_ms + 1, end_ms)

    def _trade_page(
        self, place: Place, since_ms: int | None, parameters: Mapping[str, Any]
    ) -> tuple[list[ExchangeTrade], bool]:
        quirks, page = self._wire.quirks, self._wire.quirks.trades_page

        def accept(answer: Any) -> tuple[list[ExchangeTrade], bool]:
            rows = answers.rows(answer, self._wire.raw, quirks, "trades")
            is_whole = len(answers.container(self._wire.raw, quirks)) < page
            return [answers.trade(row, place, quirks) for row in rows], is_whole

        call = self._wire.client.fetch_my_trades
        return self._wire.ask(
            f"trades of {place.symbol}", lambda: call(place.listed, since_ms, page, dict(parameters)), accept
        )

    def _latest_trades(self, place: Place, since_ms: int) -> list[ExchangeTrade]:
        found, is_whole = self._trade_page(place, None, {})
        oldest_ms = min((trade.time_ms for trade in found), default=since_ms)
        if not is_whole and oldest_ms > since_ms:
            raise MarketError(f"{self._wire.name} trades of {place.symbol} must reach back to {since_ms}, did not")
        return _each_once(trade for trade in found if trade.time_ms >= since_ms)

    def _flows_by(self, method: str, since_ms: int) -> list[Flow]:
        quirks = self._wire.quirks
        call: Callable[..., Any] = getattr(self._wire.client, method)

        def accept(answer: Any) -> list[Flow]:
            rows = answers.rows(answer, self._wire.raw, quirks, "flows")
            if len(answers.container(self._wire.raw, quirks)) >= quirks.flows_page:
                raise InvalidAnswer(f"must be fewer than {quirks.flows_page} entries, for more are not told")
            if method == "fetch_ledger":
                moves = [row for row in rows if row.get("type") in _MOVES]
                return [answers.flow(row, row.get("direction") == "in", quirks) for row in moves]
            done = [row for row in rows if row.get("status") == "ok"]
            return [answers.flow(row, method == "fetch_deposits", quirks) for row in done]

        since = since_ms // SECOND_MS if quirks.flows_in_seconds else since_ms
        found = self._wire.ask(
            "deposits and withdrawals",
            lambda: call(None, since, quirks.flows_page, dict(quirks.flows_filter)),
            accept,
        )
        return [flow for flow in found if flow.time_ms >= since_ms]


def _each_once(trades: Any) -> list[ExchangeTrade]:
    by_id: Mapping[str, ExchangeTrade] = {trade.id: trade for trade in trades}
    return sorted(by_id.values(), key=lambda trade: (trade.time_ms, trade.id))


def find(orders: Sequence[ExchangeOrder], client_order_id: str, exchange_id: str | None) -> ExchangeOrder | None:
    """Give the order of a client id, or of the exchange's own."""
    for order in orders:
        if order.client_order_id == client_order_id or (exchange_id is not None and order.exchange_id == exchange_id):
            return order
    return None
