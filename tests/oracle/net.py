"""I. Net: bots that want opposite things trade with each other; one order per market goes out."""

from tests.oracle.books import Share
from tests.oracle.quantities import Measure
from tests.oracle.world import Market, Rules


def net(rules: Rules, market: Market, shares: list[Share], close: float) -> tuple[list[Share], list[Share], int]:
    """Give what trades, what was left without an order, and how many orders go to the exchange."""
    if not rules.netting:
        return _apart(market, shares, close)
    wishes = [share.units for share in shares]
    buys, sells = [s for s in shares if s.units > 0], [s for s in shares if s.units < 0]
    larger, smaller = (buys, sells) if _total(buys) >= _total(sells) else (sells, buys)
    crossing = _total(smaller)
    for share in smaller:
        share.crossed = abs(share.units)
    sent = _send(rules, market, larger, crossing, close)
    trading = [share for share in shares if share.units]
    return trading, [share for share, wish in zip(shares, wishes, strict=True) if wish and not share.units], sent


def _send(rules: Rules, market: Market, larger: list[Share], crossing: int, close: float) -> int:
    """Cross the larger side and send the rest, or drop the rest; give the number of orders."""
    rest = _total(larger) - crossing
    order = market.measure.whole_steps(rest)
    if rest and is_too_small(market, order, close):
        _cross(larger, crossing, market.measure.step_units)
        for share in larger:
            share.units = share.crossed if share.units > 0 else -share.crossed
        return 0
    may_lapse = rules.order == "limit" or (rules.order == "maker" and rules.maker_unfilled == "lapse")
    _cross(larger, crossing, market.measure.step_units if may_lapse else 1)
    if rest > order:
        _take_off_largest(larger, rest - order)
    return int(order > 0)


def is_too_small(market: Market, units: int, close: float) -> bool:
    """Say whether the exchange does not take an order of so many units."""
    return units < market.measure.min_units or market.measure.base(units) * close < market.exchange_minimum


def _total(shares: list[Share]) -> int:
    return sum(abs(share.units) for share in shares)


def _cross(larger: list[Share], crossing: int, grain_units: int) -> None:
    """Share out what crosses in proportion to the orders, in whole grains, to the last unit."""
    left, of = crossing // grain_units, _total(larger) // grain_units
    for share in larger:
        own = abs(share.units) // grain_units
        crossed = own * left // of if of else 0
        share.crossed = crossed * grain_units
        left, of = left - crossed, of - own


def _take_off_largest(larger: list[Share], units: int) -> None:
    largest = max(larger, key=lambda share: abs(share.units))
    largest.units -= units if largest.units > 0 else -units


def _apart(market: Market, shares: list[Share], close: float) -> tuple[list[Share], list[Share], int]:
    """Send every order by itself."""
    measure: Measure = market.measure
    trading, dropped = [], []
    for share in shares:
        share.units = measure.whole_steps(share.units)
        (dropped if is_too_small(market, abs(share.units), close) else trading).append(share)
    return trading, dropped, len(trading)
