"""Change the rules one at a time, see whether a test fails, and write the score into `docs/development.md`."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutations import Change, Mutant, change_of, mutants_of, sample, source_files
from tests.mutants.report import DEMANDED, Judged, equivalents, judged, score_of, summary, write_summary
from tests.mutants.running import Copy, Outcome, Verdict, quick_tests
from tests.mutants.table import key_of, verdicts_of, write_table

SEED = 20261127
COUNT = 300

Changed = tuple[Mutant, Change]


def verdicts(changed: Sequence[Changed], workers: int) -> Iterator[Verdict]:
    """Judge mutants, some at a time, each in a copy of its own; as they were given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = [stack.enter_context(Copy(folder / str(number), quick_tests())) for number in range(workers)]
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        list(pool.map(Copy.measure, made))
        copies: SimpleQueue[Copy] = SimpleQueue()
        for copy in made:
            copies.put(copy)

        def judge(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return copy.judge(mutant)
            finally:
                copies.put(copy)

        yield from pool.map(judge, [mutant for mutant, _ in changed])


def judge_all(changed: Sequence[Changed], workers: int, seed: int | None) -> Iterator[Judged]:
    """Judge mutants; of those of a seed that were judged before, only the ones that lived and could have died."""
    known = verdicts_of(seed) if seed is not None else {}
    kept = [_kept(known.get(key_of(*one)), one[1]) for one in changed]
    due = [one for one, verdict in zip(changed, kept, strict=True) if verdict is None]
    fresh = verdicts(due, workers) if due else iter(())
    for (mutant, change), verdict in zip(changed, kept, strict=True):
        yield judged(mutant, change, verdict or next(fresh))


def _kept(verdict: Verdict | None, change: Change) -> Verdict | None:
    lived = verdict is not None and verdict.outcome == Outcome.SURVIVED
    return None if lived and change not in equivalents() else verdict


def arguments() -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"draw from this; {SEED} is the documented one")
    parser.add_argument("--count", type=int, default=COUNT, help=f"draw so many ({COUNT})")
    parser.add_argument("--only", default="", help="draw from the files whose name contains this")
    parser.add_argument("--again", action="store_true", help="judge only those that lived in the last run of the seed")
    parser.add_argument("--workers", type=int, default=2, help="judge so many at a time (2)")
    return parser.parse_args()


def main() -> int:
    """Judge a sample."""
    asked = arguments()
    by_file = {file: mutants_of(file) for file in source_files() if asked.only in file}
    # The tree itself may be worked on while its copies are judged.
    changed = [(mutant, change_of(mutant)) for mutant in sample(by_file, asked.count, asked.seed)]
    rows = []
    for row in judge_all(changed, asked.workers, asked.seed if asked.again else None):
        rows.append(row)
        print(f"{len(rows)}/{len(changed)} {row.told()}", flush=True)
    text = summary(rows, sum(map(len, by_file.values())), asked.seed)
    print(f"\n{text}\n\n{write_table(rows, asked.seed)}")
    if (asked.seed, asked.count, asked.only) == (SEED, COUNT, ""):
        write_summary(text)
    return 0 if score_of(rows) >= DEMANDED else 1


if __name__ == "__main__":
    sys.exit(main())
