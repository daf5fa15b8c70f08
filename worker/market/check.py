"""What is in a folder of candles and what is wrong with it: reported file by file, never raised."""

from collections.abc import Collection
from pathlib import Path

from shared.settings import MarketSettings
from worker.market.files.folder import CandleFolder
from worker.market.files.report import FileReport

__all__ = ["FileReport", "check_candles"]


def check_candles(
    folder: Path, settings: MarketSettings | None = None, asked: Collection[str] = ()
) -> list[FileReport]:
    """Report on every file of a folder in order of name; a missing or empty folder is a ConfigurationError."""
    return CandleFolder(folder, settings, asked).reports()
