"""Every single change that cosmic-ray can make to the code that decides, and a sample of them.

Left out is what says nothing: decorators and annotations, which decide nothing; operators that draw at random; and
replacements that no test is needed for (`is` for `==`, which small integers cannot tell apart, and operators on bits
for arithmetic and the other way round, which raise TypeError on floats).
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.conftest import ROOT

ROOMS = ("worker/risk", "worker/step", "worker/allocation", "worker/ledger")
LEFT_OUT = {"VariableReplacer", "VariableInserter", "RemoveDecorator"}
BITS = {"BitOr", "BitAnd", "BitXor", "RShift", "LShift"}
IDENTITIES = {"Is", "IsNot"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, and the how-manieth place in the file its operator could change."""

    file: str
    line: int
    function: str
    operator: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant makes of its line; it names the mutant when lines have moved."""

    file: str
    function: str
    before: str
    after: str


def source_files(root: Path = ROOT) -> list[str]:
    """Give the files that are changed."""
    paths = [path for room in ROOMS for path in (root / room).glob("*.py") if path.name != "__init__.py"]
    return sorted(str(path.relative_to(root)) for path in paths)


@cache
def telling_operators() -> tuple[str, ...]:
    """Name the operators whose changes a test can be asked to see."""
    return tuple(name for name in operator_names() if _is_telling(name.partition("/")[2]))


def _is_telling(operator: str) -> bool:
    kind, *rest = operator.split("_")
    if kind == "ReplaceBinaryOperator":
        return (rest[0] in BITS) == (rest[1] in BITS)
    if kind == "ReplaceComparisonOperator":
        return (rest[0] in IDENTITIES) == (rest[1] in IDENTITIES)
    if kind == "ReplaceUnaryOperator":
        return rest[0] == "Delete"
    return kind not in LEFT_OUT


def mutants_of(file: str, root: Path = ROOT) -> list[Mutant]:
    """Give every mutant of a file, in the order of its lines."""
    tree = get_ast((root / file).read_text())
    found = [mutant for name in telling_operators() for mutant in _by_operator(name, tree, file)]
    return sorted(found, key=lambda mutant: (mutant.line, mutant.operator, mutant.occurrence))


def _by_operator(name: str, tree: Any, file: str) -> Iterator[Mutant]:
    operator = get_operator(name)()
    places = [(node, start) for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
    for occurrence, (node, (line, _)) in enumerate(places):
        if not _decides_nothing(node):
            yield Mutant(file, line, ASTQuery(node).get_definition_name() or "", name, occurrence)


def _decides_nothing(node: Any) -> bool:
    """Say whether a node stands in a decorator or an annotation."""
    while (parent := node.parent) is not None:
        if parent.type == "decorator" or node is getattr(parent, "annotation", None):
            return True
        if (parent.type, parent.children.index(node)) in (("annassign", 1), ("tfpdef", 2)):
            return True
        node = parent
    return False


def changed_source(source: str, mutant: Mutant) -> str:
    """Give the text of a file with a mutant's change made."""
    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if changed is None or changed == source:
        raise ValueError(f"{mutant} must change its file, changed nothing")
    return changed


def change_of(mutant: Mutant, root: Path = ROOT) -> Change:
    """Say what a mutant makes of its line."""
    source = (root / mutant.file).read_text()
    before, after = (text.splitlines()[mutant.line - 1].strip() for text in (source, changed_source(source, mutant)))
    return Change(mutant.file, mutant.function, before, after)


def sample(by_file: Mapping[str, Sequence[Mutant]], count: int, seed: int) -> list[Mutant]:
    """Draw mutants from a seed: from each file its share by number, and at least one where it has any."""
    total, draw = sum(map(len, by_file.values())), random.Random(seed)
    chosen: list[Mutant] = []
    for _, mutants in sorted(by_file.items()):
        share = max(1, round(count * len(mutants) / total))
        chosen += draw.sample(list(mutants), min(share, len(mutants)))
    return chosen
