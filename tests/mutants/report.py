"""What became of the mutants: a table of all, and the section of `docs/development.md`."""

import csv
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench.document import write_section
from tests.conftest import ROOT
from tests.mutants.mutations import Change, Mutant
from tests.mutants.running import Outcome, Verdict

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
DOCUMENT = ROOT / "docs" / "development.md"
FOLDER = ROOT / "out" / "mutants"


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant with its change, its verdict, and the reason why no test can tell it from the rule (or none)."""

    mutant: Mutant
    change: Change
    verdict: Verdict
    reason: str

    def told(self) -> str:
        """Say it in one line."""
        where = f"{self.mutant.file}:{self.mutant.line}"
        outcome = "equivalent" if self.is_equivalent else self.verdict.outcome
        return f"{outcome} {self.verdict.seconds:.1f} s {where} `{self.change.before}` → `{self.change.after}`"

    @property
    def is_survivor(self) -> bool:
        """Say whether no test failed."""
        return self.verdict.outcome == Outcome.SURVIVED

    @property
    def is_equivalent(self) -> bool:
        """Say whether no test failed because none can."""
        return self.is_survivor and self.reason != ""


def judged(mutant: Mutant, change: Change, verdict: Verdict) -> Judged:
    """Put a mutant's verdict beside what is known of its change."""
    return Judged(mutant, change, verdict, equivalents().get(change, ""))


@cache
def equivalents() -> dict[Change, str]:
    """Give the changes that change nothing, each with the reason."""
    groups = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {Change(*change): group["reason"] for group in groups for change in group["changes"]}


def score_of(rows: Sequence[Judged]) -> float:
    """Give the share of the mutants that died, of those that are not equivalent."""
    killed = sum(not row.is_survivor for row in rows)
    return killed / max(1, len(rows) - sum(row.is_equivalent for row in rows))


def write_table(rows: Sequence[Judged], seed: int) -> str:
    """Write every mutant into a file; say which."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{seed}.csv"
    header = ("file", "line", "function", "operator", "before", "after", "outcome", "test", "seconds", "equivalent")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(_row(row) for row in rows)
    return f"All of them: {path.relative_to(ROOT)}"


def _row(row: Judged) -> tuple[object, ...]:
    mutant, change, verdict = row.mutant, row.change, row.verdict
    place = (mutant.file, mutant.line, mutant.function, mutant.operator, change.before, change.after)
    return *place, verdict.outcome.value, verdict.test, verdict.seconds, row.reason if row.is_equivalent else ""


def summary(rows: Sequence[Judged], possible: int, seed: int) -> str:
    """Say how many died, and why the others live."""
    outcomes = Counter("equivalent" if row.is_equivalent else row.verdict.outcome.value for row in rows)
    died = outcomes["killed"] + outcomes["timed out"]
    lines = [
        f"{len(rows)} of {possible} possible changes, drawn from seed {seed}, by file in proportion: {died} made a "
        f"test fail ({outcomes['timed out']} of them by never ending), {outcomes['equivalent']} change nothing, "
        f"{outcomes['survived']} live. **Score: {score_of(rows):.1%}** of those that change something."
    ]
    reasons = Counter(row.reason for row in rows if row.is_equivalent)
    if reasons:
        lines += [
            "\nWhy a change changes nothing:\n",
            *(f"- {number} × {reason}" for reason, number in reasons.most_common()),
        ]
    alive = [row for row in rows if row.is_survivor and not row.is_equivalent]
    if alive:
        lines += [
            "\nThose that live:\n",
            *(
                f"- `{row.mutant.file}`, `{row.mutant.function}`: `{row.change.before}` → `{row.change.after}`"
                for row in alive
            ),
        ]
    return "\n".join(lines)


def write_summary(rows: Sequence[Judged], possible: int, seed: int) -> None:
    """Put the summary into the page."""
    write_section("mutants", "Changed rules", summary(rows, possible, seed), DOCUMENT, "make mutants")
