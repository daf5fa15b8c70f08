"""The names that columns bear in the world, and which columns of a file they are."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from shared.errors import CandleError
from worker.market.files.words import ALIASES, listed

TIME = "timestamp"
NUMBERS = ("open", "high", "low", "close", "volume")
RATE = "funding_rate"

Roles = Mapping[str, tuple[str, ...]]

# Names are compared by their letters and digits alone; the first that is there is taken. What says that it is the
# open of a bar goes before what may be its close.
_TIMES = listed(
    "opentime openedat timeopen opentimestamp opendatetime opentimems opentimeutc starttime startts "
    "starttimestamp startdate startat start timestart periodstart timeperiodstart begin begintime candlebegintime "
    "klineopentime klinestarttime timestamp timestampms timestamputc timestamps unixtimestamp unixtime unix epoch "
    "epochtime epochms ts t time_ms timems datetime datetimeutc dateandtime dateutc date utcdate datum day "
    "tradedate gmttime utctime timeutc time utc bucket calctime fundingtime fundingtimestamp settlementtime"
)
# The unnamed index of pandas, where nothing else is a time.
_INDEX = ("", "unnamed0", "index", "indexlevel0", "level0")
_CLOCKS = ("time", "timeutc", "hour", "clock")
_DATES = ("date", "dateutc", "day", "tradedate", "datum")

# `{base}` and `{quote}` are those of the symbol.
CANDLE_ROLES: Roles = {
    TIME: (*_TIMES, *_INDEX),
    "open": ("open", "o", "openprice", "priceopen", "openingprice", "first", "open{quote}", "open{base}{quote}"),
    "high": (
        "high",
        "h",
        "highprice",
        "pricehigh",
        "max",
        "maxprice",
        "highestprice",
        "high{quote}",
        "high{base}{quote}",
    ),
    "low": ("low", "l", "lowprice", "pricelow", "min", "minprice", "lowestprice", "low{quote}", "low{base}{quote}"),
    "close": (
        *("close", "c", "closeprice", "priceclose", "closingprice", "closelast", "last", "lastprice", "price"),
        *("close{quote}", "close{base}{quote}"),
    ),
    "volume": (
        *("volume{base}", "volumefrom", "volumebase", "basevolume", "basecurrencyvolume", "baseassetvolume"),
        *(
            "volume",
            "vol",
            "v",
            "volumetraded",
            "tradedvolume",
            "totalvolume",
            "tickvolume",
            "tickvol",
            "volume{base}{quote}",
        ),
    ),
}
# Freqtrade keeps the rate of a funding file in its column `open`.
FUNDING_ROLES: Roles = {
    TIME: ("timestamp", "calctime", "fundingtime", "fundingtimestamp", "settlementtime", *_TIMES, *_INDEX),
    RATE: ("fundingrate", "lastfundingrate", "rate", "funding", "realizedrate", "open"),
}
_EXPECTED = {TIME: "timestamp or date", RATE: "funding_rate or fundingrate"}

# What is shown of the columns of a file that lacks one.
_LONGEST_NAME, _MOST_NAMES = 40, 40

# Alpha Vantage numbers its columns: `1. open`, `1a. open (USD)`.
_NUMBERED = re.compile(r"^\d+[a-z]?\.\s*")


class Chosen(NamedTuple):
    """Places of columns by role; `clock` is that of a time of day that stands apart from its date."""

    places: dict[str, int]
    clock: int | None


@lru_cache(maxsize=4096)
def bare(name: str) -> str:
    """Give the letters and digits of a column's name, lower case, by which names are compared."""
    return "".join(letter for letter in _NUMBERED.sub("", name.strip().lower()) if letter.isalnum())


def is_known(names: Sequence[str], roles: Roles) -> bool:
    """Say whether a line is a header: it names a time and a rate, or at least three prices."""
    present = {bare(name) for name in names}
    found = [role for role, aliases in roles.items() if any(alias and alias in present for alias in aliases)]
    return {TIME, RATE} <= set(found) if RATE in roles else len(set(found) & set(NUMBERS[:4])) >= 3


def choose(file: str, names: Sequence[tuple[str, ...]], roles: Roles, symbol: str) -> Chosen:
    """Find the column of each role; raises CandleError where one is missing or there twice."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    places = {}
    for role, aliases in roles.items():
        places[role] = _found(file, names, role, _wanted(aliases, base, quote))
    return Chosen(places, _clock(names, places[TIME]))


@lru_cache(maxsize=4096)
def _wanted(aliases: tuple[str, ...], base: str, quote: str) -> tuple[str, ...]:
    bases = [base, *(other for other, usual in ALIASES.items() if usual == base)]
    return tuple(bare(alias.format(base=name, quote=quote)) for alias in aliases for name in bases)


def _found(file: str, names: Sequence[tuple[str, ...]], role: str, wanted: Sequence[str]) -> int:
    named = [[bare(text) for text in own] for own in names]
    for name in wanted:
        # An unnamed column is an index where it stands first.
        there = [place for place, own in enumerate(named) if name in own and (name or not place)]
        if name == "" and not (names and names[0][0].strip() == ""):
            continue
        if len(there) > 1:
            shown = next(text for text in names[there[0]] if bare(text) == name)
            raise CandleError(f"{file} must have one column {shown}, has {len(there)}")
        if there:
            return there[0]
    first = [own[0][:_LONGEST_NAME] or "one without a name" for own in names[:_MOST_NAMES]]
    has = ", ".join([*first, *(["…"] if len(names) > _MOST_NAMES else [])]) or "none"
    raise CandleError(f"{file} must have a column {_EXPECTED.get(role, role)}, has {has}")


def _clock(names: Sequence[tuple[str, ...]], time: int) -> int | None:
    if not any(bare(name) in _DATES for name in names[time]):
        return None
    clocks = [place for place, own in enumerate(names) if place != time and any(bare(name) in _CLOCKS for name in own)]
    return clocks[0] if len(clocks) == 1 else None
