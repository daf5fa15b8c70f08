"""What people's own files hold: `candles check`, `backtest` and `candles import` agree about each folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.fakes import HOUR_MS, same_bars
from tests.research import trials
from tests.research.runs import SMALL_FLEET, call, read_rows, run, set_options
from worker.market.files import load_candles, load_funding

# What to write, the symbol to trade, the quote, how many bars there are.
GOOD = {
    "mixed units": (trials.mixed_units, "BTC/USDT", 30),
    "whole and dump": (trials.whole_plus_dump, "BTC/USDT", 30),
    "DOT in dollars": (trials.symbol_split, "DOT/USD", 30),
    "BNB in dollars": (trials.symbol_split, "BNB/USD", 30),
    "pandas index": (trials.pandas_index, "EUR/USD", 10),
    "CryptoDataDownload": (trials.cryptodatadownload, "BTC/USDT", 30),
    "beside a column twice": (trials.duplicate_column, "ETH/USDT", 30),
    "beside a damaged archive": (trials.damaged_zip, "ETH/USDT", 30),
}
BAD = {
    "a column twice": (trials.duplicate_column, "AAVE/USDT", "AAVEUSDT-1h.csv must have one column open_time, has 2"),
    "a damaged archive": (trials.damaged_zip, "BTC/USDT", "BTCUSDT-1h-2024-01.zip must be a readable zip file: "),
    "a far row": (
        trials.one_far_row,
        "BTC/USDT",
        "BTC_USDT-1h.csv row 30: timestamp must leave at most 300 bars missing",
    ),
}


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = call(["candles", "check", folder, "--json"])
    return code, {report["file"]: report for report in json.loads(capsys.readouterr().out)}


def quoted(symbol: str) -> list[str]:
    return set_options([f"portfolio.quote={symbol.partition('/')[2]}"])


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_good_is_read_by_all_alike(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    write, symbol, bars = GOOD[kind]
    folder = tmp_path / "candles"
    folder.mkdir()
    write(folder)
    assert same_bars(load_candles(folder, symbol, HOUR_MS), trials.BARS[:bars])
    _, reports = checked(folder, capsys)
    of_symbol = [report for report in reports.values() if report["symbol"] == symbol]
    assert sum(report["rows"] for report in of_symbol) == bars
    assert all(report["usable"] and not report["gaps"] for report in of_symbol)
    summary = run(folder, tmp_path / "out", "--symbols", symbol, *quoted(symbol))
    assert summary["bars"] == bars and summary["candles"][0]["missing_bars"] == 0


@pytest.mark.parametrize("kind", BAD)
def test_what_is_bad_is_refused_by_all_alike_in_one_sentence(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write, symbol, sentence = BAD[kind]
    write(tmp_path)
    code, reports = checked(tmp_path, capsys)
    bad = {name for name, report in reports.items() if not report["usable"]}
    assert code == 78 and bad == {sentence.split()[0]}
    assert all(report["rows"] == 30 for name, report in reports.items() if name not in bad)
    for command in (["backtest", "--candles", tmp_path, "--symbols", symbol], ["candles", "import", tmp_path, "into"]):
        assert call(command) == 78
        said = capsys.readouterr().err
        assert sentence in said and said.count("\n") == 1
    assert not list(Path("into").glob(f"{symbol[:3]}*"))
    assert len(list(Path("into").iterdir())) == len(reports) - 1


def test_funding_is_labelled_in_round_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials.funding_label(tmp_path)
    code, reports = checked(tmp_path, capsys)
    (report,) = reports.values()
    assert (code, report["timeframe"], report["gaps"], report["rows"]) == (0, "8h", 0, 4)
    times, _ = load_funding(tmp_path, "XRP/USDT:USDT")
    assert (times % (8 * HOUR_MS) == 0).all()


def test_bitcoin_quoted_candles_trade_as_the_same_prices_in_another_unit(tmp_path: Path) -> None:
    fills = []
    for quote, unit in (("BTC", 1.0), ("UBTC", 1e5)):
        folder = tmp_path / quote
        folder.mkdir()
        trials.bitcoin_quoted(folder, f"ETH_{quote}-1h.csv", unit)
        money = (
            f"portfolio.quote={quote}",
            f"portfolio.capital_per_bot={0.01 * unit}",
            f"risk.min_notional={0.001 * unit}",
        )
        out = tmp_path / f"out {quote}"
        run(folder, out, "--symbols", f"ETH/{quote}", overrides=(*SMALL_FLEET, "risk.edge_to_cost=0.0", *money))
        fills.append([(row["time"], row["bot"][:2], row["side"], row["trigger"]) for row in read_rows(out, "fills")])
    assert fills[0] == fills[1] and len(fills[0]) > 10


def test_options_say_how_rows_are_taken_and_notes_say_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "candles"
    folder.mkdir()
    times = trials.dates(trials.BARS)
    times[3] = times[3].replace(":00:00", ":17:04")
    lines = trials.rows(trials.BARS, times)
    lines[8] = lines[8].replace(",", ",-", 1)
    (folder / "BTCUSDT-1h.csv").write_text(trials.text(lines))
    options = ["--symbols", "BTC/USDT", "--off-grid", "snap", "--skip-bad-rows"]
    assert call(["candles", "check", folder]) == 78
    assert call(["backtest", "--candles", folder, "--symbols", "BTC/USDT"]) == 78
    capsys.readouterr()
    assert call(["candles", "check", folder, *options]) == 0
    printed = capsys.readouterr().out
    expected = [
        "BTCUSDT-1h.csv: row 9 left out; row 9: open must be a positive number, was -",
        "BTCUSDT-1h.csv: 1 row moved to the 1h grid: row 4",
    ]
    assert all(note in printed for note in expected)
    summary = run(folder, tmp_path / "out", *options)
    assert all(any(note in said for said in summary["notes"]) for note in expected)
    assert summary["candles"][0]["missing_bars"] == 1


def test_symbols_asked_for_need_not_be_the_fleets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials.symbol_split(tmp_path)
    assert call(["candles", "check", tmp_path, "--symbols", "DO/TUSD", "--json"]) == 0
    assert [report["symbol"] for report in json.loads(capsys.readouterr().out)] == ["BNB/USD", "DO/TUSD"]


def test_a_wrong_word_of_an_option_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials.mixed_units(tmp_path)
    for options, sentence in (
        (["--off-grid", "move"], "setting market.off_grid must be"),
        (["--date-format", "%H:%M"], "setting market.date_format must have day, month and year"),
        (["--symbols", ","], "--symbols must be like BTC/USDT,ETH/USDT"),
    ):
        assert call(["candles", "check", tmp_path, *options]) == 78
        said = capsys.readouterr().err
        assert sentence in said and said.count("\n") == 1


def test_an_import_writes_one_file_for_each_symbol_and_timeframe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    source.mkdir()
    for write in (trials.whole_plus_dump, trials.symbol_split, trials.funding_label):
        write(source)
    (source / "BTCUSDT_240927-1h.csv").write_text(trials.text(trials.rows(trials.BARS)))
    assert call(["candles", "import", source, into, "--json"]) == 0
    written = {one["file"]: one for one in json.loads(capsys.readouterr().out)}
    assert sorted(written) == sorted(path.name for path in into.iterdir())
    assert sorted(written) == [
        "BNB_USD-1h.parquet",
        "BTC_USDT-1h.parquet",
        "BTC_USDT_USDT_240927-1h.parquet",
        "DOT_USD-1h.parquet",
        "XRP_USDT_USDT-8h-funding.parquet",
    ]
    assert written["BTC_USDT-1h.parquet"]["sources"] == ["BTCUSDT-1h-2025-01.csv", "BTCUSDT-1h.csv"]
    for symbol in ("BTC/USDT", "DOT/USD", "BTC/USDT:USDT-240927"):
        assert same_bars(load_candles(into, symbol, HOUR_MS), trials.BARS)
    assert np.array_equal(load_funding(into, "XRP/USDT:USDT"), load_funding(source, "XRP/USDT:USDT"))


def test_an_import_replaces_nothing_that_it_does_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    source.mkdir()
    path = source / "BTCUSDT-1h.csv"
    path.write_text(trials.text(trials.rows(trials.BARS[:20])))
    target = into / "BTC_USDT-1h.parquet"

    def imported(lines: list[str]) -> int:
        path.write_text(trials.text(lines))
        return call(["candles", "import", source, into])

    whole = trials.rows(trials.BARS)
    assert imported(whole[:20]) == 0 and imported(whole[:20]) == 0
    assert imported(whole) == 0 and len(load_candles(into, "BTC/USDT", HOUR_MS)) == 30
    kept = target.read_bytes()
    for other in (whole[:20], [*whole[:29], whole[29][:-1] + "9"]):
        capsys.readouterr()
        assert imported(other) == 78
        assert f"file {target} must not be there, or hold nothing but rows that are written" in capsys.readouterr().err
        assert target.read_bytes() == kept
    target.write_text("something else")
    assert imported(whole) == 78 and target.read_text() == "something else"
    assert [file.name for file in into.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("币安人生usdt_1h.csv", "币安人生/USDT"),
        ("1000pepeusdt.csv", "1000PEPE/USDT"),
        ("BTCUSDT_240927_1h.csv", "BTC/USDT:USDT-240927"),
    ],
)
def test_symbols_of_other_scripts_with_digits_or_a_day_are_traded(tmp_path: Path, name: str, symbol: str) -> None:
    folder = tmp_path / "candles"
    folder.mkdir()
    (folder / name).write_text(trials.text(trials.rows(trials.BARS)))
    summary = run(folder, tmp_path / "out", "--symbols", symbol)
    assert summary["bars"] == 30 and {bot["symbol"] for bot in summary["by_bot"].values()} == {symbol}
