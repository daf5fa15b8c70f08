"""Money into and out of a portfolio: it moves the marks with it, so that it changes no drawdown and is no return."""

from shared.enums import TransferKind
from worker.risk.brakes import after_flow
from worker.step.records import Fleet
from worker.step.scopes import Portfolio
from worker.store.money import TransferRow


def move_marks(portfolio: Portfolio, amount: float) -> None:
    """Move a portfolio's marks with its money."""
    before, after = portfolio.equity, portfolio.equity + amount
    portfolio.high_water = after_flow(portfolio.high_water, before, after)
    portfolio.day_start_equity = after_flow(portfolio.day_start_equity, before, after)
    portfolio.equity = after
    portfolio.settled_equity += amount


def book_money(fleet: Fleet, amount: float, time_ms: int) -> TransferRow:
    """Put money into the portfolio's own cash, or take it out, and give the row that says so."""
    move_marks(fleet.portfolio, amount)
    fleet.portfolio.cash += amount
    kind = TransferKind.DEPOSIT if amount > 0 else TransferKind.WITHDRAWAL
    return TransferRow(None, time_ms, fleet.portfolio.step, kind, amount)
