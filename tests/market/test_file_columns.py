"""The columns of files as the world writes them: each text holds the same bars."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.feather import write_feather

from shared.errors import CandleError
from tests.market.fakes import DAY_MS, HOUR_MS
from worker.market.files import load_candles, load_funding

START_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC
OPEN, HIGH, LOW, CLOSE = (
    np.array([42000.0, 42058.1, 42196.55, 42252.36]),
    np.array([42236.24, 42290.4, 42284.27, 42300.0]),
    np.array([41995.46, 42035.15, 42113.66, 42200.5]),
    np.array([42058.1, 42196.55, 42252.36, 42210.0]),
)
VOLUME = np.array([18.679, 1040.229, 1.577, 7.0])

HOURS = {
    "Binance, raw": """\
1704067200000,42000.0,42236.24,41995.46,42058.1,18.679,1704070799999,785603.2,9,1.0,2.0,0
1704070800000,42058.1,42290.4,42035.15,42196.55,1040.229,1704074399999,1697525.0,9,1.0,2.0,0
1704074400000,42196.55,42284.27,42113.66,42252.36,1.577,1704077999999,66632.0,9,1.0,2.0,0
1704078000000,42252.36,42300.0,42200.5,42210.0,7.0,1704081599999,295470.0,9,1.0,2.0,0
""",
    "Binance, names of the API": """\
openTime,open,high,low,close,volume,closeTime,quoteAssetVolume,numberOfTrades,takerBuyBaseAssetVolume,ignore
1704067200000,42000.0,42236.24,41995.46,42058.1,18.679,1704070799999,1.0,9,1.0,0
1704070800000,42058.1,42290.4,42035.15,42196.55,1040.229,1704074399999,1.0,9,1.0,0
1704074400000,42196.55,42284.27,42113.66,42252.36,1.577,1704077999999,1.0,9,1.0,0
1704078000000,42252.36,42300.0,42200.5,42210.0,7.0,1704081599999,1.0,9,1.0,0
""",
    "Kaggle, Open Time": """\
Open Time,Open,High,Low,Close,Volume,Close Time,Quote Asset Volume,Number of Trades,Ignore
2024-01-01 00:00:00,42000.0,42236.24,41995.46,42058.1,18.679,2024-01-01 00:59:59.999,1.0,9,0
2024-01-01 01:00:00,42058.1,42290.4,42035.15,42196.55,1040.229,2024-01-01 01:59:59.999,1.0,9,0
2024-01-01 02:00:00,42196.55,42284.27,42113.66,42252.36,1.577,2024-01-01 02:59:59.999,1.0,9,0
2024-01-01 03:00:00,42252.36,42300.0,42200.5,42210.0,7.0,2024-01-01 03:59:59.999,1.0,9,0
""",
    "Kaggle, with ids and names": """\
SNo,Name,Symbol,Date,High,Low,Open,Close,Volume,Marketcap
1,Bitcoin,BTC,2024-01-01 00:00:00,42236.24,41995.46,42000.0,42058.1,18.679,1e12
2,Bitcoin,BTC,2024-01-01 01:00:00,42290.4,42035.15,42058.1,42196.55,1040.229,1e12
3,Bitcoin,BTC,2024-01-01 02:00:00,42284.27,42113.66,42196.55,42252.36,1.577,1e12
4,Bitcoin,BTC,2024-01-01 03:00:00,42300.0,42200.5,42252.36,42210.0,7.0,1e12
""",
    "CryptoDataDownload": """\
https://www.CryptoDataDownload.com
unix,date,symbol,open,high,low,close,Volume USDT,Volume BTC,tradecount
1704078000000,2024-01-01 03:00:00,BTC/USDT,42252.36,42300.0,42200.5,42210.0,295470.0,7.0,9
1704074400000,2024-01-01 02:00:00,BTC/USDT,42196.55,42284.27,42113.66,42252.36,66632.0,1.577,9
1704070800000,2024-01-01 01:00:00,BTC/USDT,42058.1,42290.4,42035.15,42196.55,1697525.0,1040.229,9
1704067200000,2024-01-01 00:00:00,BTC/USDT,42000.0,42236.24,41995.46,42058.1,785603.2,18.679,9
""",
    "CryptoDataDownload, hours of the clock": """\
These data are provided by CryptoDataDownload
Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT
2024-01-01 03-AM,BTCUSDT,42252.36,42300.0,42200.5,42210.0,7.0,295470.0
2024-01-01 02-AM,BTCUSDT,42196.55,42284.27,42113.66,42252.36,1.577,66632.0
2024-01-01 01-AM,BTCUSDT,42058.1,42290.4,42035.15,42196.55,1040.229,1697525.0
2024-01-01 12-AM,BTCUSDT,42000.0,42236.24,41995.46,42058.1,18.679,785603.2
""",
    "pandas, unnamed index": """\
