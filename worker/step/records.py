"""The records one step reads and writes.

Each is declared once, as a dataclass of floats and ints, and has two forms with the same attribute access: instances
of the class (the live worker: plain Python) and rows of a structured array (the compiled replay); `forms.py` goes
between them. Quantities are signed base units, money is quote, times are milliseconds
UTC; flags are 0 or 1; an index of -1 means none. What is counted is in `units` of the market, signed: whole numbers of
the asset's smallest unit, of which `quantity` is the base quantity.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.enums import Reason
from worker.step.scopes import Levels

NAN = float("nan")


@dataclass(slots=True)
class Bot(Levels):
    """One strategy with one parameter set on one market: what it is, what a restart needs, and its last decision."""

    # what it is
    sleeve: int = 0
    market: int = 0
    signal: int = 0
    retiring: int = 0
    failed: int = 0
    fixed_weight: float = 1.0
    horizon_root: float = 1.0
    volatility_scale: float = 1.0
    # money and position
    cash: float = 0.0
    units: int = 0
    quantity: float = 0.0
    entry_price: float = 0.0
    opened_units: int = 0
    opened_ms: int = 0
    best_price: float = 0.0
    worst_price: float = 0.0
    last_fill_ms: int = -(2**62)
    money_in: float = 0.0
    fees_paid: float = 0.0
    funding_paid: float = 0.0
    # protection: fractions frozen when the position opened; 0 is none
    stop_fraction: float = 0.0
    target_fraction: float = 0.0
    exit_level: float = 0.0
    is_trailed: int = 0
    rungs_fired: int = 0
    open_fraction: float = 1.0
    lock_sign: int = 0
    # marks
    equity: float = 0.0
    settled_equity: float = 0.0
    high_water: float = 0.0
    warned_drawdown: int = 0
    # allocation
    allocation: float = 0.0
    weight: float = 0.0
    return_mean: float = 0.0
    return_variance: float = 0.0
    steps_seen: int = 0
    score: float = 0.0
    profit_since_rebalance: float = 0.0
    # confirmation and frozen size
    confirmed: float = 0.0
    streak_sign: int = 0
    streak_bars: int = 0
    unconfirmed: int = 0
    sized_exposure: float = 0.0
    target_units: int = 0
    # the order decided for the next open; the part of it that crosses in house
    order_units: int = 0
    crossed_units: int = 0
    order_trigger: int = 0
    order_stop: float = 0.0
    order_target: float = 0.0
    # a protective exit that was asked for and is not known to be filled, with the price the model gives it
    exit_units: int = 0
    exit_trigger: int = 0
    exit_price: float = 0.0
    # an order of the bot's is not known to be anything; the worst it may come to, in quote, counts as though held
    unresolved: int = 0
    reserved: float = 0.0
    # the decision of the last step
    low: float = NAN
    high: float = NAN
    reason: int = Reason.WARMUP.value
    reason_value: float = NAN
    reason_limit: float = NAN
    ordered: int = 0
    # the last rebalance
    new_allocation: float = 0.0
    flow: float = 0.0


@dataclass(slots=True)
class Market:
    """One symbol on one account: its rules, its present bar, and the order the fleet sends there.

    A missing bar carries the last close in all four prices; before the first bar they are 0.
    """

    # the asset's smallest unit, one of the two is 1; the symbol's step and its smallest quantity
    coins_per_unit: float = 1.0
    units_per_coin: float = 1e8
    step_units: int = 1
    min_units: int = 1
    min_notional: float = 5.0
    # its account, by its place among those of the fleet; what is left of the most that may be held there, in quote
    account_index: int = 0
    account_room: float = math.inf
    # the exchange holds another quantity than the books
    differs: int = 0
    # what the account pays of the value of a fill, and of one whose order rested
    fee_rate: float = 0.0
    maker_fee_rate: float = 0.0
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    # the close of the last bar there was, which a missing one is valued at; the live worker's
    price_ms: int = 0
    status: int = 1
    funding_rate: float = 0.0
    # the extremes within which an order may rest in this bar, and the price when that time is over
    patience_low: float = 0.0
    patience_high: float = 0.0
    patience_close: float = 0.0
    # an execution of the order: its price, how far slippage moved that and what of its value it costs, whether what
    # opens is dropped, and the price in house (0 where there is no execution)
    fill_price: float = 0.0
    fill_slippage: float = 0.0
    fill_fee_rate: float = 0.0
    entries_lapse: int = 0
    cross_price: float = 0.0
    # netting: wishes of both sides, whether all are whole steps, the largest bot of each
    buy_units: int = 0
    sell_units: int = 0
    whole_wishes: int = 1
    largest_buyer: int = -1
    largest_seller: int = -1
    # of the larger side: what is still to cross, what is still to be asked, and what rounding leaves (not signed)
    cross_left: int = 0
    side_left: int = 0
    rounding_left: int = 0
    # what reaches the exchange
    order_units: int = 0
    # exposure as decided so far, for the caps; of its bots, taken at the start of a step
    exposure: float = 0.0
    reserved: float = 0.0


@dataclass(slots=True)
class Account:
    """What the bots of one account had at the last rebalance, and what the weights asked for them, in quote.

    The first account has the portfolio's own cash too. Positions, and what orders under way may come to, are together
    worth no more than `most`.
    """

    equity: float = 0.0
    asked: float = 0.0
    most: float = math.inf


@dataclass(slots=True)
class Signal:
    """What one strategy with one parameter set says of one market at this step.

    `stop` and `target` are fractions of the price, 0 for none; `closed` is 1 where a bar of the strategy's own
    timeframe closed with this step, else the band is the last one.
    """

    low: float = NAN
    high: float = NAN
    stop: float = 0.0
    target: float = 0.0
    atr_fraction: float = NAN
    closed: int = 1


@dataclass(slots=True)
class Rung:
    """Take `fraction` of the position as first opened off at a profit of `profit`; rungs that sum to 1 take all."""

    profit: float = 0.0
    fraction: float = 0.0


class Fleet(NamedTuple):
    """Everything a step touches, in either form.

    `runs` and `first_bots`, the first bot of each signal or -1, follow from the bots, and so do the `watches`. The rest
    is scratch: rows of `equities`, the bots that are `awake` or `ordering`, `weights` and `pinned`.
    """

    rules: Any
    portfolio: Any
    sleeves: Any
    bots: Any
    accounts: Any
    markets: Any
    signals: Any
    ladder: Any
    journal: Any
    fills: Any
    notices: Any
    watches: Any
    runs: Any
    first_bots: Any
    equities: Any
    awake: Any
    ordering: Any
    weights: Any
    pinned: Any
    scratch: Any
