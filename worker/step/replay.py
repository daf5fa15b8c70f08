"""The step over whole arrays, compiled."""

from worker.jit import compile_in_place, rule
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.step.step import close_next_bar, open_bar

# At most this many fills of one bot in one bar besides its rungs: close, open and a protective exit.
FILLS_PER_BOT = 3
# At most this many notices of one scope in one bar.
NOTICES_PER_SCOPE = 4


@rule
def load_bar(fleet, columns, t: int) -> None:
    """Put bar `t` of the columns into the records the step reads, so that it can see no other."""
    _load_markets(fleet.markets, columns, t)
    _load_signals(fleet.signals, columns, t)


@rule
def _load_markets(markets, columns, t: int) -> None:
    opens, highs, lows, closes = columns.open, columns.high, columns.low, columns.close
    status, funding_rate = columns.status, columns.funding_rate
    for m in range(len(markets)):
        market = markets[m]
        market.open = opens[m, t]
        market.high = highs[m, t]
        market.low = lows[m, t]
        market.close = closes[m, t]
        market.status = status[m, t]
        market.funding_rate = funding_rate[m, t]


@rule
def _load_signals(signals, columns, t: int) -> None:
    band_low, band_high, stops, targets = columns.band_low, columns.band_high, columns.stop, columns.target
    series_of, atr_fraction, closed = columns.series, columns.atr_fraction, columns.closed
    has_exits = stops.shape[1] > 1
    for k in range(len(signals)):
        signal = signals[k]
        series = series_of[k]
        signal.low = band_low[k, t]
        signal.high = band_high[k, t]
        if has_exits:
            signal.stop = stops[k, t]
            signal.target = targets[k, t]
        signal.atr_fraction = atr_fraction[series, t]
        signal.closed = closed[series, t]


@rule
def record_bar(fleet, curves, t: int) -> None:
    """Write what bar `t` left into the curves."""
    curves.equity[t] = fleet.portfolio.equity
    curves.exposure[t] = fleet.portfolio.gross_exposure
    sleeves, sleeve_equity = fleet.sleeves, curves.sleeve_equity
    for s in range(sleeve_equity.shape[0]):
        sleeve_equity[s, t] = sleeves[s].equity
    bots, bot_equity = fleet.bots, curves.bot_equity
    if bot_equity.shape[1] > 0:
        for b in range(len(bots)):
            bot_equity[b, t] = bots[b].equity
    _count_reasons(bots, fleet.markets, curves.reasons, curves.held)
    if fleet.portfolio.rebalanced == 1:
        _record_rebalance(fleet, curves)


@rule
def _count_reasons(bots, markets, reasons, held) -> None:
    for b in range(len(bots)):
        bot = bots[b]
        reasons[b, bot.reason] += 1
        if not is_flat(bot, markets[bot.market]):
            held[b] += 1


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
    for t in range(start, stop):
        if not has_room(fleet, curves):
            return t
        load_bar(fleet, columns, t)
        open_bar(fleet, columns.open_ms[t])
        close_next_bar(fleet, columns.open_ms[t])
        record_bar(fleet, curves, t)
    return stop


@compile_in_place
def replay_bars(fleet, columns, curves, start: int, stop: int) -> int:
    """Do what `step_bars` does, compiled: records are rows of structured arrays."""
    return step_bars(fleet, columns, curves, start, stop)
