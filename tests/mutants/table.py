"""The table of all mutants of a run, in a file that git ignores, for people and for judging again those that lived."""

import csv
from collections.abc import Mapping, Sequence

from tests.conftest import ROOT
from tests.mutants.mutations import Change, Mutant
from tests.mutants.report import Judged
from tests.mutants.running import Outcome, Verdict

FOLDER = ROOT / "out" / "mutants"
COLUMNS = ("file", "line", "function", "operator", "before", "after", "outcome", "test", "seconds", "equivalent")

# What a mutant is in a later tree, in which lines have moved.
Key = tuple[Change, str]


def write_table(rows: Sequence[Judged], seed: int) -> str:
    """Write every mutant into the file of its seed; say which."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{seed}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_row(row) for row in rows)
    return f"All of them: {path.relative_to(ROOT)}"


def _row(row: Judged) -> tuple[object, ...]:
    mutant, change, verdict = row.mutant, row.change, row.verdict
    place = (mutant.file, mutant.line, mutant.function, mutant.operator, change.before, change.after)
    return *place, verdict.outcome.value, verdict.test, verdict.seconds, row.reason if row.is_equivalent else ""


def key_of(mutant: Mutant, change: Change) -> Key:
    """Name a mutant by its operator and what that does to its line."""
    return change, mutant.operator


def verdicts_of(seed: int) -> Mapping[Key, Verdict]:
    """Read what became of the mutants of a seed when they were last judged; of equal ones, the worst."""
    found: dict[Key, Verdict] = {}
    with (FOLDER / f"{seed}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            change = Change(row["file"], row["function"], row["before"], row["after"])
            verdict = Verdict(Outcome(row["outcome"]), row["test"], float(row["seconds"]))
            key = change, row["operator"]
            if key not in found or verdict.outcome == Outcome.SURVIVED:
                found[key] = verdict
    return found
