"""Rows as CSV and JSON: what spreadsheets must not run, and what readers must get back."""

import csv
import io
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.printable import one_line
from shared.tables.export_formats import FORMULA_BEGINS, Row, csv_pieces, json_pieces


def read(pieces: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(pieces, newline="")))


@pytest.mark.parametrize("begin", FORMULA_BEGINS)
def test_only_text_that_begins_a_formula_is_defused(begin: str) -> None:
    rows: list[Row] = [(f"{begin}cmd|' /C calc'!A0", -1.5, -7, None, f"a{begin}b")]
    lines = "".join(csv_pieces(("text", "number", "whole", "nothing", "inner"), [rows]))
    (row,) = read(lines)
    assert row["text"] == f"'{begin}cmd|' /C calc'!A0"
    assert (row["number"], row["whole"], row["nothing"], row["inner"]) == ("-1.5", "-7", "", f"a{begin}b")


@pytest.mark.parametrize("text", ['a "b", c', "a;b", "’", "", "a - b; c = d", "straße 1\u00a0km"])
def test_text_comes_back_as_it_was(text: str) -> None:
    rows: list[Row] = [(1, text), (-2.5, "next"), (None, text)]
    assert [row["text"] for row in read("".join(csv_pieces(("number", "text"), [rows, rows])))] == [
        text,
        "next",
        text,
    ] * 2
    assert json.loads("".join(json_pieces(("number", "text"), [rows])))[0] == {"number": 1, "text": text}


@pytest.mark.parametrize(
    "text", ["a\rb", "a\nb", "a\r\nb", "\x1b[2J", "a\0b", "\x9b2J", "a\u202eb", "a\ud800b", "\t=1"]
)
def test_no_control_character_reaches_a_cell_and_json_is_exact(text: str) -> None:
    lines = "".join(csv_pieces(("text", "number"), [[(text, 1)]]))
    assert lines.encode().splitlines() == [b"text,number", f"{one_line(text)},1".encode()]
    assert json.loads("".join(json_pieces(("text",), [[(text,)]]))) == [{"text": text}]


BEGINS = re.compile(r"\s*[=+\-@＝＋－＠]")
PIECES = st.sampled_from([";", ",", '"', " ", "'", "\n", "\r", "\t", "\0", "\u2028", "x", "1", *FORMULA_BEGINS])
CELLS = st.lists(PIECES, max_size=8).map("".join)


def cells(lines: str, delimiter: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter) for cell in row]


@pytest.mark.parametrize("delimiter", [",", ";"])
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=3))
@example(rows=[("a;=cmd|' /C calc'!A0", 'x;"=1"', 'a,b;\n ""+1')])
def test_no_cell_begins_a_formula_whatever_parts_the_cells(rows: list[Row], delimiter: str) -> None:
    lines = "".join(csv_pieces(("a", "b", "c"), [rows]))
    assert [cell for cell in cells(lines, delimiter) if BEGINS.match(cell)] == []
    assert lines.count("\n") == len(rows) + 1, "a cell must not begin a line"


def test_a_formula_after_a_semicolon_would_be_seen() -> None:
    assert [cell for cell in cells('a,"b, ;""=1"""\n', ";") if BEGINS.match(cell)] == ['=1"""']


def test_no_batches_are_a_header_and_an_empty_list() -> None:
    assert "".join(csv_pieces(("a", "b"), [])) == "a,b\n"
    assert json.loads("".join(json_pieces(("a", "b"), []))) == []
