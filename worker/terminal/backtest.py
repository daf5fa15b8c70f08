"""`flotilla backtest`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigurationError
from shared.settings import Settings, load_settings
from shared.units import format_time, parse_time_ms
from worker.fleet.plan import FleetPlan, check_bounds, plan_fleet, planned_bots
from worker.research.backtest import run_backtest
from worker.research.history import History, load_history, simulate_history
from worker.research.summary import summarise
from worker.research.tables import write_tables
from worker.terminal.backtest_report import print_backtest
from worker.terminal.compiling import compiling_said
from worker.terminal.options import (
    ConfigOption,
    DateFormatOption,
    JsonOption,
    OffGridOption,
    ProfileOption,
    SetOption,
    SkipBadRowsOption,
    SymbolsOption,
    file_overrides,
    named_symbols,
    settings_file,
)
from worker.terminal.output import json_text, prepared_folder, print_json, progress_bar, result_console

app = typer.Typer()


@app.command()
def backtest(
    candles: Annotated[Path | None, typer.Option(help="Folder of files like BTC_USDT-5m.parquet.")] = None,
    simulated: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Instead of candles: so many days of the simulated market.")
    ] = None,
    funding: Annotated[Path | None, typer.Option(help="Folder of files like BTC_USDT-8h-funding.parquet.")] = None,
    symbols: SymbolsOption = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First bar, ISO, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this time, ISO, UTC.")] = None,
    off_grid: OffGridOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    date_format: DateFormatOption = None,
    profile: ProfileOption = None,
    overrides: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for summary.json and the CSV files.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Run the configured fleet over months of candles, and say honestly what came of it.

    The same functions decide as in the worker. Settings come from the settings file, the environment, the profile and
    --set, the last strongest. docs/backtest.md describes every figure and file.
    """
    named = [f"portfolio.symbols={json_text(names)}"] if (names := named_symbols(symbols)) else []
    files = file_overrides(off_grid, skip_bad_rows, date_format)
    settings = load_settings(settings_file(config), None, [*named, *files, *(overrides or ())], profile)
    plan = plan_fleet(planned_bots(settings))
    check_bounds(settings, plan)
    load = _history(settings, plan, candles, simulated, funding, _time(start), _time(end))
    folder = None if out is None else prepared_folder(out)
    with progress_bar("Replaying") as progress:
        found = run_backtest(settings, plan, load, progress, compiling_said())
    summary = summarise(found)
    if folder is not None:
        write_tables(folder, found)
        (folder / "summary.json").write_text(json_text(summary) + "\n")
    if json:
        print_json(summary)
    else:
        print_backtest(result_console(), found, folder)


def _time(text: str | None) -> int | None:
    return None if text is None else parse_time_ms(text)


def _history(
    settings: Settings,
    plan: FleetPlan,
    candles: Path | None,
    simulated: int | None,
    funding: Path | None,
    start_ms: int | None,
    end_ms: int | None,
) -> Callable[[], History]:
    if (candles is None) == (simulated is None):
        given = "neither" if candles is None else "both"
        raise ConfigurationError(f"backtest must be given either --candles DIR or --simulated DAYS, was given {given}")
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise ConfigurationError(f"--from must be before --to {format_time(end_ms)}, was {format_time(start_ms)}")
    if candles is not None:
        return lambda: load_history(settings, plan.symbols, candles, funding, start_ms, end_ms)
    if funding is not None or start_ms is not None or end_ms is not None:
        raise ConfigurationError("--simulated takes no --funding, --from or --to: it begins at market.start, as spot")
    return lambda: simulate_history(settings, plan.symbols, simulated or 0)
