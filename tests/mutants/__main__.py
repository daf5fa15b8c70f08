"""Change the rules one at a time, see whether a test fails, and write the score into `docs/development.md`."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutations import Change, Mutant, change_of, mutants_of, sample, source_files
from tests.mutants.report import Judged, judged, score_of, summary, write_summary, write_table
from tests.mutants.running import Copy, quick_tests

SEED = 20261127
COUNT = 300


def judge_all(mutants: list[Mutant], workers: int) -> Iterator[Judged]:
    """Judge the mutants, some at a time, each in a copy of its own; as they were given."""
    # The tree itself may be worked on meanwhile.
    changes = [change_of(mutant) for mutant in mutants]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[Copy] = SimpleQueue()
        made = [Copy(Path(folder) / str(number), quick_tests()) for number in range(workers)]
        list(pool.map(Copy.measure, made))
        for copy in made:
            copies.put(copy)

        def judge(mutant: Mutant, change: Change) -> Judged:
            copy = copies.get()
            try:
                return judged(mutant, change, copy.judge(mutant))
            finally:
                copies.put(copy)

        yield from pool.map(judge, mutants, changes)


def main() -> int:
    """Judge a sample."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"what the sample is drawn from ({SEED}, the documented one)"
    )
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many are drawn ({COUNT})")
    parser.add_argument(
        "--only", default="", help="files whose name contains this; all of their mutants up to the count"
    )
    parser.add_argument("--workers", type=int, default=2, help="how many are judged at a time (2)")
    chosen = parser.parse_args()
    by_file = {file: mutants_of(file) for file in source_files() if chosen.only in file}
    mutants = sample(by_file, chosen.count, chosen.seed)
    rows = []
    for number, row in zip(count(1), judge_all(mutants, chosen.workers), strict=False):
        print(f"{number}/{len(mutants)} {row.told()}", flush=True)
        rows.append(row)
    print(f"\n{summary(rows, sum(map(len, by_file.values())), chosen.seed)}\n\n{write_table(rows, chosen.seed)}")
    if (chosen.seed, chosen.count, chosen.only) == (SEED, COUNT, ""):
        write_summary(rows, sum(map(len, by_file.values())), chosen.seed)
    return 0 if score_of(rows) >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
