"""A ccxt client that only reads: made from the settings, pointed where they say, without keys."""

from difflib import get_close_matches

import ccxt

from shared.errors import ConfigurationError
from shared.settings import MarketSettings
from worker.exchange.transport import ReadOnlyAdapter, loopback


def make_client(settings: MarketSettings) -> ccxt.Exchange:
    """Make the client of `market.exchange`, without keys. Raises ConfigurationError; touches no network."""
    if settings.exchange not in ccxt.exchanges:
        near = get_close_matches(settings.exchange, ccxt.exchanges, 3, 0.5)
        hint = f", near are {', '.join(near)}" if near else ""
        raise ConfigurationError(f"market.exchange must be one ccxt knows, was {settings.exchange!r}{hint}")
    adapter = ReadOnlyAdapter(loopback("market.endpoint", settings.endpoint))
    client = getattr(ccxt, settings.exchange)(
        {"timeout": round(settings.timeout_seconds * 1000), "options": {"defaultType": settings.exchange_type}}
    )
    _load_only(client, {"spot": ("spot",), "swap": ("swap", "linear")}[settings.exchange_type])
    for scheme in ("https://", "http://"):
        client.session.mount(scheme, adapter)
    return client


def _load_only(client: ccxt.Exchange, kinds: tuple[str, ...]) -> None:
    """Ask for the listings of one kind of market only, where the exchange keeps several."""
    option = client.options.get("fetchMarkets")
    if isinstance(option, dict) and isinstance(option.get("types"), list):
        option["types"] = [kind for kind in option["types"] if kind in kinds] or option["types"]
