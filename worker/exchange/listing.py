"""What an exchange lists, checked: its markets, what it demands of orders there, and its time."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

import ccxt

from shared.errors import ConfigurationError
from worker.exchange.protocol import SymbolRules

_DOWN = ("bidMultiplierDown", "askMultiplierDown")
_UP = ("bidMultiplierUp", "askMultiplierUp")


class InvalidAnswer(Exception):
    """An answer that cannot be true; ccxt lets broken bodies pass as empty ones."""


def listed_markets(markets: Any, *kinds: str) -> dict[str, dict[str, Any]]:
    """Give the markets of some kinds (`spot`, `swap`) by symbol. Raises InvalidAnswer where there is none of one."""
    if not isinstance(markets, dict):
        raise InvalidAnswer(f"was {shortened(markets)}")
    tables = {symbol: market for symbol, market in markets.items() if isinstance(market, dict)}
    for kind in kinds:
        if not any(market.get(kind) for market in tables.values()):
            raise InvalidAnswer(f"held no {kind} market among {len(markets)}")
    return {symbol: market for symbol, market in tables.items() if any(market.get(kind) for kind in kinds)}


def find_market(symbol: str, listed: Mapping[str, Any], exchange: str, kind: str) -> dict[str, Any]:
    """Find a symbol in the listing: `BTC/USDT` is the perpetual `BTC/USDT:USDT` where swaps alone are traded.

    Raises ConfigurationError.
    """
    quote = symbol.partition("/")[2]
    name = f"{symbol}:{quote}" if kind == "swap" and ":" not in symbol else symbol
    if name in listed:
        return dict(listed[name])
    near = get_close_matches(name, listed, 3, 0.5)
    hint = f", near are {', '.join(near)}" if near else ""
    raise ConfigurationError(
        f"symbol must be listed among the {len(listed)} {kind} markets of {exchange}, was {symbol!r}{hint}"
    )


def server_time_ms(answer: Any) -> int:
    """Give the exchange's time. Raises InvalidAnswer."""
    if not isinstance(answer, int) or answer <= 0:
        raise InvalidAnswer(f"was {shortened(answer)}")
    return answer


def symbol_rules(market: dict[str, Any], precision_mode: int) -> SymbolRules:
    """Give what a market demands of orders, in base units; None where it does not say."""
    per_contract = _positive(market.get("contractSize")) or Decimal(1) if market.get("contract") else Decimal(1)
    precision, limits = market.get("precision", {}), market.get("limits", {})
    amount, largest = limits.get("amount", {}), _positive(limits.get("market", {}).get("max"))
    low_band, high_band = _price_bands(market)
    return SymbolRules(
        step=_times(_step(precision.get("amount"), precision_mode), per_contract),
        min_quantity=_times(_positive(amount.get("min")), per_contract),
        min_notional=_positive(limits.get("cost", {}).get("min")),
        tick=_step(precision.get("price"), precision_mode),
        max_market_quantity=_times(largest or _positive(amount.get("max")), per_contract),
        low_band=low_band,
        high_band=high_band,
        per_contract=per_contract,
        is_trading=market.get("active") is not False,
        has_positions=bool(market.get("contract")),
    )


def _price_bands(market: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Give the narrowest of the bands that Binance's filters name."""
    info = market.get("info")
    filters = info.get("filters") if isinstance(info, dict) else None
    lows: list[Decimal] = []
    highs: list[Decimal] = []
    for rule in filters if isinstance(filters, list) else ():
        if isinstance(rule, dict) and str(rule.get("filterType", "")).startswith("PERCENT_PRICE"):
            lows += [low for key in ("multiplierDown", *_DOWN) if (low := _positive(rule.get(key)))]
            highs += [high for key in ("multiplierUp", *_UP) if (high := _positive(rule.get(key)))]
    return max(lows, default=None), min(highs, default=None)


def _step(precision: Any, precision_mode: int) -> Decimal | None:
    if precision_mode != ccxt.DECIMAL_PLACES:
        return _positive(precision) if precision_mode == ccxt.TICK_SIZE else None
    # 0 decimal places are a step of 1.
    return Decimal(1).scaleb(-precision) if isinstance(precision, int) else None


def _times(quantity: Decimal | None, per_contract: Decimal) -> Decimal | None:
    return None if quantity is None else quantity * per_contract


def _positive(number: Any) -> Decimal | None:
    """Read a number as the decimal it is written as."""
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        return None
    try:
        exact = Decimal(str(number))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() and exact > 0 else None


def shortened(answer: Any) -> str:
    """Write an answer in one line, its end left out where it is long."""
    text = repr(answer)
    return text if len(text) <= 80 else f"{text[:77]}..."
