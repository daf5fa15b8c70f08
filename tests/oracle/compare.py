"""Where two runs differ first: fills, then reasons, then money, with what stood around it."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from shared.enums import Reason
from shared.units import format_time
from tests.oracle.books import Fill, Run
from tests.oracle.world import World

PRICE_NOISE = 1e-12
EQUITY_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many fills of the plain reading the other run has too, and the first difference in words."""

    fills: int
    equal: int
    first: str | None


def compare(world: World, plain: Run, other: Run) -> Comparison:
    """Hold a run to the plain reading of the same world."""
    equal = equal_fills(plain, other)
    first = next((text for _, text in sorted(differences(world, plain, other))), None)
    return Comparison(max(len(plain.fills), len(other.fills)), equal, first)


def equal_fills(plain: Run, other: Run) -> int:
    """Count the fills that both have: same time, bot, leg, trigger and units, prices and fees but for noise."""
    theirs: dict[tuple, list[Fill]] = {}
    for fill in other.fills:
        theirs.setdefault(_key(fill), []).append(fill)
    count = 0
    for fill in plain.fills:
        twins = theirs.get(_key(fill), [])
        if twins and is_same_fill(fill, twins[0]):
            twins.pop(0)
            count += 1
    return count


def _key(fill: Fill) -> tuple:
    return fill.time_ms, fill.bot, fill.leg, fill.trigger, fill.units


def is_same_fill(one: Fill, other: Fill) -> bool:
    """Say whether two fills are one."""
    money = ((one.price, other.price), (one.fee, other.fee))
    is_same = _key(one) == _key(other) and one.crossed_units == other.crossed_units
    return is_same and all(math.isclose(*pair, rel_tol=PRICE_NOISE) for pair in money)


def differences(world: World, plain: Run, other: Run) -> Iterator[tuple[tuple[int, int], str]]:
    """Give the first difference of each kind with the time it shows at: fills before what follows from them."""
    yield from _fill_difference(world, plain, other)
    for place in range(len(world.bots)):
        pairs = zip(plain.reasons[place], other.reasons[place], strict=True)
        bar = next((bar for bar, (one, two) in enumerate(pairs) if one != two), None)
        if bar is not None:
            names = [Reason(run.reasons[place][bar]).name for run in (plain, other)]
            yield _told(world, place, bar, 1, f"reason {names[0]}, the other run {names[1]}", plain, other)
        yield from _money_difference(world, plain, other, place)
    yield from _equity_difference(world, plain, other)


def _fill_difference(world: World, plain: Run, other: Run) -> Iterator[tuple[tuple[int, int], str]]:
    ours, theirs = (sorted(run.fills, key=lambda fill: (fill.time_ms, fill.bot)) for run in (plain, other))
    for row in range(max(len(ours), len(theirs))):
        one, two = (fills[row] if row < len(fills) else None for fills in (ours, theirs))
        if one is None or two is None or not is_same_fill(one, two):
            time_ms = min(fill.time_ms for fill in (one, two) if fill is not None)
            texts = (f"fill {row + 1}:", f"plain {_fill_text(world, one)}", f"other {_fill_text(world, two)}")
            yield (time_ms, 0), "\n  ".join(texts)
            return


def _fill_text(world: World, fill: Fill | None) -> str:
    if fill is None:
        return "none"
    return (
        f"{world.bots[fill.bot].name} {format_time(fill.time_ms)} {fill.trigger.name} {fill.leg.name} "
        f"{fill.units} units at {fill.price!r}, fee {fill.fee!r}, {fill.crossed_units} crossed"
    )


def _money_difference(world: World, plain: Run, other: Run, place: int) -> Iterator[tuple[tuple[int, int], str]]:
    for bar, (one, two) in enumerate(zip(plain.cash[place], other.cash[place], strict=True)):
        size = max(world.bots[place].capital, abs(one))
        if plain.units[place][bar] != other.units[place][bar] or abs(one - two) > PRICE_NOISE * size:
            yield _told(world, place, bar, 2, "books differ", plain, other)
            return


def _equity_difference(world: World, plain: Run, other: Run) -> Iterator[tuple[tuple[int, int], str]]:
    for bar, (one, two) in enumerate(zip(plain.portfolio_equity, other.portfolio_equity, strict=True)):
        if not math.isclose(one, two, rel_tol=EQUITY_NOISE):
            close_ms = world.open_ms[bar] + world.rules.step_ms
            yield (close_ms, 3), f"equity at {format_time(close_ms)}: {one!r}, the other run {two!r}"
            return


def _told(
    world: World, place: int, bar: int, rank: int, what: str, plain: Run, other: Run
) -> tuple[tuple[int, int], str]:
    bot, close_ms = world.bots[place], world.open_ms[bar] + world.rules.step_ms
    signal, market = world.signals[bot.signal], world.markets[bot.market]
    prices = ", ".join(repr(column[bar]) for column in (market.open, market.high, market.low, market.close))
    lines = [
        f"{bot.name} at bar {bar}, closed {format_time(close_ms)}: {what}",
        f"  bar {prices} status {market.status[bar]}, band [{signal.low[bar]}, {signal.high[bar]}]"
        f" closed {signal.closed[bar]}, ATR {signal.atr_fraction[bar]!r}",
    ]
    for name, run in (("plain", plain), ("other", other)):
        before = Reason(run.reasons[place][bar - 1]).name if bar else "none"
        lines.append(
            f"  {name}: {run.units[place][bar]} units, cash {run.cash[place][bar]!r}, equity "
            f"{run.equity[place][bar]!r}, {Reason(run.reasons[place][bar]).name} after {before}"
        )
    return (close_ms, rank), "\n".join(lines)


def reason_differences(plain: Run, other: Run) -> Counter:
    """Count the bot-bars whose reasons differ, by the two reasons."""
    pairs: Counter = Counter()
    for ours, theirs in zip(plain.reasons, other.reasons, strict=True):
        pairs.update(pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1])
    return Counter({f"{Reason(one).name} for {Reason(two).name}": count for (one, two), count in pairs.items()})
