"""What an exchange lists, checked: its markets, what it demands of orders there, and its time."""

from decimal import Decimal, InvalidOperation
from typing import Any

import ccxt

from worker.exchange.protocol import SymbolRules


class InvalidAnswer(Exception):
    """An answer that cannot be true; ccxt lets broken bodies pass as empty ones."""


def listed_markets(markets: Any, kind: str) -> dict[str, dict[str, Any]]:
    """Give the markets of a kind (`spot`, `swap`) by symbol. Raises InvalidAnswer where there is none of it."""
    if not isinstance(markets, dict):
        raise InvalidAnswer(f"was {shortened(markets)}")
    of_kind = {symbol: market for symbol, market in markets.items() if isinstance(market, dict) and market.get(kind)}
    if not of_kind:
        raise InvalidAnswer(f"held no {kind} market among {len(markets)}")
    return of_kind


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
    return SymbolRules(
        step=_times(_step(precision.get("amount"), precision_mode), per_contract),
        min_quantity=_times(_positive(amount.get("min")), per_contract),
        min_notional=_positive(limits.get("cost", {}).get("min")),
        tick=_step(precision.get("price"), precision_mode),
        max_market_quantity=_times(largest or _positive(amount.get("max")), per_contract),
        per_contract=per_contract,
        is_trading=market.get("active") is not False,
    )


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
