"""From the words of a file name to a symbol as exchanges' client libraries write it: BTC/USDT, BTC/USDT:USDT-240927."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from worker.market.files.words import ALIASES, COINS, QUOTES, SWAPS

# How few letters of an unknown coin are believed.
_PLAUSIBLE = 3
_EXPIRY_WORD = re.compile(r"(\d{1,2})(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(\d{2})", re.IGNORECASE)
_FRIDAY = 4


def pair_of(tokens: Sequence[str], asked: Collection[str]) -> str | None:
    """Give base/quote, or base/quote:settle, of one to three words that are nothing but the symbol, else None."""
    words = [token.upper() for token in tokens]
    if len(words) == 1:
        return _asked(words[0], asked) or split(words[0])
    base, quote = (ALIASES.get(word, word) for word in words[:2])
    is_known = quote in QUOTES or any(symbol.startswith((f"{base}/{quote}:", f"{base}/{quote} ")) for symbol in asked)
    if not (is_known or f"{base}/{quote}" in asked):
        return None
    if len(words) == 2:
        return f"{base}/{quote}"
    return f"{base}/{quote}:{words[2]}" if words[2] in (base, quote) else None


def split(word: str) -> str | None:
    """Split a word before its quote: the longest that leaves a known coin, else one that leaves a plausible name."""
    for is_base in (COINS.__contains__, lambda base: len(base) >= _PLAUSIBLE, bool):
        for quote in QUOTES:
            base = word.removesuffix(quote)
            if base != word and is_base(base):
                return f"{ALIASES.get(base, base)}/{ALIASES.get(quote, quote)}"
    return None


def contract(pair: str, words: Sequence[str]) -> str:
    """Add to a pair what the other words of the name say: that it is a swap, or the day it expires."""
    expiry = next((day for word in words if (day := expiry_of(word))), "")
    if ":" not in pair and (expiry or any(word.lower() in SWAPS for word in words)):
        base, _, quote = pair.partition("/")
        # A contract in dollars that are no coin is paid in the coin itself.
        pair = f"{pair}:{base if quote == 'USD' else quote}"
    return f"{pair}-{expiry}" if expiry else pair


def is_contract(word: str) -> bool:
    """Say whether a word tells a contract from the coin: PERP, 240927, 27SEP24."""
    return word.lower() in SWAPS or bool(expiry_of(word))


def expiry_of(word: str) -> str:
    """Give the day of a dated future as YYMMDD; six digits are one where they are a Friday. Empty if it is none."""
    if match := _EXPIRY_WORD.fullmatch(word):
        day = _day(f"{match[1]:0>2}{match[2].upper()}{match[3]}", "%d%b%y")
        return f"{day:%y%m%d}" if day else ""
    day = _day(word, "%y%m%d") if re.fullmatch(r"[0-9]{6}", word) else None
    return word if day and day.weekday() == _FRIDAY else ""


def _day(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a day of a contract has no zone
    except ValueError:
        return None


def _asked(word: str, asked: Collection[str]) -> str | None:
    for symbol in asked:
        pair = symbol.partition(":")[0]
        base, _, quote = pair.partition("/")
        names = {base, *(other for other, usual in ALIASES.items() if usual == base)}
        if word in {f"{name}{quote}" for name in names}:
            return pair
    return None


def of_market(symbols: Collection[str], symbol: str) -> set[str]:
    """Give the symbols that may stand for one: itself, else the swap of the same pair or the pair of a swap.

    Folders often name a swap as if it were spot, and portfolios a spot market's swap. A dated future is neither.
    """
    if symbol in symbols:
        return {symbol}
    return {other for other in symbols if _undated(other) == _undated(symbol) != ""}


def _undated(symbol: str) -> str:
    pair, _, settle = symbol.partition(":")
    return "" if "-" in settle else pair
