"""Which candles a market of the fleet goes by: those of the exchange of its account, under a name of their own."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from shared.errors import ConfigurationError
from shared.settings import Settings
from worker.fleet.plan import planned_bots


class CandlePlace(NamedTuple):
    """Where candles come from: one exchange and one kind of market; `endpoint` stands in its place."""

    exchange: str
    kind: str
    endpoint: str | None = None

    @property
    def name(self) -> str:
        """Name what its candles are kept under."""
        return ":".join(filter(None, self))


def market_place(settings: Settings) -> CandlePlace:
    """Give the place of `[market]`."""
    market = settings.market
    return CandlePlace(market.exchange, market.exchange_type, market.endpoint)


def candle_place(settings: Settings, account: str, symbol: str) -> CandlePlace:
    """Give where the candles of an account's symbol come from.

    On paper what an account does not name is that of `[market]`.
    """
    own, usual = settings.account(account), market_place(settings)
    named = own.model_fields_set if settings.broker.kind == "paper" else type(own).model_fields.keys()
    exchange = own.exchange if "exchange" in named else usual.exchange
    kind = own.type if "type" in named else usual.kind
    if kind == "unified":
        kind = "swap" if ":" in symbol else "spot"
    is_elsewhere = exchange != usual.exchange
    endpoint = own.endpoint if "endpoint" in named or is_elsewhere else usual.endpoint
    return CandlePlace(exchange, kind, endpoint)


def series_name(settings: Settings, account: str, symbol: str) -> str:
    """Name the candles of an account's symbol: by the symbol, and elsewhere than at `[market]` by the place too."""
    if settings.market.kind != "ccxt":
        return symbol
    place = candle_place(settings, account, symbol)
    return symbol if place == market_place(settings) else f"{symbol}@{place.exchange}:{place.kind}"


def candle_sources(settings: Settings, in_books: Mapping[str, Collection[str]]) -> dict[str, tuple[CandlePlace, str]]:
    """Give each series of the fleet its place and symbol; `in_books` are symbols of bots there, by account.

    Raises ConfigurationError where accounts on one exchange are reached at different addresses.
    """
    pairs = [(bot.account, bot.symbol) for bot in planned_bots(settings)]
    pairs += [(account, symbol) for account, symbols in in_books.items() for symbol in symbols]
    sources: dict[str, tuple[CandlePlace, str]] = {}
    for account, symbol in pairs:
        series, place = series_name(settings, account, symbol), candle_place(settings, account, symbol)
        known, _ = sources.setdefault(series, (place, symbol))
        if known != place:
            raise ConfigurationError(
                f"accounts.{account}.endpoint must be that of the other accounts on {place.exchange}, "
                f"{known.endpoint or 'unset'}, was {place.endpoint or 'unset'}"
            )
    return sources
