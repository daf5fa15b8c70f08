"""A backtest on a terminal: a column of figures for the portfolio and each sleeve, and what must not be missed."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.money import Money
from shared.units import format_time
from worker.research.backtest import Backtest
from worker.research.figures import Figures
from worker.research.summary import notes, warnings
from worker.terminal.output import days, number, percent, signed_percent

ROWS: tuple[tuple[str, Callable[[Figures, Money], str]], ...] = (
    ("Money at the end", lambda scope, counted: counted.amount(scope.performance.end_equity_quote)),
    ("Profit", lambda scope, counted: counted.gain(scope.profit_quote)),
    ("Return", lambda scope, _: signed_percent(scope.performance.total_return)),
    ("Return a year", lambda scope, _: signed_percent(scope.performance.annual_return)),
    ("Volatility a year", lambda scope, _: percent(scope.performance.annual_volatility)),
    ("Sharpe", lambda scope, _: number(scope.performance.sharpe_ratio)),
    ("Sortino", lambda scope, _: number(scope.performance.sortino_ratio)),
    ("Calmar", lambda scope, _: number(scope.performance.calmar_ratio)),
    ("Max drawdown", lambda scope, _: percent(scope.performance.max_drawdown)),
    ("… its length", lambda scope, _: days(scope.performance.max_drawdown_ms)),
    ("VaR 99%, one day", lambda scope, _: percent(scope.performance.value_at_risk)),
    ("Profit factor", lambda scope, _: number(scope.performance.profit_factor)),
    ("Expectancy", lambda scope, counted: counted.finer(1).gain(scope.performance.expectancy_quote)),
    ("Win rate", lambda scope, _: percent(scope.performance.win_rate, 1)),
    ("… 95% interval", lambda scope, _: _interval(scope)),
    ("… what it counts", lambda scope, _: number(scope.performance.trials, 0)),
    ("… round trips", lambda scope, _: number(scope.performance.round_trips, 0)),
    ("Turnover", lambda scope, _: f"{number(scope.performance.turnover, 1)} ×"),
    ("Fees", lambda scope, counted: counted.amount(scope.performance.fees_quote)),
    ("Slippage", lambda scope, counted: counted.amount(scope.slippage_quote)),
    ("Saved by netting", lambda scope, counted: counted.amount(scope.performance.fees_saved_quote)),
    ("Orders", lambda scope, _: number(scope.performance.orders, 0)),
    ("Fills", lambda scope, _: number(scope.performance.fills, 0)),
    ("Time in market", lambda scope, _: percent(scope.performance.time_in_market, 1)),
)


def print_backtest(console: Console, backtest: Backtest, out: Path | None) -> None:
    """Print what a backtest found; `out` is where its files are, if anywhere."""
    replay, portfolio = backtest.replay, backtest.settings.portfolio
    start_ms, end_ms = int(replay.open_ms[0]), int(replay.open_ms[-1]) + backtest.settings.step_ms
    table = Table(
        title=f"{len(replay.plan.bots)} bots, {backtest.source.label}, {portfolio.timeframe} bars, profile "
        f"{backtest.settings.profile}\n{format_time(start_ms)} to {format_time(end_ms)}, money in {portfolio.quote}",
        title_style="bold",
    )
    table.add_column("")
    for scope in backtest.figures:
        table.add_column(scope.scope, justify="right")
    for label, figure in ROWS:
        table.add_row(label, *(figure(scope, portfolio.money) for scope in backtest.figures))
    console.print(table)
    for warning in warnings(backtest):
        console.print(Text(f"! {warning}.", style="bold red"))
    for note in notes(backtest):
        console.print(Text(f"· {note}."))
    portfolio_orders, *orders = (scope.performance.orders for scope in backtest.figures)
    if sum(orders) > portfolio_orders:
        console.print(Text("· An order that bots of several sleeves share counts once for each of them.", style="dim"))
    console.print(Text(_effort(backtest), style="dim"))
    if out is not None:
        console.print(Text(f"Written to {out}", style="dim"))


def _interval(scope: Figures) -> str:
    found = scope.performance
    return f"{percent(found.win_rate_low, 1)} to {percent(found.win_rate_high, 1)}"


def _effort(backtest: Backtest) -> str:
    bars, bots = len(backtest.replay.open_ms), len(backtest.replay.plan.bots)
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in backtest.seconds.items())
    return f"{bars:,} bars × {bots} bots: {parts}"
