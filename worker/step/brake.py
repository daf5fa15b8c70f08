"""D: trip, latch and release the brakes, with a notice for each."""

import math

from shared.enums import Cause, Level, NoticeKind
from shared.units import DAY_MS
from worker.jit import rule
from worker.risk.brakes import NOTHING, day_of, drawdown_brake, loss_fraction
from worker.risk.levels import set_levels
from worker.step.notice import BOT, PORTFOLIO, SLEEVE, notice
from worker.step.rest import wake_all

# More than what rounding makes of a drawdown.
ROUNDING = 1e-9


@rule
def brake(fleet, close_ms: int) -> None:
    """Hold every scope's drawdown and the day's loss against their limits, then set each bot's level."""
    noticed = fleet.journal.notices
    _start_day(fleet, close_ms)
    if fleet.rules.brakes == 1:
        _brake_day(fleet, close_ms)
        _brake_drawdowns(fleet, close_ms)
    else:
        _raise_marks(fleet)
    if fleet.journal.notices != noticed:
        set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
        wake_all(fleet)


@rule
def _raise_marks(fleet) -> None:
    """Let the high-water marks rise while the brakes are off, so that they are true when they are switched on."""
    fleet.portfolio.high_water = max(fleet.portfolio.high_water, fleet.portfolio.equity)
    for sleeve in fleet.sleeves:
        sleeve.high_water = max(sleeve.high_water, sleeve.equity)
    equities, watches, bots = fleet.equities[fleet.scratch.row], fleet.watches, fleet.bots
    for b in range(len(bots) if fleet.scratch.beyond == 1 else 0):
        bots[b].high_water = max(bots[b].high_water, equities[b])
        if fleet.scratch.goes_on == 1:
            watch_equity(bots[b], watches[b], fleet.rules)


@rule
def _brake_drawdowns(fleet, close_ms: int) -> None:
    rules, portfolio = fleet.rules, fleet.portfolio
    limit = rules.portfolio_drawdown
    kind = drawdown_brake(portfolio, limit, rules.warn_at, Level.FLATTEN.value)
    if kind != NOTHING:
        _notice_drawdown(fleet, PORTFOLIO, 0, kind, portfolio, limit, close_ms)
    for s in range(len(fleet.sleeves)):
        kind = drawdown_brake(fleet.sleeves[s], rules.sleeve_drawdown, rules.warn_at, Level.NO_ENTRIES.value)
        if kind != NOTHING:
            _notice_drawdown(fleet, SLEEVE, s, kind, fleet.sleeves[s], rules.sleeve_drawdown, close_ms)
    if fleet.scratch.beyond == 1:
        _brake_bots(fleet, close_ms)


@rule
def _brake_bots(fleet, close_ms: int) -> None:
    rules, bots, watches, equities = fleet.rules, fleet.bots, fleet.watches, fleet.equities[fleet.scratch.row]
    for b in range(len(bots)):
        if equities[b] > watches[b].ceiling or equities[b] <= watches[b].floor:
            bots[b].equity = equities[b]
            kind = drawdown_brake(bots[b], rules.bot_drawdown, rules.warn_at, Level.NO_ENTRIES.value)
            if kind != NOTHING:
                _notice_drawdown(fleet, BOT, b, kind, bots[b], rules.bot_drawdown, close_ms)
            if fleet.scratch.goes_on == 1:
                watch_equity(bots[b], watches[b], rules)


@rule
def watch_equity(bot, watch, rules) -> None:
    """Watch for equities at which a bot's brake has something to do: its mark moves, it trips or warns."""
    mark = bot.high_water
    least = math.inf
    if rules.brakes == 1 and bot.level_drawdown < Level.NO_ENTRIES:
        least = rules.bot_drawdown
    if rules.brakes == 1 and bot.warned_drawdown == 0:
        least = min(least, rules.bot_drawdown * rules.warn_at)
    # Without money, it may be bankrupt.
    watch.floor = max(mark * (1.0 - least + ROUNDING), 0.0) if mark > 0.0 else math.inf
    # At its mark a bot that was warned of forgets it.
    watch.ceiling = mark if bot.warned_drawdown == 0 else mark - ROUNDING * abs(mark)


@rule
def _notice_drawdown(fleet, scope_kind: int, index: int, kind: int, scope, limit: float, close_ms: int) -> None:
    value = loss_fraction(scope.equity, scope.high_water)
    notice(fleet, scope_kind, index, Cause.DRAWDOWN.value, kind, value, limit, close_ms)


@rule
def _start_day(fleet, close_ms: int) -> None:
    """Start a new UTC day from the last mark at or before its 00:00; the first starts from the money put in."""
    portfolio = fleet.portfolio
    day = day_of(close_ms)
    if portfolio.day < 0:
        portfolio.day = day
    if day == portfolio.day:
        return
    portfolio.day = day
    is_mark_at_midnight = close_ms % DAY_MS == 0
    portfolio.day_start_equity = portfolio.equity if is_mark_at_midnight else portfolio.settled_equity
    portfolio.warned_daily_loss = 0
    if portfolio.level_daily_loss != Level.RUNNING:
        portfolio.level_daily_loss = Level.RUNNING.value
        notice(
            fleet,
            PORTFOLIO,
            0,
            Cause.DAILY_LOSS.value,
            NoticeKind.RELEASED.value,
            0.0,
            fleet.rules.daily_loss,
            close_ms,
        )


@rule
def _brake_day(fleet, close_ms: int) -> None:
    portfolio = fleet.portfolio
    limit = fleet.rules.daily_loss
    loss = loss_fraction(portfolio.equity, portfolio.day_start_equity)
    cause = Cause.DAILY_LOSS.value
    if loss >= limit and portfolio.level_daily_loss < Level.NO_ENTRIES:
        portfolio.level_daily_loss = Level.NO_ENTRIES.value
        portfolio.warned_daily_loss = 1
        notice(fleet, PORTFOLIO, 0, cause, NoticeKind.TRIPPED.value, loss, limit, close_ms)
    elif loss >= limit * fleet.rules.warn_at and portfolio.warned_daily_loss == 0:
        portfolio.warned_daily_loss = 1
        notice(fleet, PORTFOLIO, 0, cause, NoticeKind.WARNED.value, loss, limit, close_ms)
