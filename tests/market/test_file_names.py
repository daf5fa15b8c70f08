"""Names of files as people have them, and the symbol and timeframe each says."""

import os
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.units import timeframe_name
from tests.market.fakes import frame_of, wavy_bars, write_candles
from worker.market.check import check_candles
from worker.market.files import CandleFolder, find_symbols
from worker.market.files.names import read_name

NAMES = [
    # Ours and freqtrade's
    ("BTC_USDT-5m.parquet", "BTC/USDT", "5m"),
    ("BTC_USDT_USDT-5m-futures.feather", "BTC/USDT:USDT", "5m"),
    ("1000SATS_USDT-5m.csv", "1000SATS/USDT", "5m"),
    # The most common in public repositories
    ("BTC-USD.csv", "BTC/USD", ""),
    ("BTCUSDT.csv", "BTC/USDT", ""),
    ("BTCUSDT_1h.csv", "BTC/USDT", "1h"),
    ("Binance_BTCUSDT_1h.csv", "BTC/USDT", "1h"),
    ("Binance_BTCUSDT_2024_minute.csv", "BTC/USDT", "1m"),
    ("Bitstamp_BTCUSD_d.csv", "BTC/USD", "1d"),
    ("gemini_ETHUSD_2020_1min.csv", "ETH/USD", "1m"),
    ("BTCUSDT-1m-2024-01.zip", "BTC/USDT", "1m"),
    ("BTCUSDT-1m-2024-01-31.csv", "BTC/USDT", "1m"),
    ("BTC_USD_Bitstamp_day_2019-12-10.csv", "BTC/USD", "1d"),
    ("BTCUSDT_1h_2020-01-01_to_2021-01-01.csv", "BTC/USDT", "1h"),
    ("btcusdt_15min_data_2020_2023.csv.gz", "BTC/USDT", "15m"),
    ("data_BTC_USDT_4hour.json.gz", "BTC/USDT", "4h"),
    ("BTC-USDT 1h (1).csv", "BTC/USDT", "1h"),
    ("BINANCE_BTCUSDT, 60_a1b2c.csv", "BTC/USDT", ""),
    ("BITSTAMP_BTCUSD, 1D.csv", "BTC/USD", "1d"),
    ("XBTUSD_1440.csv", "BTC/USD", ""),
    ("EURUSD_H4.csv", "EUR/USD", "4h"),
    ("EURUSD60.csv", "EUR/USD", ""),
    ("ethbtc-1d.csv", "ETH/BTC", "1d"),
    # A month and a minute are told apart by the data
    ("BTCUSDT_1M.csv", "BTC/USDT", ""),
    ("BTCUSDT_1w.csv", "BTC/USDT", "1w"),
    ("BTCUSDT-weekly.csv", "BTC/USDT", "1w"),
    ("XRP_USDT-3d.csv", "XRP/USDT", "3d"),
    # Digits, other scripts, quotes
    ("1INCHUSDT_1h.csv", "1INCH/USDT", "1h"),
    ("1000PEPEUSDT-5m.csv", "1000PEPE/USDT", "5m"),
    ("币安人生USDT-1h.csv", "币安人生/USDT", "1h"),
    ("币安人生_USDT_1h.csv", "币安人生/USDT", "1h"),
    ("BTCUSD1-1h.csv", "BTC/USD1", "1h"),
    ("BTCMXN.csv", "BTC/MXN", ""),
    ("BTC-PLN.csv", "BTC/PLN", ""),
    ("ETHFDUSD-1m.csv", "ETH/FDUSD", "1m"),
    # A longer quote that leaves no coin is not the quote
    ("DOTUSD-1h.csv", "DOT/USD", "1h"),
    ("BNBUSD-1h.csv", "BNB/USD", "1h"),
    ("BATUSD.csv", "BAT/USD", ""),
    ("SHIBUSD.csv", "SHIB/USD", ""),
    ("SHIBBUSD.csv", "SHIB/BUSD", ""),
    ("BTCTUSD.csv", "BTC/TUSD", ""),
    ("ZZZZZUSDT.csv", "ZZZZZ/USDT", ""),
    # Coins that are words
    ("PERP_USDT-1h.csv", "PERP/USDT", "1h"),
    ("DATA_USDT-1h.csv", "DATA/USDT", "1h"),
    ("D_USDT-1h.csv", "D/USDT", "1h"),
    # Contracts
    ("BTCUSDT_PERP-1h.csv", "BTC/USDT:USDT", "1h"),
    ("BTCUSD_PERP-1h.csv", "BTC/USD:BTC", "1h"),
    ("BTC-USDT-SWAP_1h.csv", "BTC/USDT:USDT", "1h"),
    ("BTCUSDT.P_1h.csv", "BTC/USDT:USDT", "1h"),
    ("BTC-PERPETUAL_1h.csv", "BTC/USD:BTC", "1h"),
    ("BTCUSDT_240927-1h.csv", "BTC/USDT:USDT-240927", "1h"),
    ("BTCUSD_240927-1h.csv", "BTC/USD:BTC-240927", "1h"),
    ("BTC-27SEP24.csv", "BTC/USD:BTC-240927", ""),
    ("BTC_USDT_USDT_240927-1h.parquet", "BTC/USDT:USDT-240927", "1h"),
    # A month is no day on which contracts expire
    ("BTCUSDT_1h_202401.csv", "BTC/USDT", "1h"),
    ("BTCUSDT_1h_20240927.csv", "BTC/USDT", "1h"),
    # Not known, but the form says where the symbol ends
    ("FOO_BAR-5m.csv", "FOO/BAR", "5m"),
    ("AAPL-1d.csv", "AAPL", "1d"),
]


