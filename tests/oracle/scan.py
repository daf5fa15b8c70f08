"""`python -m tests.oracle.scan [SYMBOL …]`: how many fills of real candles the kernel and the plain reading share.

One fleet of the default settings per symbol of the folder `scan-5m`, over all there is of it; `--together` puts all of
them into one fleet.
"""

import sys
from pathlib import Path

import pytest

from shared.settings import load_settings
from tests.conftest import candles_folder
from tests.oracle.books import Run
from tests.oracle.compare import Comparison, compare, reason_differences
from tests.oracle.kernel import kernel_run, world_of
from tests.oracle.walk import walk
from tests.oracle.world import World
from worker.fleet.plan import open_fleet, plan_fleet, planned_bots
from worker.research.columns import make_columns
from worker.research.history import load_history

FOLDER = "scan-5m"


def folder_symbols(folder: Path) -> list[str]:
    """Give the symbols there are candles of."""
    return sorted(path.name.partition("-")[0].replace("_", "/") for path in folder.glob("*.parquet"))


def both_runs(folder: Path, symbols: list[str]) -> tuple[World, Run, Run]:
    """Run the default fleet of some symbols by the plain reading and by the kernel, as a backtest would."""
    written = ", ".join(f'"{symbol}"' for symbol in symbols)
    settings = load_settings(environment={}, overrides=[f"portfolio.symbols=[{written}]"])
    plan = plan_fleet(planned_bots(settings))
    history = load_history(settings, plan.symbols, folder)
    columns = make_columns(settings, plan, history.grid, history.funding)
    fleet = open_fleet(settings, plan, history.limits)
    world = world_of(settings, plan, columns, fleet)
    return world, walk(world), kernel_run(fleet, columns)


def count_trips(world: World, run: Run) -> int:
    """Count the round trips that ended: from flat to flat, a reversal ends one."""
    held, ended = [0] * len(world.bots), 0
    for fill in run.fills:
        was_open = abs(held[fill.bot]) >= world.markets[world.bots[fill.bot].market].measure.min_units
        held[fill.bot] += fill.units
        is_open = abs(held[fill.bot]) >= world.markets[world.bots[fill.bot].market].measure.min_units
        ended += was_open and not is_open
    return ended


def describe(name: str, world: World, plain: Run, other: Run) -> Comparison:
    """Print one line of what two runs share, and their first difference."""
    found = compare(world, plain, other)
    print(
        f"{name}: {found.equal} of {found.fills} fills equal, {sum(reason_differences(plain, other).values())} reasons "
        f"differ, {count_trips(world, plain)} round trips, equity {plain.portfolio_equity[-1]:.4f} and "
        f"{other.portfolio_equity[-1]:.4f}",
        flush=True,
    )
    if found.first:
        print(f"  {found.first}", flush=True)
    return found


def main(arguments: list[str]) -> None:
    """Compare symbol by symbol, or all in one fleet."""
    try:
        folder = candles_folder(FOLDER)
    except pytest.skip.Exception as error:
        sys.exit(str(error))
    named = [name for name in arguments if not name.startswith("--")]
    symbols = named or folder_symbols(folder)
    if "--together" in arguments:
        describe(f"{len(symbols)} symbols", *both_runs(folder, symbols))
        return
    found = [describe(symbol, *both_runs(folder, [symbol])) for symbol in symbols]
    equal, fills = sum(one.equal for one in found), sum(one.fills for one in found)
    print(f"{len(found)} symbols: {equal} of {fills} fills equal")


if __name__ == "__main__":
    main(sys.argv[1:])
