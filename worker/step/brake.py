"""D: trip, latch and release the brakes, with a notice for each."""

from shared.enums import Cause, Level, NoticeKind
from shared.units import DAY_MS
from worker.jit import rule
from worker.risk.brakes import NOTHING, day_of, drawdown_brake, loss_fraction
from worker.risk.levels import set_levels
from worker.step.notice import BOT, PORTFOLIO, SLEEVE, notice


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


@rule
def _raise_marks(fleet) -> None:
    """Let the high-water marks rise while the brakes are off, so that they are true when they are switched on."""
    fleet.portfolio.high_water = max(fleet.portfolio.high_water, fleet.portfolio.equity)
    for sleeve in fleet.sleeves:
        sleeve.high_water = max(sleeve.high_water, sleeve.equity)
    for bot in fleet.bots:
        bot.high_water = max(bot.high_water, bot.equity)


@rule
def _brake_drawdowns(fleet, close_ms: int) -> None:
    rules, portfolio, bots = fleet.rules, fleet.portfolio, fleet.bots
    limit = rules.portfolio_drawdown
    kind = drawdown_brake(portfolio, limit, rules.warn_at, Level.FLATTEN.value)
    if kind != NOTHING:
        _notice_drawdown(fleet, PORTFOLIO, 0, kind, portfolio, limit, close_ms)
    for s in range(len(fleet.sleeves)):
        kind = drawdown_brake(fleet.sleeves[s], rules.sleeve_drawdown, rules.warn_at, Level.NO_ENTRIES.value)
        if kind != NOTHING:
            _notice_drawdown(fleet, SLEEVE, s, kind, fleet.sleeves[s], rules.sleeve_drawdown, close_ms)
    for b in range(len(bots)):
        kind = drawdown_brake(bots[b], rules.bot_drawdown, rules.warn_at, Level.NO_ENTRIES.value)
        if kind != NOTHING:
            _notice_drawdown(fleet, BOT, b, kind, bots[b], rules.bot_drawdown, close_ms)


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
