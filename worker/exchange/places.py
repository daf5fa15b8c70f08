"""The markets of an account, by the names of the settings."""

from collections.abc import Mapping
from typing import Any

from shared.errors import ConfigurationError, MarketRefusal
from worker.exchange.answers import Place
from worker.exchange.listing import find_market, symbol_rules


class Places(dict[str, Place]):
    """Where each symbol is traded; one that was not connected, as the pair of a fee's coin, is looked for when asked.

    A symbol that is not listed raises MarketRefusal.
    """

    def __init__(self, exchange: str, kind: str) -> None:
        super().__init__()
        self._exchange = exchange
        self._kind = kind
        self._precision_mode = 0
        self.listed: Mapping[str, dict[str, Any]] = {}

    def read(self, listed: Mapping[str, dict[str, Any]], precision_mode: int) -> None:
        """Take in a listing."""
        self.listed, self._precision_mode = listed, precision_mode

    def __missing__(self, symbol: str) -> Place:
        try:
            market = find_market(symbol, self.listed, self._exchange, self._kind)
        except ConfigurationError as error:
            words = str(error)
        else:
            place = Place(symbol, str(market["symbol"]), symbol_rules(market, self._precision_mode).per_contract)
            self[symbol] = place
            return place
        raise MarketRefusal(words)
