"""What `flotilla candles check` shows of files with odd names and cells."""

from pathlib import Path

import pytest

from tests.research.runs import call, simulated_bars, write_bars

HEADER = "timestamp,open,high,low,close,volume\n"


def write_rows(path: Path, *rows: str) -> None:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))


def test_a_file_name_is_no_markup(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bars(folder / "BTC_USDT-1h.parquet", simulated_bars("BTC/USDT", 1))
    (folder / "notes[red].csv").write_text("not candles\n")
    assert call(["candles", "check", folder]) == 0
    printed = capsys.readouterr().out
    assert printed.count("notes[red].csv") == 2


@pytest.mark.parametrize(("cell", "shown"), [("", "empty"), ("NaN", "nan"), ("-1", "-1.0"), ("n/a", "n/a")])
def test_a_cell_is_shown_as_the_file_has_it(
    folder: Path, cell: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(folder / "BTC_USDT-1h.csv", "1767225600000,1,1,1,1,1", f"1767229200000,1,1,1,{cell},1")
    assert call(["candles", "check", folder]) == 78
    said = capsys.readouterr()
    assert f"row 2: close must be a positive number, was {shown}\n" in said.out
    assert said.err.endswith(f"row 2: close must be a positive number, was {shown}\n")


def test_a_sentence_names_its_file_once_and_is_not_cut(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = ",".join(f"another_column_{at}" for at in range(20))
    (folder / "BTC_USDT-1h.csv").write_text(f"{columns}\n")
    write_rows(folder / "ETH_USDT-1h.csv")
    assert call(["candles", "check", folder]) == 78
    said = capsys.readouterr()
    assert said.err.count("BTC_USDT-1h.csv") == 1
    assert said.err.endswith("(and 1 more file)\n")
    line = next(line for line in said.out.splitlines() if line.startswith("BTC_USDT-1h.csv: "))
    assert line.count("BTC_USDT-1h.csv") == 1
    assert line.endswith("another_column_19")
