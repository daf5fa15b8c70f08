"""All figures of one scope over one stretch of time: what the backtest prints and the pages show."""

from dataclasses import dataclass

import numpy as np

from shared.metrics.activity import exposure, time_in_market, turnover
from shared.metrics.drawdowns import max_drawdown, max_drawdown_ms
from shared.metrics.equity import annual_return, daily_equity, flow_free_equity, returns, total_return
from shared.metrics.ratios import annual_volatility, calmar_ratio, sharpe_ratio, sortino_ratio, value_at_risk
from shared.metrics.round_trips import effective_interval, expectancy, profit_factor, win_rate, wins


@dataclass(frozen=True, slots=True)
class Activity:
    """What the bots of a scope traded and held.

    `profits_quote`: each round trip's, after fees. `notionals_quote`: quantity × price of each fill. `opened_ms`,
    `closed_ms`: each stretch a bot held a position, open ones closed at the last mark. `gross_quote`: Σ|quantity ×
    price| over bots at each mark, or None where it was not kept. `saved_quote`: fees and slippage saved by netting.
    `trials`: what the interval of the win rate counts (`independent`).
    """

    bots: int
    profits_quote: np.ndarray
    notionals_quote: np.ndarray
    opened_ms: np.ndarray
    closed_ms: np.ndarray
    gross_quote: np.ndarray | None
    fees_quote: float
    saved_quote: float
    orders: int
    fills: int
    trials: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of one scope, defined one by one in `docs/metrics.md`; NaN where one cannot be known."""

    start_ms: int
    end_ms: int
    start_equity_quote: float
    end_equity_quote: float
    total_return: float
    annual_return: float
    annual_volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    max_drawdown_ms: float
    value_at_risk: float
    profit_factor: float
    expectancy_quote: float
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    trials: int
    round_trips: int
    turnover: float
    fees_quote: float
    fees_saved_quote: float
    orders: int
    fills: int
    time_in_market: float
    exposure: float


def performance(
    time_ms: np.ndarray, equity: np.ndarray, activity: Activity, flows_quote: np.ndarray | None = None
) -> Performance:
    """Give all figures of one scope.

    `time_ms` (int64, strictly ascending) and `equity` are its marks, the money put in first. `flows_quote[i]` came in
    right after mark i, which does not hold it yet (transfers between bots are flows of a sleeve); returns, ratios and
    drawdowns are free of them. Raises ValueError without marks.
    """
    if not len(time_ms) or len(time_ms) != len(equity):
        raise ValueError(f"marks must be as many as their times and at least 1, was {len(equity)} of {len(time_ms)}")
    marks = equity if flows_quote is None else flow_free_equity(equity, flows_quote)
    daily = returns(daily_equity(time_ms, marks)[1])
    profits = activity.profits_quote
    low, high = effective_interval(wins(profits), len(profits), activity.trials)
    return Performance(
        start_ms=int(time_ms[0]),
        end_ms=int(time_ms[-1]),
        start_equity_quote=float(equity[0]),
        end_equity_quote=float(equity[-1]),
        total_return=total_return(marks),
        annual_return=annual_return(time_ms, marks),
        annual_volatility=annual_volatility(daily),
        sharpe_ratio=sharpe_ratio(daily),
        sortino_ratio=sortino_ratio(daily),
        calmar_ratio=calmar_ratio(time_ms, marks),
        max_drawdown=max_drawdown(marks),
        max_drawdown_ms=max_drawdown_ms(time_ms, marks),
        value_at_risk=value_at_risk(daily),
        profit_factor=profit_factor(profits),
        expectancy_quote=expectancy(profits),
        win_rate=win_rate(profits),
        win_rate_low=low,
        win_rate_high=high,
        trials=activity.trials,
        round_trips=len(profits),
        turnover=turnover(activity.notionals_quote, equity),
        fees_quote=activity.fees_quote,
        fees_saved_quote=activity.saved_quote,
        orders=activity.orders,
        fills=activity.fills,
        time_in_market=time_in_market(
            activity.opened_ms, activity.closed_ms, int(time_ms[0]), int(time_ms[-1]), activity.bots
        ),
        exposure=np.nan if activity.gross_quote is None else exposure(activity.gross_quote, equity),
    )
