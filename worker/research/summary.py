"""What a backtest found, as one plain dictionary for `summary.json` and as the sentences a person must not miss."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from shared.enums import Cause, NoticeKind, ScopeKind
from shared.money import Money
from shared.units import format_time, to_datetime
from worker.fleet.accounts import asked_across
from worker.fleet.idle import idle_settings
from worker.fleet.plan import FleetPlan
from worker.jit import kernel_digest
from worker.research.backtest import Backtest
from worker.research.figures import Figures, bot_figures
from worker.research.no_trades import idle_bots, idle_sentences, why_idle
from worker.step.journal import Notice

SCOPE_KINDS = tuple(ScopeKind)


def summarise(backtest: Backtest) -> dict[str, Any]:
    """Give everything but the rows: JSON types only, null where a figure cannot be known."""
    settings, replay, source = backtest.settings, backtest.replay, backtest.source
    portfolio, *sleeves = backtest.figures
    summary = {
        "kernel": kernel_digest(),
        "market": source.label,
        "from": iso_time(int(replay.open_ms[0])),
        "to": iso_time(int(replay.open_ms[-1]) + settings.step_ms),
        "timeframe": settings.portfolio.timeframe,
        "symbols": list(replay.plan.symbols),
        "profile": settings.profile,
        "settings_digest": settings.digest(),
        "bars": len(replay.open_ms),
        "bots": len(replay.plan.bots),
        "fills": len(replay.fills),
        "orders": replay.orders,
        "seconds": {name: round(seconds, 4) for name, seconds in backtest.seconds.items()},
        "warnings": warnings(backtest),
        "notes": notes(backtest),
        "portfolio": portfolio.values(),
        "by_sleeve": {figures.scope: figures.values() for figures in sleeves},
        "by_bot": bot_figures(replay, backtest.books),
        "no_trades": _no_trades(backtest),
        "brakes": [_brake(replay.plan, notice) for notice in replay.notices],
        "candles": [asdict(coverage) for coverage in source.coverage],
        "settings": settings.model_dump(mode="json"),
    }
    return plain(summary)


def _no_trades(backtest: Backtest) -> dict[str, Any]:
    """Give why the fleet made no trade, None where it made one, and why each bot did that made none."""
    replay, settings = backtest.replay, backtest.settings
    idle = idle_bots(replay)
    return {
        "fleet": why_idle(settings, replay, idle) if len(idle) == len(replay.plan.bots) else None,
        "by_bot": {replay.plan.bots[b].name: why_idle(settings, replay, [b]) for b in idle},
    }


def warnings(backtest: Backtest) -> list[str]:
    """Say what must not be missed: who made no trade and why, the brakes that tripped, and who lost money."""
    replay = backtest.replay
    return [
        *idle_sentences(backtest.settings, replay),
        *brake_sentences(replay.plan, replay.notices),
        *loss_sentences(backtest.figures, backtest.settings.portfolio.money),
    ]


def notes(backtest: Backtest) -> list[str]:
    """Say what the figures rest on: what is simulated, and what the candles lack."""
    said = []
    portfolio = backtest.settings.portfolio
    spot = [symbol for symbol in backtest.replay.plan.symbols if ":" not in symbol]
    if portfolio.allow_short and spot:
        named = "is named as a spot market" if len(spot) == 1 else "are named as spot markets"
        said.append(
            f"Shorts are a simulation: allow_short is on, and {', '.join(spot)} {named}, which cannot be sold short "
            "without borrowing; portfolio.allow_short=false is long only"
        )
    if not backtest.settings.risk.brakes:
        said.append("The brakes were off (risk.brakes=false)")
    accounts, names = backtest.replay.fleet.accounts, backtest.replay.plan.accounts
    asked = asked_across(names, accounts["asked"].tolist(), accounts["equity"].tolist(), portfolio.money)
    if asked:
        said.append(f"At the last rebalance {asked}")
    return said + idle_settings(backtest.settings, backtest.replay.plan) + backtest.source.notes()


def brake_sentences(plan: FleetPlan, notices: Iterable[Notice]) -> list[str]:
    """Say which brakes tripped and when, the widest scope first."""
    tripped = [notice for notice in notices if notice.kind == NoticeKind.TRIPPED]
    falls = [notice for notice in tripped if notice.cause == Cause.DRAWDOWN]
    by_kind = {kind: [fall for fall in falls if SCOPE_KINDS[fall.scope_kind] == kind] for kind in SCOPE_KINDS}
    said = [
        f"The portfolio's drawdown brake ended trading: FLATTEN from {format_time(fall.time_ms)} on ({_depth(fall)}); "
        "all after that is money that lies still"
        for fall in by_kind[ScopeKind.PORTFOLIO]
    ]
    said += [
        f"{plan.sleeves[fall.scope]} entered nothing from {format_time(fall.time_ms)} on ({_depth(fall)})"
        for fall in by_kind[ScopeKind.SLEEVE]
    ]
    if bots := by_kind[ScopeKind.BOT]:
        first = f"first {plan.bots[bots[0].scope].name} from {format_time(bots[0].time_ms)} on"
        said.append(f"{len(bots)} of {len(plan.bots)} bots entered nothing more after their drawdown brake, {first}")
    if days := [notice.time_ms for notice in tripped if notice.cause == Cause.DAILY_LOSS]:
        said.append(
            f"The daily loss brake stopped entries on {len(days)} days until the next 00:00 UTC, first at "
            f"{format_time(days[0])}, last at {format_time(days[-1])}"
        )
    return said


def _depth(fall: Notice) -> str:
    return f"{fall.value:.1%} below its highest, limit {fall.limit:.1%}"


def loss_sentences(figures: Iterable[Figures], counted: Money) -> list[str]:
    """Say of each scope that lost money after costs how much, and how much of it the costs were."""
    said = []
    for scope in figures:
        if scope.profit_quote < 0.0:
            before = scope.profit_quote + scope.costs_quote
            outcome = "lost" if before < 0.0 else "made"
            said.append(
                f"{scope.scope} lost {counted.amount(-scope.profit_quote)} {counted.quote} after costs: "
                f"{counted.amount(scope.costs_quote)} of fees and slippage, and before them it {outcome} "
                f"{counted.amount(abs(before))}"
            )
    return said


def _brake(plan: FleetPlan, notice: Notice) -> dict[str, Any]:
    kind = SCOPE_KINDS[notice.scope_kind]
    names = {ScopeKind.PORTFOLIO: ("portfolio",), ScopeKind.SLEEVE: plan.sleeves}
    scope = plan.bots[notice.scope].name if kind == ScopeKind.BOT else names[kind][notice.scope]
    return {
        "time": iso_time(notice.time_ms),
        "scope_kind": kind.name,
        "scope": scope,
        "cause": Cause(notice.cause).name,
        "kind": NoticeKind(notice.kind).name,
        "value": notice.value,
        "limit": notice.limit,
    }


def plain(value: Any) -> Any:
    """Turn NaN and infinities into None, all through."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def iso_time(time_ms: int) -> str:
    """Write a time as the exports do: `2025-01-31T12:00:00.000Z`."""
    return to_datetime(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
