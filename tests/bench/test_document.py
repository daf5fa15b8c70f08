"""The sections of docs/benchmarks.md are those of the benches, and writing one leaves the others alone."""

import importlib
from pathlib import Path

import pytest

from tests.bench import document
from tests.bench.__main__ import bench_names
from tests.bench.document import table, write_section


def test_every_bench_has_its_section() -> None:
    text = document.DOCUMENT.read_text()
    assert {"calm", "speed"} <= set(bench_names())
    for name in bench_names():
        assert (
            f"<!-- {name} begins: written by make bench -->\n## {importlib.import_module(f'tests.bench.{name}').TITLE}"
            in text
        )


def test_a_section_is_written_over_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "DOCUMENT", tmp_path / "benchmarks.md")
    (tmp_path / "benchmarks.md").write_text("# Benchmarks\n\nRead this.\n")
    for name, text in (("one", "first"), ("two", "second"), ("one", "third")):
        write_section(name, name.title(), text)
    assert (tmp_path / "benchmarks.md").read_text() == (
        "# Benchmarks\n\nRead this.\n\n"
        "<!-- one begins: written by make bench -->\n## One\n\nthird\n<!-- one ends -->\n\n"
        "<!-- two begins: written by make bench -->\n## Two\n\nsecond\n<!-- two ends -->\n"
    )


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
