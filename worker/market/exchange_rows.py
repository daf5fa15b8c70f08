"""What an exchange answers, checked and turned into what the worker uses."""

import logging
from typing import Any

import numpy as np

from worker.exchange.listing import InvalidAnswer, shortened, symbol_rules
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
        raise InvalidAnswer(f"was {shortened(rows)}")
    if not rows:
        return no_bars()
    try:
        table = np.unique(np.array([row[:6] for row in rows], np.float64), axis=0)
    except (TypeError, ValueError) as error:
        raise InvalidAnswer(f"was {shortened(rows)}") from error
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
        raise InvalidAnswer(f"was {shortened(rows)}")
    rates: dict[int, float] = {}
    for row in rows:
        time_ms, rate = (row.get("timestamp"), row.get("fundingRate")) if isinstance(row, dict) else (None, None)
        if not isinstance(time_ms, int) or not isinstance(rate, (int, float)) or not abs(rate) < 1.0:
            raise InvalidAnswer(f"had {shortened(row)}")
        rates[time_ms] = float(rate)
    times = sorted(rates)
    return np.array(times, np.int64), np.array([rates[time_ms] for time_ms in times], np.float64)


def market_limits(market: dict[str, Any], precision_mode: int) -> Limits:
    """Give the limits of a market in base units; None where it does not say."""
    rules = symbol_rules(market, precision_mode)
    return Limits(
        *(None if limit is None else float(limit) for limit in (rules.step, rules.min_quantity, rules.min_notional))
    )