,Open,High,Low,Close,Volume
2024-01-01 00:00:00,42000.0,42236.24,41995.46,42058.1,18.679
2024-01-01 01:00:00,42058.1,42290.4,42035.15,42196.55,1040.229
2024-01-01 02:00:00,42196.55,42284.27,42113.66,42252.36,1.577
2024-01-01 03:00:00,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "pandas, an index of numbers beside the time": """\
,timestamp,open,high,low,close,volume
0,2024-01-01 00:00:00+00:00,42000.0,42236.24,41995.46,42058.1,18.679
1,2024-01-01 01:00:00+00:00,42058.1,42290.4,42035.15,42196.55,1040.229
2,2024-01-01 02:00:00+00:00,42196.55,42284.27,42113.66,42252.36,1.577
3,2024-01-01 03:00:00+00:00,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "TradingView": """\
time,open,high,low,close,Volume,Volume MA
1704067200,42000,42236.24,41995.46,42058.1,18.679,NaN
1704070800,42058.1,42290.4,42035.15,42196.55,1040.229,NaN
1704074400,42196.55,42284.27,42113.66,42252.36,1.577,NaN
1704078000,42252.36,42300,42200.5,42210,7,1.5
""",
    "Bitstamp, empty rows": """\
Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency),Weighted_Price
1704063600,NaN,NaN,NaN,NaN,NaN,NaN,NaN
1704067200,42000.0,42236.24,41995.46,42058.1,18.679,1.0,1.0
1704070800,42058.1,42290.4,42035.15,42196.55,1040.229,1.0,1.0
1704074400,42196.55,42284.27,42113.66,42252.36,1.577,1.0,1.0
1704078000,42252.36,42300.0,42200.5,42210.0,7.0,1.0,1.0
1704081600,NaN,NaN,NaN,NaN,NaN,NaN,NaN
""",
    "Date and Time apart": """\
Date,Time,Open,High,Low,Close,Volume
2024-01-01,00:00,42000.0,42236.24,41995.46,42058.1,18.679
2024-01-01,01:00,42058.1,42290.4,42035.15,42196.55,1040.229
2024-01-01,02:00,42196.55,42284.27,42113.66,42252.36,1.577
2024-01-01,03:00,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "MetaTrader": """\
<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2024.01.01\t00:00:00\t42000.0\t42236.24\t41995.46\t42058.1\t3\t18.679\t1
2024.01.01\t01:00:00\t42058.1\t42290.4\t42035.15\t42196.55\t3\t1040.229\t1
2024.01.01\t02:00:00\t42196.55\t42284.27\t42113.66\t42252.36\t3\t1.577\t1
2024.01.01\t03:00:00\t42252.36\t42300.0\t42200.5\t42210.0\t3\t7.0\t1
""",
    "MetaTrader, without header": """\
2024.01.01,00:00,42000.0,42236.24,41995.46,42058.1,18.679
2024.01.01,01:00,42058.1,42290.4,42035.15,42196.55,1040.229
2024.01.01,02:00,42196.55,42284.27,42113.66,42252.36,1.577
2024.01.01,03:00,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "Finam, digits": """\
<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>
BTC,60,20240101,000000,42000.0,42236.24,41995.46,42058.1,18.679
BTC,60,20240101,010000,42058.1,42290.4,42035.15,42196.55,1040.229
BTC,60,20240101,020000,42196.55,42284.27,42113.66,42252.36,1.577
BTC,60,20240101,030000,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "HistData": """\
20240101 000000;42000.0;42236.24;41995.46;42058.1;18.679
20240101 010000;42058.1;42290.4;42035.15;42196.55;1040.229
20240101 020000;42196.55;42284.27;42113.66;42252.36;1.577
20240101 030000;42252.36;42300.0;42200.5;42210.0;7.0
""",
    "Dukascopy, day first": """\
Gmt time,Open,High,Low,Close,Volume
01.01.2024 00:00:00.000,42000.0,42236.24,41995.46,42058.1,18.679
01.01.2024 01:00:00.000,42058.1,42290.4,42035.15,42196.55,1040.229
01.01.2024 02:00:00.000,42196.55,42284.27,42113.66,42252.36,1.577
01.01.2024 03:00:00.000,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "start_ts and end_ts": """\
start_ts,end_ts,open,high,low,close,volume
1704067200,1704070800,42000.0,42236.24,41995.46,42058.1,18.679
1704070800,1704074400,42058.1,42290.4,42035.15,42196.55,1040.229
1704074400,1704078000,42196.55,42284.27,42113.66,42252.36,1.577
1704078000,1704081600,42252.36,42300.0,42200.5,42210.0,7.0
""",
    "CoinMarketCap, whose timestamp is the close": """\
timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp
2024-01-01T03:00:00.000Z;x;x;x;2781;42252.36;42300.0;42200.5;42210.0;7.0;1;2024-01-01T03:59:59.999Z
2024-01-01T02:00:00.000Z;x;x;x;2781;42196.55;42284.27;42113.66;42252.36;1.577;1;2024-01-01T02:59:59.999Z
2024-01-01T01:00:00.000Z;x;x;x;2781;42058.1;42290.4;42035.15;42196.55;1040.229;1;2024-01-01T01:59:59.999Z
2024-01-01T00:00:00.000Z;x;x;x;2781;42000.0;42236.24;41995.46;42058.1;18.679;1;2024-01-01T00:59:59.999Z
""",
    "Alpha Vantage": """\
timestamp,1. open,2. high,3. low,4. close,5. volume
2024-01-01 03:00:00,42252.36,42300.0,42200.5,42210.0,7.0
2024-01-01 02:00:00,42196.55,42284.27,42113.66,42252.36,1.577
2024-01-01 01:00:00,42058.1,42290.4,42035.15,42196.55,1040.229
2024-01-01 00:00:00,42000.0,42236.24,41995.46,42058.1,18.679
""",
    "CryptoCompare": """\
time,high,low,open,volumefrom,volumeto,close,conversionType
1704067200,42236.24,41995.46,42000.0,18.679,785603.2,42058.1,direct
1704070800,42290.4,42035.15,42058.1,1040.229,1697525.0,42196.55,direct
1704074400,42284.27,42113.66,42196.55,1.577,66632.0,42252.36,direct
1704078000,42300.0,42200.5,42252.36,7.0,295470.0,42210.0,direct
""",
    "OKX": """\
ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm
1704067200000,42000.0,42236.24,41995.46,42058.1,18.679,1,1,1
1704070800000,42058.1,42290.4,42035.15,42196.55,1040.229,1,1,1
1704074400000,42196.55,42284.27,42113.66,42252.36,1.577,1,1,1
1704078000000,42252.36,42300.0,42200.5,42210.0,7.0,1,1,1
""",
    "semicolons and decimal commas": """\
Datum;Open;High;Low;Close;Volume
2024-01-01 00:00;42000,0;42236,24;41995,46;42058,1;18,679
2024-01-01 01:00;42058,1;42290,4;42035,15;42196,55;1.040,229
2024-01-01 02:00;42196,55;42284,27;42113,66;42252,36;1,577
2024-01-01 03:00;42.252,36;42300;42200,5;42210;7
""",
    "thousands set apart": """\
"Date","Open","High","Low","Close","Volume"
"2024-01-01 00:00","42,000.0","42,236.24","41,995.46","$42,058.1","18.679"
"2024-01-01 01:00","42,058.1","42,290.4","42,035.15","42,196.55","1,040.229"
"2024-01-01 02:00","42,196.55","42,284.27","42,113.66","42,252.36","1.577"
"2024-01-01 03:00","42,252.36","42,300","42,200.5","42,210","7"
""",
    "a comma at the end of each row": """\
Date,Open,High,Low,Close,Volume
2024-01-01 00:00,42000.0,42236.24,41995.46,42058.1,18.679,
2024-01-01 01:00,42058.1,42290.4,42035.15,42196.55,1040.229,
2024-01-01 02:00,42196.55,42284.27,42113.66,42252.36,1.577,
2024-01-01 03:00,42252.36,42300.0,42200.5,42210.0,7.0,
""",
}


def holds_the_bars(folder: Path, step_ms: int, symbol: str = "BTC/USDT") -> bool:
    bars = load_candles(folder, symbol, step_ms)
    expected = (START_MS + step_ms * np.arange(4), OPEN, HIGH, LOW, CLOSE, VOLUME)
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return all(np.array_equal(column, wanted) for column, wanted in zip(columns, expected, strict=True))


@pytest.mark.parametrize("kind", HOURS)
@pytest.mark.parametrize("form", ["plain", "mark and CRLF", "UTF-16"])
def test_the_forms_of_the_world_hold_the_same_bars(tmp_path: Path, kind: str, form: str) -> None:
    text = HOURS[kind]
    content = {
        "plain": text.encode(),
        "mark and CRLF": text.replace("\n", "\r\n").encode("utf-8-sig"),
        "UTF-16": text.encode("utf-16"),
    }[form]
    (tmp_path / "BTCUSDT.csv").write_bytes(content)
    assert holds_the_bars(tmp_path, HOUR_MS)


DAYS = {
    "Yahoo": """\
