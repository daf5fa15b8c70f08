"""The changes that are made, the sample of them, what becomes of one, and what is said of all."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutants import __main__ as program
from tests.mutants import report, table
from tests.mutants.mutations import (
    Change,
    Mutant,
    change_of,
    changed_source,
    mutants_of,
    sample,
    source_files,
    telling_operators,
)
from tests.mutants.report import DOCUMENT, Judged, equivalents, score_of, summary
from tests.mutants.running import Copy, Outcome, Verdict, nearest_first, quick_tests

SOURCE = '''"""3 is not code."""

@dataclass(slots=True, order=1)
class Kept:
    share: int | None = 1


def kept(size: float | None, *more: float, least: float = 2.0) -> float | None:
    if size > least and not more:
        return -size
    return size
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "worker" / "risk").mkdir(parents=True)
    for name in ("__init__.py", "kept.py"):
        (tmp_path / "worker" / "risk" / name).write_text(SOURCE)
    return tmp_path


def test_what_decides_is_changed_and_neither_words_nor_annotations_nor_decorators(tree: Path) -> None:
    assert source_files(tree) == ["worker/risk/kept.py"]
    found = [(mutant.line, mutant.function) for mutant in mutants_of("worker/risk/kept.py", tree)]
    changes = Counter(found)
    # 1 and 2.0 each up and down; > to five others, not around the whole, and to or, not away; - away.
    assert changes == {(5, "Kept"): 2, (8, "kept"): 2, (9, "kept"): 8, (10, "kept"): 1}


def test_a_mutant_is_named_by_what_it_makes_of_its_line(tree: Path) -> None:
    *_, last = mutants_of("worker/risk/kept.py", tree)
    assert change_of(last, tree) == Change("worker/risk/kept.py", "kept", "return -size", "return size")
    assert changed_source(SOURCE, last) == SOURCE.replace("return -size", "return size")


def test_a_change_that_is_none_is_refused() -> None:
    nowhere = Mutant("worker/risk/kept.py", 1, "", "core/NumberReplacer", 99)
    with pytest.raises(ValueError, match="must change its file"):
        changed_source(SOURCE, nowhere)


def test_no_operator_draws_at_random_or_says_nothing() -> None:
    names = {name.partition("/")[2].partition("_")[0] for name in telling_operators()}
    assert names >= {"NumberReplacer", "AddNot", "ReplaceBinaryOperator", "ReplaceComparisonOperator"}
    assert not names & {"VariableReplacer", "VariableInserter", "RemoveDecorator"}
    whole = {name.partition("/")[2] for name in telling_operators()}
    assert "ReplaceBinaryOperator_BitOr_BitAnd" in whole and "ReplaceComparisonOperator_Is_IsNot" in whole
    assert not whole & {"ReplaceBinaryOperator_Add_BitOr", "ReplaceComparisonOperator_Eq_Is"}


def test_a_seed_draws_from_each_file_its_share() -> None:
    by_file = {
        name: [Mutant(name, line, "", "", line) for line in range(size)]
        for name, size in (("a", 600), ("b", 300), ("c", 3))
    }
    drawn = sample(by_file, 90, seed=7)
    assert Counter(mutant.file for mutant in drawn) == {"a": 60, "b": 30, "c": 1}
    assert drawn == sample(by_file, 90, seed=7) != sample(by_file, 90, seed=8)
    assert len(set(drawn)) == len(drawn)
    assert sample(by_file | {"d": []}, 10**6, seed=7) != []


def test_the_tests_named_like_a_file_run_first() -> None:
    tests = quick_tests()
    assert "tests/oracle/test_kernel.py" in tests and "tests/kernel/test_parity.py" not in tests
    first = {"worker/risk/gate.py": "tests/kernel/test_gate.py", "worker/ledger/lots.py": "tests/ledger/test_lots.py"}
    for file, test in first.items():
        assert test in nearest_first(tests, file)[:3]
        assert sorted(nearest_first(tests, file)) == sorted(tests)


@pytest.mark.slow
def test_a_changed_rule_is_killed_and_one_that_is_the_same_lives(tmp_path: Path) -> None:
    mutants = {change_of(mutant): mutant for mutant in mutants_of("worker/risk/protection.py")}
    armed = "if rules.trail_activate > 0.0 and peak >= rules.trail_activate:"
    always = next(mutant for change, mutant in mutants.items() if change.after == armed.replace("> 0.0", ">= 0.0", 1))
    same = next(mutant for change, mutant in mutants.items() if change in equivalents())
    with Copy(tmp_path / "copy", ["tests/kernel/test_protection.py", "tests/kernel/test_limits.py"]) as copy:
        copy.measure()
        verdicts = [copy.judge(mutant) for mutant in (always, same, always)]
        copy.limit_seconds = 0.1
        late = copy.judge(always)
    assert [verdict.outcome for verdict in verdicts] == [Outcome.KILLED, Outcome.SURVIVED, Outcome.KILLED]
    assert verdicts[0].test.startswith("tests/kernel/test_")
    assert late.outcome == Outcome.TIMED_OUT


@pytest.mark.slow
def test_a_tree_whose_tests_fail_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "copy" / "tests" / "kernel" / "test_broken.py"
    with Copy(tmp_path / "copy", [str(broken)]) as copy:
        broken.write_text("def test_it():\n    assert False\n")
        with pytest.raises(SystemExit, match="test_broken.py::test_it did not"):
            copy.measure()


def judged(outcome: Outcome, reason: str = "") -> Judged:
    change = Change("worker/risk/gate.py", "gate", "a < b", "a <= b")
    return Judged(Mutant("worker/risk/gate.py", 3, "gate", "core/x", 0), change, Verdict(outcome, "", 1.0), reason)


def test_the_score_is_of_the_mutants_that_can_die() -> None:
    killed, late = [judged(Outcome.KILLED)] * 17, [judged(Outcome.TIMED_OUT)]
    same, alive = [judged(Outcome.SURVIVED, "a flag is 0 or 1")] * 3, [judged(Outcome.SURVIVED)] * 2
    rows = [*killed, *late, *same, *alive]
    assert score_of(rows) == 0.9
    # One that a test does tell apart is not equivalent, whatever is written of it.
    assert score_of([judged(Outcome.KILLED, "a flag is 0 or 1"), *alive]) == pytest.approx(1 / 3)
    said = summary(rows, 400, 7)
    assert "23 of 400 possible changes, drawn from seed 7" in said and "90.0%" in said
    assert "- 3 × a flag is 0 or 1" in said
    assert said.count("`gate`: `a < b` → `a <= b`") == 2


def test_what_became_of_a_seed_is_read_again_by_what_a_mutant_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    monkeypatch.setattr(table, "ROOT", tmp_path)
    killed, alive = judged(Outcome.KILLED), judged(Outcome.SURVIVED)
    late = replace(judged(Outcome.TIMED_OUT), mutant=replace(killed.mutant, operator="core/y"))
    assert table.write_table([killed, late], 7) == "All of them: 7.csv"
    moved = replace(killed.mutant, line=99)
    assert table.verdicts_of(7)[table.key_of(moved, killed.change)] == killed.verdict
    assert table.verdicts_of(7)[table.key_of(late.mutant, late.change)].outcome == Outcome.TIMED_OUT
    # Of two that are called the same, one that lived is judged again.
    for rows in ([killed, alive], [alive, killed]):
        table.write_table(rows, 7)
        assert list(table.verdicts_of(7).values()) == [alive.verdict]


def test_again_only_those_are_judged_that_lived_and_could_have_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    monkeypatch.setattr(table, "ROOT", tmp_path)
    lines = ("killed", "alive", "same", "new")
    changed = [(Mutant("a", 1, "f", "core/x", n), Change("a", "f", line, "")) for n, line in enumerate(lines)]
    outcomes = (Outcome.KILLED, Outcome.SURVIVED, Outcome.SURVIVED)
    before = [Judged(*one, Verdict(outcome, "", 1.0), "") for one, outcome in zip(changed, outcomes, strict=False)]
    table.write_table(before, 7)
    asked: list[str] = []

    def verdicts(due: list[tuple[Mutant, Change]], workers: int) -> Iterator[Verdict]:
        asked.extend(change.before for _, change in due)
        return iter([Verdict(Outcome.KILLED, "late", 1.0)] * len(due))

    monkeypatch.setattr(program, "verdicts", verdicts)
    for module in (program, report):
        monkeypatch.setattr(module, "equivalents", lambda: {changed[2][1]: "nothing can tell"})
    rows = list(program.judge_all(changed, 2, 7))
    assert asked == ["alive", "new"]
    assert [row.verdict.test for row in rows] == ["", "late", "", "late"]
    assert [row.is_equivalent for row in rows] == [False, False, True, False]
    asked.clear()
    assert len(list(program.judge_all(changed, 2, None))) == 4 and asked == list(lines)


@pytest.mark.slow
def test_what_is_said_to_be_equivalent_is_still_there() -> None:
    """An entry whose line was rewritten goes, and is judged anew."""
    assert equivalents()
    for file in {change.file for change in equivalents()}:
        said = {change for change in equivalents() if change.file == file}
        lines, befores = (ROOT / file).read_text().splitlines(), {change.before for change in said}
        found = {change_of(mutant) for mutant in mutants_of(file) if lines[mutant.line - 1].strip() in befores}
        assert said <= found
    assert all(len(reason) > 20 for reason in equivalents().values())


def test_the_page_has_the_score() -> None:
    text = DOCUMENT.read_text()
    assert "| `make mutants` |" in text
    assert "<!-- mutants begins: written by make mutants -->\n## Changed rules\n" in text
    assert "**Score: " in text
