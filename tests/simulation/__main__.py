"""`python -m tests.simulation --seed N --days D [--faults LEVEL]`: run seeds and say what broke."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.exchange.fault_script import LEVELS
from tests.simulation.run import Result, simulate, venue_of


def run_seed(days: float, level: str, seed: int) -> Result:
    """Run a seed in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="flotilla-simulation-") as folder:
        return simulate(Path(folder), seed, days, level)


def tell(result: Result, verbose: bool) -> None:
    """Print what came of a run."""
    if verbose:
        print("\n".join(result.told))
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(result.statuses.items()))
    print(
        f"seed {result.seed} ({venue_of(result.seed)}, {result.level}): {result.orders} orders ({statuses}), "
        f"{result.requests} requests, digest {result.digest}",
        flush=True,
    )
    for said in result.broken:
        print(f"  {said}")
    if result.broken:
        print(f"  again: {result.command}", flush=True)


def main() -> int:
    """Run, and give 1 where anything broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--faults", choices=LEVELS, default="rough")
    parser.add_argument("--runs", type=int, default=1, help="so many seeds, from the given one on")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    run, began, failed = partial(run_seed, arguments.days, arguments.faults), time.perf_counter(), 0
    if arguments.workers > 1:
        with ProcessPoolExecutor(arguments.workers) as pool:
            for result in pool.map(run, seeds):
                tell(result, False)
                failed += bool(result.broken)
    else:
        for seed in seeds:
            result = run(seed)
            tell(result, arguments.runs == 1)
            failed += bool(result.broken)
    minutes = (time.perf_counter() - began) / 60
    days = arguments.days * arguments.runs
    print(f"{days:g} days in {minutes:.1f} minutes, {days / minutes:.0f} a minute; {failed} of {len(seeds)} runs broke")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
