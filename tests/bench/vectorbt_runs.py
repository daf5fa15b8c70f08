"""The bots of the bare loop in vectorbt, for a Python that has it: each line asked for is a run.

Timed is what it takes from the prices of each symbol: signals, prices of each bot, and the simulation of all columns at
once. What a close decides is filled at the next open.
"""

import json
import sys
import time
from pathlib import Path

FEE_RATE, SLIPPAGE, MONEY = 0.001, 0.0005, 1e8


def main(folder: Path) -> None:
    """Answer with CPU seconds, trades and money."""
    import numpy as np
    import pandas as pd
    import vectorbt as vbt
    from numba import njit

    opens, highs, lows, closes = np.load(folder / "prices.npy")
    bots = [
        (row, strategy, tuple(parameters))
        for row, strategy, parameters in json.loads((folder / "bots.json").read_text())
    ]

    @njit
    def deviation(values, bars):
        found = np.full(len(values), np.nan)
        for t in range(bars - 1, len(values)):
            window = values[t + 1 - bars : t + 1]
            total = 0.0
            for value in window:
                total += value
            mean, total = total / bars, 0.0
            for value in window:
                total += abs(value - mean)
            found[t] = total / bars
        return found

    def average(row, bars):
        return vbt.MA.run(pd.Series(closes[row]), bars).ma.to_numpy()

    def latch(up, down):
        return pd.Series(np.where(up, 1.0, np.where(down, 0.0, np.nan))).ffill().fillna(0.0).to_numpy()

    def mean_reversion(row, bars, width):
        close, mean = closes[row], average(row, int(bars))
        reach = width * deviation(close, int(bars))
        return latch(close < mean - reach, close >= mean) - latch(close > mean + reach, close <= mean)

    def breakout(row, bars):
        top = pd.Series(highs[row]).vbt.rolling_max(int(bars)).shift(1).to_numpy()
        bottom = pd.Series(lows[row]).vbt.rolling_min(int(bars)).shift(1).to_numpy()
        above, below = closes[row] > top, closes[row] < bottom
        return latch(above, below) - latch(below, above)

    def trend_following(row, fast, slow):
        short, long = average(row, int(fast)), average(row, int(slow))
        return latch(short > long, short < long) - latch(short < long, short > long)

    rules = {rule.__name__: rule for rule in (mean_reversion, breakout, trend_following)}

    def run():
        wanted = np.column_stack([rules[strategy](row, *parameters) for row, strategy, parameters in bots])
        held = np.vstack([np.zeros(len(bots)), wanted[:-1]])
        before = np.vstack([np.zeros(len(bots)), held[:-1]])
        open_of, close_of = (pd.DataFrame(rows[[row for row, *_ in bots]].T) for rows in (opens, closes))
        portfolio = vbt.Portfolio.from_orders(
            close_of,
            size=np.where(held != before, held, np.nan),
            size_type="targetamount",
            price=open_of,
            fees=FEE_RATE,
            slippage=SLIPPAGE,
            init_cash=MONEY,
        )
        return int(portfolio.positions.count().sum()), float(portfolio.final_value().sum())

    for _ in sys.stdin:
        began = time.process_time()
        trades, money = run()
        print(json.dumps([time.process_time() - began, trades, money]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