@pytest.mark.parametrize(("name", "symbol", "timeframe"), NAMES)
def test_a_name_says_symbol_and_timeframe(name: str, symbol: str, timeframe: str) -> None:
    found = read_name(Path(name))
    assert found is not None
    said = timeframe_name(found.timeframe_ms) if found.timeframe_ms else ""
    assert (found.symbol, said, found.funding) == (symbol, timeframe, False)


@pytest.mark.parametrize(
    "name",
    [
        "BTC_USDT-book20-1s.parquet",
        "BTC_USDT-trades.parquet",
        "BTC_USDT_USDT-8h-mark.feather",
        "BTCUSDT-aggTrades-2024-01.zip",
        "BTCUSDT-index-1h.csv",
        "notes.csv",
        "trades.csv",
        "results_summary.csv",
        "package.json",
        "bitcoin.csv",
    ],
)
def test_what_names_no_candles_is_left_alone(name: str) -> None:
    assert read_name(Path(name)) is None


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC_USDT-8h-funding.parquet", "BTC/USDT"),
        ("BTC_USDT_USDT-1h-funding_rate.feather", "BTC/USDT:USDT"),
        ("BTCUSDT-fundingRate-2025-01.csv", "BTC/USDT"),
    ],
)
def test_funding_is_told_from_candles(name: str, symbol: str) -> None:
    found = read_name(Path(name))
    assert found is not None and (found.symbol, found.funding) == (symbol, True)


@pytest.mark.parametrize(
    ("name", "asked", "symbol"),
    [
        ("DOTUSD-1h.csv", ["DO/TUSD"], "DO/TUSD"),
        ("BNBUSD-1h.csv", ["BNB/USD"], "BNB/USD"),
        ("FOOBAR.csv", ["FOO/BAR"], "FOO/BAR"),
        ("foo-bar.csv", ["FOO/BAR"], "FOO/BAR"),
        ("XBTEUR_60.csv", ["BTC/EUR"], "BTC/EUR"),
        # What is written apart is not put together another way.
        ("DOT_USD-1h.csv", ["DO/TUSD"], "DOT/USD"),
        ("BTCUSDT_PERP.csv", ["BTC/USDT:USDT"], "BTC/USDT:USDT"),
    ],
)
def test_symbols_asked_for_go_before_what_is_guessed(name: str, asked: list[str], symbol: str) -> None:
    found = read_name(Path(name), asked)
    assert found is not None and found.symbol == symbol


def test_the_mapping_beside_the_data_has_the_last_word(tmp_path: Path) -> None:
    for name in ("BTCUSDT_1h.csv", "ETHUSDT-1h.csv", "mine.csv", "DOGE_USDT-1h.csv"):
        write_candles(tmp_path, name, frame_of(wavy_bars(20, 3_600_000)))
    (tmp_path / "symbols.toml").write_text(
        '"mine.csv" = "SOL/USDT"\nbtcusdt = "BTC/USDT:USDT"\n"ETHUSDT-1h" = "ETH/EUR"\n"DOGE_USDT" = ""\n'
    )
    folder = CandleFolder(tmp_path, asked=["ETH/USDT"])
    assert folder.symbols == ("BTC/USDT:USDT", "ETH/EUR", "SOL/USDT")
    assert len(folder.candles("SOL/USDT", 3_600_000).bars) == 20


def test_a_name_of_the_mapping_that_is_no_file_is_said(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame_of(wavy_bars(20, 3_600_000)))
    (tmp_path / "symbols.toml").write_text('btc_usdt = "BTC/EUR"\nBTCUSTD = "BTC/EUR"\n')
    good, unused = check_candles(tmp_path)
    assert (good.symbol, good.usable) == ("BTC/EUR", True)
    assert unused.error == "symbols.toml must name files of the folder, btcustd is none" and unused.kind == "unknown"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("BTC = 1\n", r"symbols.toml in .* must name a symbol like \"BTC/USDT\" for BTC, .*was 1"),
        ('BTC = "btc"\n', "must name a symbol .* was 'btc'"),
        ("BTC\n", "must be a readable TOML file"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame_of(wavy_bars(20, 3_600_000)))
    (tmp_path / "symbols.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        find_symbols(tmp_path)


def test_a_mapping_that_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame_of(wavy_bars(20, 3_600_000)))
    os.mkfifo(tmp_path / "symbols.toml")
    with pytest.raises(ConfigurationError, match="symbols.toml in .* must be a file, was a named pipe"):
        find_symbols(tmp_path)


def test_a_dated_future_stands_for_no_other_market(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTCUSDT_240927-1h.csv", frame_of(wavy_bars(20, 3_600_000)))
    with pytest.raises(ConfigurationError, match="must hold candles of BTC/USDT, holds BTC/USDT:USDT-240927"):
        CandleFolder(tmp_path).candles("BTC/USDT", 3_600_000)
    assert len(CandleFolder(tmp_path).candles("BTC/USDT:USDT-240927", 3_600_000).bars) == 20