Date,Open,High,Low,Close,Adj Close,Volume
2024-01-01,42000.0,42236.24,41995.46,42058.1,1.0,18.679
2024-01-02,42058.1,42290.4,42035.15,42196.55,1.0,1040.229
2024-01-03,42196.55,42284.27,42113.66,42252.36,1.0,1.577
2024-01-04,42252.36,42300.0,42200.5,42210.0,1.0,7.0
2024-01-05,null,null,null,null,null,null
""",
    "Yahoo, three header lines": """\
Price,Close,High,Low,Open,Volume
Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD
Date,,,,,
2024-01-01,42058.1,42236.24,41995.46,42000.0,18.679
2024-01-02,42196.55,42290.4,42035.15,42058.1,1040.229
2024-01-03,42252.36,42284.27,42113.66,42196.55,1.577
2024-01-04,42210.0,42300.0,42200.5,42252.36,7.0
""",
    "Investing.com": """\
"Date","Price","Open","High","Low","Vol.","Change %"
"Jan 04, 2024","42,210.0","42,252.36","42,300.0","42,200.5","7","0.1%"
"Jan 03, 2024","42,252.36","42,196.55","42,284.27","42,113.66","1.577","0.1%"
"Jan 02, 2024","42,196.55","42,058.1","42,290.4","42,035.15","1.040229K","0.1%"
"Jan 01, 2024","42,058.1","42,000.0","42,236.24","41,995.46","18.679","0.1%"
""",
    "digits of a date": """\
date,open,high,low,close,volume
20240101,42000.0,42236.24,41995.46,42058.1,18.679
20240102,42058.1,42290.4,42035.15,42196.55,1040.229
20240103,42196.55,42284.27,42113.66,42252.36,1.577
20240104,42252.36,42300.0,42200.5,42210.0,7.0
""",
}


@pytest.mark.parametrize("kind", DAYS)
def test_the_forms_of_days_hold_the_same_bars(tmp_path: Path, kind: str) -> None:
    (tmp_path / "BTC-USD.csv").write_text(DAYS[kind])
    assert holds_the_bars(tmp_path, DAY_MS, "BTC/USD")


def test_the_volume_is_that_of_the_coin(tmp_path: Path) -> None:
    text = (
        "date,open,high,low,close,Volume BTC,Volume ETH\n2024-01-01 00:00,1,1,1,1,2,3\n2024-01-01 01:00,1,1,1,1,2,3\n"
    )
    (tmp_path / "ETHBTC.csv").write_text(text)
    assert load_candles(tmp_path, "ETH/BTC", HOUR_MS).volume.tolist() == [3.0, 3.0]


def test_an_index_of_numbers_alone_is_no_time(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1h.csv").write_text(",open,high,low,close,volume\n0,1,1,1,1,1\n1,1,1,1,1,1\n")
    with pytest.raises(CandleError, match="BTCUSDT-1h.csv row 1: timestamp must be a time, was 0"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("open_time,open,high,low,close,volume,open_time", "must have one column open_time, has 2"),
        ("date,Open,open,high,low,close,volume", "must have one column Open, has 2"),
        ("date,open,high,low,volume,Volume USDT,x", "must have a column close, has date, open"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "feather"])
def test_a_column_that_is_there_twice_or_not_is_one_sentence(
    tmp_path: Path, header: str, sentence: str, suffix: str
) -> None:
    names = header.split(",")
    if suffix == "csv":
        (tmp_path / "BTC_USDT-1h.csv").write_text(header + "\n" + "1," * (len(names) - 1) + "1\n")
    else:
        write_feather(
            pa.Table.from_arrays([pa.array([1.0])] * len(names), names=names), tmp_path / "BTC_USDT-1h.feather"
        )
    with pytest.raises(CandleError, match=rf"^BTC_USDT-1h.{suffix} {sentence}"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_funding_of_an_exchange_is_read_by_its_own_names(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-fundingRate-2024-01.csv").write_text(
        "calc_time,funding_interval_hours,last_funding_rate\n1704067200003,8,0.0001\n1704096000000,8,-0.0002\n"
    )
    times, rates = load_funding(tmp_path, "BTC/USDT")
    assert times.tolist() == [1704067200000, 1704096000000] and rates.tolist() == [0.0001, -0.0002]
