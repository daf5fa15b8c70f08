"""The step over whole arrays, compiled."""

import math

from shared.enums import OrderStyle, Reason
from worker.jit import compile_in_place, rule
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.step.net import list_orders
from worker.step.rest import can_rest, wake_contradicted
from worker.step.step import decide, open_next_bar, put_back, take_bar
from worker.step.watch import watch_all

# At most this many fills of one bot in one bar besides its rungs: close, open and a protective exit.
FILLS_PER_BOT = 3
# At most this many notices of one scope in one bar.
NOTICES_PER_SCOPE = 4


@rule
def load_bar(fleet, columns, t: int) -> None:
    """Put bar `t` of the columns into the records the step reads, so that it can see no other."""
    load_markets(fleet, columns, t)
    load_bands(fleet, columns, t)
    for k in range(len(fleet.signals)):
        load_signal(fleet.signals[k], columns, k, t)


@rule
def load_markets(fleet, columns, t: int) -> None:
    """Put the prices of a bar, how it arrived and its funding into the markets' records."""
    opens, highs, lows, closes = columns.open, columns.high, columns.low, columns.close
    status, funding_rate, markets = columns.status, columns.funding_rate, fleet.markets
    for m in range(len(markets)):
        market = markets[m]
        market.open = opens[m, t]
        market.high = highs[m, t]
        market.low = lows[m, t]
        market.close = closes[m, t]
        market.status = status[m, t]
        if funding_rate.shape[1] > 1:
            market.funding_rate = funding_rate[m, t]
    if fleet.rules.order_style == OrderStyle.MAKER:
        _load_patience(markets, columns, t)


@rule
def _load_patience(markets, columns, t: int) -> None:
    lows, highs, closes = columns.patience_low, columns.patience_high, columns.patience_close
    for m in range(len(markets)):
        market = markets[m]
        market.patience_low = lows[m, t]
        market.patience_high = highs[m, t]
        market.patience_close = closes[m, t]


@rule
def load_bands(fleet, columns, t: int) -> None:
    """Put the bands that change with a bar into the signals' records, and wake whom they contradict."""
    bands = columns.bands
    for row in range(bands.first[t], bands.first[t + 1]):
        k = bands.signal[row]
        signal = fleet.signals[k]
        signal.low = bands.low[row]
        signal.high = bands.high[row]
        # A band whose ATR is not known is as none.
        is_known = not math.isnan(columns.atr_fraction[columns.series[k], t])
        wake_contradicted(fleet.watches, fleet.first_bots[k], signal.low if is_known else math.nan, signal.high)


@rule
def load_signal(signal, columns, k: int, t: int) -> None:
    """Put what a signal says at a bar, its band apart, into its record."""
    series = columns.series[k]
    signal.atr_fraction = columns.atr_fraction[series, t]
    signal.closed = columns.closed[series, t]
    if columns.stop.shape[1] > 1:
        signal.stop = columns.stop[k, t]
        signal.target = columns.target[k, t]


@rule
def _load_signals(fleet, columns, curves, t: int) -> None:
    """Load the signals of the bots that are awake, and count what those that woke have rested."""
    for i in range(fleet.scratch.awake):
        b = fleet.awake[i]
        k = fleet.bots[b].signal
        load_signal(fleet.signals[k], columns, k, t)
        count_rest(fleet.bots[b], fleet.watches[b], curves, b, t)


@rule
def count_rest(bot, watch, curves, b: int, t: int) -> None:
    """Count the bars before `t` in which a bot was at rest."""
    if not math.isnan(watch.rest):
        curves.reasons[b, bot.reason] += t - watch.since
        curves.held[b] += t - watch.since if bot.reason == Reason.HOLD else 0
        watch.rest = math.nan


@rule
def record_bar(fleet, curves, t: int) -> None:
    """Write what bar `t` left into the curves, and let those rest that can."""
    curves.equity[t] = fleet.portfolio.equity
    curves.exposure[t] = fleet.portfolio.gross_exposure
    sleeves, sleeve_equity = fleet.sleeves, curves.sleeve_equity
    for s in range(sleeve_equity.shape[0]):
        sleeve_equity[s, t] = sleeves[s].equity
    bot_equity, equities = curves.bot_equity, fleet.equities[fleet.scratch.row]
    if bot_equity.shape[1] > 0:
        for b in range(len(equities)):
            bot_equity[b, t] = equities[b]
    if fleet.portfolio.rebalanced == 1:
        _record_rebalance(fleet, curves)
    for i in range(fleet.scratch.awake):
        _record_bot(fleet, curves, fleet.awake[i], t)


@rule
def _record_bot(fleet, curves, b: int, t: int) -> None:
    bot, watch = fleet.bots[b], fleet.watches[b]
    market = fleet.markets[bot.market]
    curves.reasons[b, bot.reason] += 1
    curves.held[b] += 0 if is_flat(bot, market) else 1
    if can_rest(bot, market, fleet.rules):
        watch.rest = bot.confirmed
        watch.since = t + 1
        watch.awake = 0


@rule
def _record_rebalance(fleet, curves) -> None:
    row = curves.used[0]
    curves.used[0] += 1
    curves.rebalance_ms[row] = fleet.portfolio.time_ms + fleet.rules.step_ms
    for b in range(len(fleet.bots)):
        curves.allocations[row, b] = fleet.bots[b].allocation
        curves.flows[row, b] = fleet.bots[b].flow


@rule
def has_room(fleet, curves) -> bool:
    """Say whether the journal and the curves can take what one more bar may write."""
    bots = len(fleet.bots)
    fills = bots * (FILLS_PER_BOT + len(fleet.ladder))
    notices = NOTICES_PER_SCOPE * (bots + len(fleet.sleeves) + 1)
    return (
        fleet.journal.fills + fills <= len(fleet.fills)
        and fleet.journal.notices + notices <= len(fleet.notices)
        and curves.used[0] < len(curves.rebalance_ms)
    )


@rule
def step_bars(fleet, columns, curves, start: int, stop: int) -> int:
    """Step bars `start` to `stop`; give the bar it stopped before, earlier where the journal was full."""
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    watch_all(fleet, 1)
    list_orders(fleet)
    t = start
    while t < stop and has_room(fleet, curves):
        load_markets(fleet, columns, t)
        load_bands(fleet, columns, t)
        open_next_bar(fleet, columns.open_ms[t])
        take_bar(fleet, columns.open_ms[t])
        _load_signals(fleet, columns, curves, t)
        decide(fleet)
        record_bar(fleet, curves, t)
        t += 1
    _end(fleet, columns, curves, start, t)
    return t


@rule
def _end(fleet, columns, curves, start: int, stop: int) -> None:
    """Bring the records up to date with the last bar, if there was one."""
    if stop > start:
        for b in range(len(fleet.bots)):
            count_rest(fleet.bots[b], fleet.watches[b], curves, b, stop)
        for k in range(len(fleet.signals)):
            load_signal(fleet.signals[k], columns, k, stop - 1)
        put_back(fleet)


@compile_in_place
def replay_bars(fleet, columns, curves, start: int, stop: int) -> int:
    """Do what `step_bars` does, compiled: records are rows of structured arrays."""
    return step_bars(fleet, columns, curves, start, stop)
