"""What the name of a file says it holds: symbol, timeframe, candles or funding."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from worker.market.files.symbols import contract, is_contract, pair_of
from worker.market.files.words import COINS, EXCHANGES, FUNDING, is_noise, timeframe_of

FORMATS = (".parquet", ".feather", ".csv", ".json")
SUFFIXES = (*FORMATS, *(f"{suffix}.gz" for suffix in FORMATS), ".zip", ".gz")
NAME_RULE = "BTC_USDT-5m.parquet, BTCUSDT.csv or BTC_USDT-8h-funding.parquet"

_SEPARATORS = re.compile(r"[\W_]+")
_GLUED = re.compile(r"(\D.*?[^\W\d])(\d+[smhdw]?)", re.IGNORECASE)
# A name like FOO_BAR-5m says where the symbol ends, so that it need not be known.
_PLAIN = re.compile(r"(?P<pair>[^\W_]+(?:_[^\W_]+)?)-(?P<timeframe>\d+[smhdw])", re.IGNORECASE)
_WIDEST = 3


@dataclass(frozen=True)
class CandleFile:
    """One file: `timeframe_ms` of its candles, 0 where the data must say, or it is funding."""

    path: Path
    symbol: str
    timeframe_ms: int
    funding: bool


def is_candidate(path: Path) -> bool:
    """Say whether a file has a form that candles come in."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def stem_of(path: Path) -> str:
    """Give the name without what says its format, and in one spelling of letters."""
    name = unicodedata.normalize("NFC", path.name)
    suffixes = [suffix for suffix in (*SUFFIXES, *(f"{form}.zip" for form in FORMATS)) if name.lower().endswith(suffix)]
    return name[: -len(max(suffixes, key=len))] if suffixes else name


def read_name(path: Path, asked: Collection[str] = (), named: Mapping[str, str] | None = None) -> CandleFile | None:
    """Understand a file name, or give None where it is not that of candles or funding.

    `named` (symbols.toml) has the last word, then the symbols `asked` for, then what is known of coins and quotes.
    """
    stem = stem_of(path)
    tokens = _tokens(stem)
    found = _by_grammar(path, tokens, asked) or _by_plain_form(path, stem)
    symbol = next((named[key] for key in keys_of(path) if key in named), None) if named else None
    if symbol is None:
        return found
    if not symbol:
        return None
    return replace(found or _described(path, "", tokens), symbol=symbol)


def _by_grammar(path: Path, tokens: Sequence[str], asked: Collection[str]) -> CandleFile | None:
    """Look for words that are a symbol, with none left over that nobody knows."""
    for start in range(len(tokens)):
        for width in range(min(_WIDEST, len(tokens) - start), 0, -1):
            words, rest = tokens[start : start + width], [*tokens[:start], *tokens[start + width :]]
            if width > 1 and words[0].lower() in EXCHANGES:
                continue
            if not all(_is_word(token) for token in rest):
                continue
            if symbol := _symbol(words, rest, asked):
                return _described(path, symbol, rest)
            glued = _GLUED.fullmatch(words[0]) if width == 1 else None
            if glued and (symbol := _symbol([glued[1]], rest, asked)):
                return _described(path, symbol, [glued[2], *rest])
    return None


def _symbol(words: Sequence[str], rest: Sequence[str], asked: Collection[str]) -> str | None:
    pair = pair_of(words, asked)
    if pair is None and len(words) == 1 and words[0].upper() in COINS and any(is_contract(word) for word in rest):
        # Contracts named after the coin alone are those in dollars.
        pair = f"{words[0].upper()}/USD"
    return pair and contract(pair, rest)


def _is_word(token: str) -> bool:
    return timeframe_of(token) is not None or is_noise(token) or is_contract(token) or token.lower() in FUNDING


def _described(path: Path, symbol: str, words: Sequence[str]) -> CandleFile:
    frames = {timeframe_of(word) for word in words} - {None}
    timeframe_ms = frames.pop() or 0 if len(frames) == 1 else 0
    funding = any(word.lower() in FUNDING for word in words)
    return CandleFile(path, symbol, 0 if funding else timeframe_ms, funding)


def _by_plain_form(path: Path, stem: str) -> CandleFile | None:
    match = _PLAIN.fullmatch(stem)
    timeframe_ms = timeframe_of(match["timeframe"]) if match else None
    if match is None or timeframe_ms is None:
        return None
    return CandleFile(path, match["pair"].upper().replace("_", "/"), timeframe_ms, False)


def keys_of(path: Path) -> tuple[str, ...]:
    """Give the names a file goes by in symbols.toml, lower case.

    They are its name, its name without format, and what is left of that without words and dates.
    """
    stem = stem_of(path)
    left = "_".join(token for token in _tokens(stem) if not _is_word(token))
    return tuple(name.casefold() for name in (unicodedata.normalize("NFC", path.name), stem, left))


def _tokens(stem: str) -> list[str]:
    return [token for token in _SEPARATORS.split(stem) if token]
