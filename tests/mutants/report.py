"""What became of the mutants, in the section of `docs/development.md`."""

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
# What must die of those that can.
DEMANDED = 0.95


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


def summary(rows: Sequence[Judged], possible: int, seed: int) -> str:
    """Say how many died, and why the others live."""
    outcomes = Counter("equivalent" if row.is_equivalent else row.verdict.outcome.value for row in rows)
    died = outcomes["killed"] + outcomes["timed out"]
    told = (
        f"{len(rows)} of {possible} possible changes, drawn from seed {seed}, by file in proportion: {died} made a "
        f"test fail ({outcomes['timed out']} of them by never ending), {outcomes['equivalent']} change nothing, "
        f"{outcomes['survived']} live. **Score: {score_of(rows):.1%}** of those that change something."
    )
    return "\n".join([told, *_why_equivalent(rows), *_alive(rows)])


def _why_equivalent(rows: Sequence[Judged]) -> list[str]:
    reasons = Counter(row.reason for row in rows if row.is_equivalent)
    lines = [f"- {number} × {reason}" for reason, number in reasons.most_common()]
    return ["\nWhy a change changes nothing:\n", *lines] if lines else []


def _alive(rows: Sequence[Judged]) -> list[str]:
    lines = [
        f"- `{row.mutant.file}`, `{row.mutant.function}`: `{row.change.before}` → `{row.change.after}`"
        for row in rows
        if row.is_survivor and not row.is_equivalent
    ]
    return ["\nThose that live:\n", *lines] if lines else []


def write_summary(text: str) -> None:
    """Put the summary into the page."""
    write_section("mutants", "Changed rules", text, DOCUMENT, "make mutants")
