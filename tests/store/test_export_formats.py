"""Rows as CSV and JSON: what spreadsheets must not run, and what readers must get back."""

import csv
import io
import json

import pytest

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


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", 'a "b", c', "a;b", "’", ""])
def test_text_comes_back_as_it_was(text: str) -> None:
    rows: list[Row] = [(1, text), (-2.5, "next"), (None, text)]
    assert [row["text"] for row in read("".join(csv_pieces(("number", "text"), [rows, rows])))] == [
        text,
        "next",
        text,
    ] * 2
    assert json.loads("".join(json_pieces(("number", "text"), [rows])))[0] == {"number": 1, "text": text}


def test_no_batches_are_a_header_and_an_empty_list() -> None:
    assert "".join(csv_pieces(("a", "b"), [])) == "a,b\n"
    assert json.loads("".join(json_pieces(("a", "b"), []))) == []
