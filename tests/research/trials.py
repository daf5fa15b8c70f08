"""Folders as people have them, on which earlier versions failed; the numbers are made up."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.market.fakes import HOUR_MS, wavy_bars
from worker.strategies.bars import Bars

# 2024-12-31 09:00 UTC: the thirty bars go over the new year.
START_MS = 1_735_635_600_000
BARS = wavy_bars(30, HOUR_MS, START_MS, level=42_000.0)
HEADER = "open_time,open,high,low,close,volume\n"


def rows(bars: Bars, times: list[str] | None = None) -> list[str]:
    """Write bars as rows of CSV, by their dates or the times given."""
    times = times or dates(bars)
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [
        ",".join([time, *(repr(float(cell)) for cell in cells)]) for time, *cells in zip(times, *columns, strict=True)
    ]


def dates(bars: Bars) -> list[str]:
    """Write the opens of bars."""
    return list(pd.to_datetime(bars.open_ms, unit="ms").strftime("%Y-%m-%d %H:%M:%S"))


def text(lines: list[str], header: str = HEADER) -> str:
    """Put rows under a header."""
    return header + "\n".join(lines) + "\n"


def mixed_units(folder: Path) -> None:
    """Write one file joined over the new year, where the exchange's dumps turn to microseconds."""
    times = [str(moment if moment < 1_735_689_600_000 else moment * 1000) for moment in BARS.open_ms]
    (folder / "BTCUSDT-1h.csv").write_text(text(rows(BARS, times)))


def duplicate_column(folder: Path) -> None:
    """Write a time that is there twice, and a good file beside it."""
    (folder / "AAVEUSDT-1h.csv").write_text(
        text([f"{row}," for row in rows(BARS)], "open_time,open,high,low,close,volume,open_time\n")
    )
    (folder / "ETHUSDT-1h.csv").write_text(text(rows(BARS)))


def damaged_zip(folder: Path) -> None:
    """Write an archive with one byte changed, and a good file beside it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1h-2024-01.csv", text(rows(wavy_bars(300, HOUR_MS))))
    content = bytearray(stream.getvalue())
    content[len(content) // 2] ^= 0xFF
    (folder / "BTCUSDT-1h-2024-01.zip").write_bytes(content)
    (folder / "ETHUSDT-1h-2024-01.csv").write_text(text(rows(BARS)))


def whole_plus_dump(folder: Path) -> None:
    """Write a whole file to the end of a year, and the dump of the month after."""
    (folder / "BTCUSDT-1h.csv").write_text(text(rows(BARS[:15])))
    (folder / "BTCUSDT-1h-2025-01.csv").write_text(text(rows(BARS[15:])))


def symbol_split(folder: Path) -> None:
    """Write names in which a longer quote leaves no coin."""
    for name in ("DOTUSD-1h.csv", "BNBUSD-1h.csv"):
        (folder / name).write_text(text(rows(BARS)))


def funding_label(folder: Path) -> None:
    """Write settlements that are stamped a few milliseconds late."""
    times = ["2021-11-18 00:00:00.017", "2021-11-18 08:00:00.011", "2021-11-18 16:00:00.000", "2021-11-19 00:00:00.019"]
    (folder / "XRP_USDT_USDT-8h-funding_rate.csv").write_text(
        text([f"{time}+00:00,0.0001" for time in times], "date,funding_rate\n")
    )


def pandas_index(folder: Path) -> None:
    """Write a table with an index without a name."""
    (folder / "EURUSD-1h.csv").write_text(text(rows(BARS[:10]), ",Open,High,Low,Close,Volume\n"))


def cryptodatadownload(folder: Path) -> None:
    """Write a comment line, newest first, volumes by coin."""
    header = (
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount\n"
    )
    lines = [
        f"{moment},{date},BTC/USDT,{row.partition(',')[2]},{9e5},9"
        for moment, date, row in zip(BARS.open_ms, dates(BARS), rows(BARS), strict=True)
    ]
    (folder / "BTCUSDT-1h.csv").write_text(text(lines[::-1], header))


def one_far_row(folder: Path) -> None:
    """Write one row a century away."""
    times = dates(BARS)
    times[-1] = times[-1].replace("2025", "2125")
    (folder / "BTC_USDT-1h.csv").write_text(text(rows(BARS, times)))


def bitcoin_quoted(folder: Path, name: str = "ETH_BTC-1h.csv", unit: float = 1.0) -> None:
    """Write ETH in bitcoin, or in another unit of it."""
    bars = wavy_bars(600, HOUR_MS, level=3500.0)
    prices = [np.round(getattr(bars, column) * 1e-5 * unit, 12) for column in ("open", "high", "low", "close")]
    (folder / name).write_text(text(rows(Bars(bars.open_ms, *prices, bars.volume))))


Write = Callable[[Path], None]
