"""The equity curves of a long history, rolled up by the worker's own function."""

import numpy as np
from sqlalchemy import Engine

from shared.database import transaction
from shared.enums import ScopeKind
from tests.bench.long_ledger import Ledger, open_profits
from tests.bench.long_steps import Steps
from worker.fleet.plan import FleetPlan
from worker.live.books import Books
from worker.store.equity import EquitySeries, save_equity_series

SCOPES_AT_ONCE = 16


def save_curves(engine: Engine, books: Books, plan: FleetPlan, steps: Steps, ledger: Ledger) -> None:
    """Write the equity of bots, sleeves and portfolio at each close."""
    series = _bots(books, plan, steps, ledger)
    for first in range(0, len(series), SCOPES_AT_ONCE):
        with transaction(engine) as connection:
            for own in series[first : first + SCOPES_AT_ONCE]:
                save_equity_series(connection, own)
    with transaction(engine) as connection:
        for own in _scopes(books, plan, steps, series):
            save_equity_series(connection, own)


def _bots(books: Books, plan: FleetPlan, steps: Steps, ledger: Ledger) -> list[EquitySeries]:
    markets = {market: row for row, market in enumerate(plan.markets)}
    series = []
    for b, (bot_id, bot) in enumerate(zip(books.bot_ids, plan.bots, strict=True)):
        close = steps.columns.close[markets[bot.account, bot.symbol]]
        of = {name: np.ascontiguousarray(steps.bots[name][:, b]) for name in ("equity", "cash", "money_in")}
        series.append(
            EquitySeries(
                ScopeKind.BOT,
                bot_id,
                steps.close_ms,
                of["equity"],
                of["cash"],
                steps.bots["quantity"][:, b] * close,
                open_profits(steps, ledger, b, close),
                of["money_in"],
                _drawdown(of["equity"], steps.bots["high_water"][:, b]),
            )
        )
    return series


def _scopes(books: Books, plan: FleetPlan, steps: Steps, bots: list[EquitySeries]) -> list[EquitySeries]:
    """Give the sleeves, whose parts are sums of their bots, and the portfolio with its own cash."""
    series = []
    for s, sleeve in enumerate(books.registered.sleeves):
        own = [bot for bot, planned in zip(bots, plan.bots, strict=True) if planned.sleeve == sleeve.name]
        equity, high_water = (np.ascontiguousarray(steps.sleeves[name][:, s]) for name in ("equity", "high_water"))
        series.append(_sum(ScopeKind.SLEEVE, sleeve.id, own, equity, high_water, np.zeros(len(equity))))
    whole = steps.portfolio
    cash = whole["cash"]
    series.append(_sum(ScopeKind.PORTFOLIO, books.portfolio_id, bots, whole["equity"], whole["high_water"], cash))
    return series


def _sum(
    kind: ScopeKind,
    scope_id: int,
    bots: list[EquitySeries],
    equity: np.ndarray,
    high_water: np.ndarray,
    own_cash: np.ndarray,
) -> EquitySeries:
    return EquitySeries(
        kind,
        scope_id,
        bots[0].time_ms,
        equity,
        own_cash + sum(bot.cash for bot in bots),
        sum((np.abs(bot.exposure) for bot in bots), np.zeros(len(equity))),
        sum((bot.open_profit for bot in bots), np.zeros(len(equity))),
        own_cash + sum(bot.money_in for bot in bots),
        _drawdown(equity, high_water),
    )


def _drawdown(equity: np.ndarray, high_water: np.ndarray) -> np.ndarray:
    return np.divide(high_water - equity, high_water, out=np.zeros(len(equity)), where=high_water > 0.0)
