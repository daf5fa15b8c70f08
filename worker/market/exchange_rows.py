"""What an exchange answers, checked and turned into what the worker uses."""

import logging
from math import isfinite
from typing import Any

import ccxt
import numpy as np

from worker.market.exchange_client import InvalidAnswer
from worker.market.impossible import UNREADABLE_MS, broken_times, broken_values, first_flaw, show_cell
from worker.market.protocol import Limits
from worker.strategies.bars import Bars, make_bars, no_bars

log = logging.getLogger(__name__)


def candle_rows(rows: Any, step_ms: int) -> Bars:
    """Turn `[[open time, open, high, low, close, volume], …]` into bars, oldest first.

    Rows said twice are taken once. Rows that cannot be true are left out, so that one bad candle in an exchange's
    history does not hide all others: it is missing. Raises InvalidAnswer where that leaves none, and where a time is
    off the grid or has two different candles.
    """
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) >= 6 for row in rows):
        raise InvalidAnswer(f"was {_shortened(rows)}")
    if not rows:
        return no_bars()
    try:
        table = np.unique(np.array([row[:6] for row in rows], np.float64), axis=0)
    except (TypeError, ValueError) as error:
        raise InvalidAnswer(f"was {_shortened(rows)}") from error
    times_ms = np.where(np.isfinite(table[:, 0]), table[:, 0], UNREADABLE_MS).astype(np.int64)
    bars = make_bars(times_ms, *(table[:, column].copy() for column in range(1, 6)))
    if flaw := first_flaw(broken_times(bars.open_ms, step_ms), show_cell(bars)):
        raise InvalidAnswer(f"row {flaw.row + 1}: {flaw.sentence}")
    return _possible(bars)


def _possible(bars: Bars) -> Bars:
    rules = broken_values(bars)
    flaw = first_flaw(rules, show_cell(bars))
    if flaw is None:
        return bars
    impossible = np.unique(np.concatenate([rule.rows for rule in rules]))
    if len(impossible) == len(bars):
        raise InvalidAnswer(f"row {flaw.row + 1}: {flaw.sentence}")
    log.warning("%d of %d candles left out, row %d: %s", len(impossible), len(bars), flaw.row + 1, flaw.sentence)
    return bars[np.delete(np.arange(len(bars)), impossible)]


def funding_rows(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Turn ccxt's funding history into ascending times (int64 ms) and rates. Raises InvalidAnswer."""
    if not isinstance(rows, list):
        raise InvalidAnswer(f"was {_shortened(rows)}")
    rates: dict[int, float] = {}
    for row in rows:
        time_ms, rate = (row.get("timestamp"), row.get("fundingRate")) if isinstance(row, dict) else (None, None)
        if not isinstance(time_ms, int) or not isinstance(rate, (int, float)) or not abs(rate) < 1.0:
            raise InvalidAnswer(f"had {_shortened(row)}")
        rates[time_ms] = float(rate)
    times = sorted(rates)
    return np.array(times, np.int64), np.array([rates[time_ms] for time_ms in times], np.float64)


def listed_markets(markets: Any, kind: str) -> dict[str, Any]:
    """Give the markets of a kind (`spot`, `swap`) by symbol. Raises InvalidAnswer where there is none of it."""
    if not isinstance(markets, dict):
        raise InvalidAnswer(f"was {_shortened(markets)}")
    of_kind = {symbol: market for symbol, market in markets.items() if isinstance(market, dict) and market.get(kind)}
    if not of_kind:
        raise InvalidAnswer(f"held no {kind} market among {len(markets)}")
    return of_kind


def server_time_ms(answer: Any) -> int:
    """Give the exchange's time. Raises InvalidAnswer."""
    if not isinstance(answer, int) or answer <= 0:
        raise InvalidAnswer(f"was {_shortened(answer)}")
    return answer


def market_limits(market: dict[str, Any], precision_mode: int) -> Limits:
    """Give the limits of a market in base units; where it does not say, the defaults."""
    per_contract = _positive(market.get("contractSize")) or 1.0 if market.get("contract") else 1.0
    precision = _positive(market.get("precision", {}).get("amount"))
    if precision is not None and precision_mode == ccxt.DECIMAL_PLACES:
        precision = 10.0**-precision
    elif precision_mode == ccxt.SIGNIFICANT_DIGITS:
        precision = None
    limits = market.get("limits", {})
    smallest = _positive(limits.get("amount", {}).get("min"))
    default = Limits()
    step = default.quantity_step if precision is None else precision * per_contract
    return Limits(
        step,
        max(step, default.min_quantity if smallest is None else smallest * per_contract),
        _positive(limits.get("cost", {}).get("min")),
    )


def _positive(number: Any) -> float | None:
    return float(number) if isinstance(number, (int, float)) and isfinite(number) and number > 0 else None


def _shortened(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 80 else f"{text[:77]}..."
