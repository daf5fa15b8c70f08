"""What allocation asks of accounts that do not have it: told to people, for money never crosses accounts by itself."""

from collections.abc import Iterable

from shared.money import Money

# What rounding makes of a sum is no wish.
_NOISE = 1e-9


def asked_across(names: Iterable[str], asked: Iterable[float], equity: Iterable[float], money: Money) -> str:
    """Say which accounts the weights ask more of than they have, by how much; empty where there is none."""
    lacks = [
        f"{money.amount(wish - has)} {money.quote} more on {name} than the {money.amount(has)} there"
        for name, wish, has in zip(names, asked, equity, strict=True)
        if wish > max(has, 0.0) * (1.0 + _NOISE)
    ]
    if not lacks:
        return ""
    return f"the weights ask for {' and '.join(lacks)}: money never crosses accounts by itself, a person may move it"
