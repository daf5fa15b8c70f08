"""Which files of a folder hold which candles: told by their names alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigurationError
from shared.units import timeframe_ms, timeframe_name

SUFFIXES = (".parquet", ".feather", ".csv", ".csv.gz", ".zip")
NAME_RULE = "BTC_USDT-5m.parquet, BTCUSDT-1m-2024-01.csv or BTC_USDT-8h-funding.parquet"

_PAIR = r"(?P<pair>[A-Za-z0-9]+(?:_[A-Za-z0-9]+){0,2})"
_PERIOD = r"(?:-(?P<period>\d{4}-\d{2}(?:-\d{2})?))?"
_CANDLES = re.compile(rf"{_PAIR}-(?P<timeframe>\d+[smhd])(?:-futures|-spot)?{_PERIOD}")
_FUNDING = re.compile(rf"{_PAIR}(?:-(?P<timeframe>\d+[smhd]))?-funding(?:_?[rR]ate)?{_PERIOD}")

# Names without a separator are split before the quote; longer ones first where one ends with the other.
_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "BTC", "ETH", "BNB")


@dataclass(frozen=True)
class CandleFile:
    """One file: `timeframe_ms` of its candles (0 for funding), `period` of a dump that is one of several, else None."""

    path: Path
    symbol: str
    timeframe_ms: int
    period: str | None
    funding: bool


def read_name(path: Path) -> CandleFile | None:
    """Understand a file name, or give None where it is not that of candles or funding."""
    suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    if suffix is None or path.name.startswith("."):
        return None
    stem = path.name.removesuffix(suffix)
    if match := _FUNDING.fullmatch(stem):
        return CandleFile(path, _symbol(match["pair"]), 0, match["period"], True)
    if not (match := _CANDLES.fullmatch(stem)):
        return None
    try:
        return CandleFile(path, _symbol(match["pair"]), timeframe_ms(match["timeframe"]), match["period"], False)
    except ConfigurationError:
        return None


def paths_in(folder: Path) -> list[Path]:
    """Give the files that could hold candles; a missing or empty folder is a ConfigurationError."""
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "was not found"
        raise ConfigurationError(f"folder of candles must exist, {folder} {found}")
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES) and not path.name.startswith("."))
    if not paths:
        raise ConfigurationError(f"folder of candles must hold files like {NAME_RULE}, {folder} holds none")
    return paths


def files_in(folder: Path) -> list[CandleFile]:
    """Give the files of a folder whose names say what they hold."""
    return [file for path in paths_in(folder) if (file := read_name(path)) is not None]


def find_symbols(folder: Path) -> tuple[str, ...]:
    """Give the symbols a folder has candles of, in order of name."""
    return tuple(sorted({file.symbol for file in files_in(folder) if not file.funding}))


def candle_files(folder: Path, symbol: str, wanted_ms: int) -> list[CandleFile]:
    """Choose the files to read a symbol from: those of the timeframe wanted, else the coarsest that divide it.

    Several are parts of one another (monthly dumps), in order of period. Raises ConfigurationError.
    """
    files = _of_symbol([file for file in files_in(folder) if not file.funding], symbol)
    if not files:
        symbols = ", ".join(find_symbols(folder)) or "no candles"
        raise ConfigurationError(f"folder {folder} must hold candles of {symbol}, holds {symbols}")
    usable = [file for file in files if wanted_ms % file.timeframe_ms == 0]
    if not usable:
        finest_ms = min(file.timeframe_ms for file in files)
        raise ConfigurationError(
            f"candles of {symbol} in {folder} must be as fine as the timeframe {timeframe_name(wanted_ms)} and divide "
            f"it, finest is {timeframe_name(finest_ms)}"
        )
    coarsest_ms = max(file.timeframe_ms for file in usable)
    return _parts([file for file in usable if file.timeframe_ms == coarsest_ms], symbol)


def funding_files(folder: Path, symbol: str) -> list[CandleFile]:
    """Choose the funding files of a symbol, in order of period. Raises ConfigurationError where there is none."""
    files = _of_symbol([file for file in files_in(folder) if file.funding], symbol)
    if not files:
        raise ConfigurationError(
            f"folder {folder} must hold funding of {symbol} named like BTC_USDT-8h-funding.parquet"
        )
    return _parts(files, symbol)


def _parts(files: Sequence[CandleFile], symbol: str) -> list[CandleFile]:
    whole = [file for file in files if file.period is None]
    if len(whole) > 1:
        names = " and ".join(file.path.name for file in whole)
        raise ConfigurationError(f"{symbol} must come from one file, found {names} in {whole[0].path.parent}")
    return whole or sorted(files, key=lambda file: file.period or "")


def _of_symbol(files: Sequence[CandleFile], symbol: str) -> list[CandleFile]:
    # Folders often name a perpetual as if it were spot, and portfolios a spot market's perpetual; the exact name wins.
    exact = [file for file in files if file.symbol == symbol]
    return exact or [file for file in files if file.symbol.partition(":")[0] == symbol.partition(":")[0]]


def _symbol(pair: str) -> str:
    base, *rest = pair.upper().split("_")
    if len(rest) == 2:
        return f"{base}/{rest[0]}:{rest[1]}"
    if rest:
        return f"{base}/{rest[0]}"
    quote = next((quote for quote in _QUOTES if base.endswith(quote) and base != quote), None)
    return f"{base.removesuffix(quote)}/{quote}" if quote else base
