"""`symbols.toml` beside the data: names of files, and the symbols they hold."""

import tomllib
import unicodedata
from pathlib import Path

from shared.errors import ConfigurationError
from shared.regular_file import NotAFile, read_regular
from shared.settings import SYMBOL_PATTERN

FILE_NAME = "symbols.toml"


def load_mapping(folder: Path) -> dict[str, str]:
    """Read `symbols.toml` of a folder: symbols by name, lower case; an empty symbol is a file to leave alone.

    Raises ConfigurationError naming the file and the entry that is no symbol.
    """
    path = folder / FILE_NAME
    try:
        entries = tomllib.loads(read_regular(path))
    except FileNotFoundError:
        return {}
    except NotAFile as error:
        raise ConfigurationError(f"{FILE_NAME} in {folder} {error}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{FILE_NAME} in {folder} must be a readable TOML file: {error}") from error
    for name, symbol in entries.items():
        if symbol != "" and not (isinstance(symbol, str) and SYMBOL_PATTERN.fullmatch(symbol)):
            raise ConfigurationError(
                f'{FILE_NAME} in {folder} must name a symbol like "BTC/USDT" for {name}, or "" to leave it alone, '
                f"was {symbol!r}"
            )
    return {unicodedata.normalize("NFC", name).casefold(): symbol for name, symbol in entries.items()}
