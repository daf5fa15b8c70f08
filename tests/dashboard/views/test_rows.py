"""What a page works out, as a download: documented columns, all digits, no formulas."""

import json
import re

import pytest
from pandas import DataFrame

from dashboard.components.rows import COLUMNS, Rows, pairs
from tests.conftest import ROOT

BEGIN_MS = 1_767_225_600_000
DOCUMENT = ROOT / "docs" / "dashboard.md"


@pytest.mark.parametrize("name", COLUMNS)
def test_the_columns_of_what_a_page_works_out_are_documented(name: str) -> None:
    (line,) = re.findall(rf"^\| `{name}` \|(.*)\|$", DOCUMENT.read_text(), re.M)
    assert tuple(re.findall(r"`(\w+)`", line)) == COLUMNS[name]


def test_text_on_a_page_is_no_formula_in_csv_and_exact_in_json() -> None:
    frame = DataFrame({"setting": ["=HYPERLINK(1)", "a"], "value": ["-1", "+x"]}, dtype="str")
    rows = Rows("settings", frame)
    assert rows.write("csv").decode().splitlines() == ["setting,value", "'=HYPERLINK(1),'-1", "a,'+x"]
    assert json.loads(rows.write("json")) == frame.to_dict("records")


def test_numbers_keep_their_digits_and_nothing_is_nothing() -> None:
    frame = DataFrame(
        {"year": [2026], "month": [1], "return_fraction": [-1 / 3], "profit": [float("nan")], "days": [31]}
    )
    rows = Rows("monthly_returns", frame)
    assert rows.write("csv").decode().splitlines()[1] == f"2026,1,{-1 / 3!r},,31"
    assert json.loads(rows.write("json")) == [
        {"year": 2026, "month": 1, "return_fraction": -1 / 3, "profit": None, "days": 31}
    ]


def test_times_are_whole_and_said_in_iso() -> None:
    frame = DataFrame({"time_ms": [BEGIN_MS * 1.0], "sharpe_ratio": [1.5], "days": [30]})
    (row,) = json.loads(Rows("rolling_sharpe", frame).write("json"))
    assert row == {"time": "2026-01-01T00:00:00.000Z", "time_ms": BEGIN_MS, "sharpe_ratio": 1.5, "days": 30}


def test_correlations_have_the_same_columns_whatever_bots_there_are() -> None:
    square = DataFrame([[1.0, float("nan")], [0.5, 1.0]], index=["a", "b"], columns=["a", "b"])
    assert pairs(square).values.tolist()[2] == ["b", "a", 0.5]
    assert len(pairs(square)) == 4
