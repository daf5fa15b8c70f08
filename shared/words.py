"""How codes and counts are said to people: one word for each code, and one rule for plurals."""

# What does not read well as its own name in small letters. RUNNING is a level: what a process does is said otherwise.
_SAID = {
    "PAUSE": "pause (no entries)",
    "REENTRY_LOCK": "re-entry lock",
    "RUNNING": "trading allowed",
    "WARMUP": "warming up",
    "WRITE_OFF": "write-off",
}


def words(name: str) -> str:
    """Write a name of a closed vocabulary as words: `TRAILING_STOP` is `trailing stop`."""
    return _SAID.get(name) or name.replace("_", " ").lower()


def many(count: int, noun: str, of: int | None = None) -> str:
    """Write a count with what is counted: `1 step`, `2,000 steps`; `of` so many: `1 of 3 steps`."""
    whole = count if of is None else of
    return f"{count:,} {'' if of is None else f'of {of:,} '}{noun}{'' if whole == 1 else 's'}"
