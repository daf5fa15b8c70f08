"""A. Fill: what was decided at the last close trades at this bar's open."""

from typing import NamedTuple

from shared.enums import BarStatus, Leg
from tests.oracle.books import Bot, Fill, Fleet, Share, book
from tests.oracle.quantities import sign
from tests.oracle.world import Market, Rules, World


def fill_orders(world: World, fleet: Fleet, bar: int) -> None:
    """Fill every order from the open on; one whose bar is missing is cancelled."""
    for place, shares in fleet.orders.items():
        market = world.markets[place]
        if market.status[bar] != BarStatus.MISSING:
            # One order goes out for all; how it fills follows from its side.
            rest = sign(sum(share.units for share in shares))
            for share in shares:
                _fill_share(world, fleet, market, share, bar, rest)
    fleet.orders = {}


def _fill_share(world: World, fleet: Fleet, market: Market, share: Share, bar: int, side: int) -> None:
    sent = execution(world.rules, market, side if world.rules.netting else sign(share.units), bar)
    closing = closing_units(fleet.bots[share.bot], share)
    # What crosses in house closes first.
    closing_crossed = min(share.crossed, closing)
    opening, opening_crossed = abs(share.units) - closing, share.crossed - closing_crossed
    if not sent.opens:
        opening = opening_crossed
    for leg, units, crossed in ((Leg.CLOSE, closing, closing_crossed), (Leg.OPEN, opening, opening_crossed)):
        if units:
            fill = _leg(world, market, share, leg, units, crossed, bar, sent)
            book(fleet, fill, share)


class Execution(NamedTuple):
    """What is sent of an order trades at this price and fee rate, and what would open with it or not at all."""

    price: float
    fee_rate: float
    opens: bool


def execution(rules: Rules, market: Market, side: int, bar: int) -> Execution:
    """Give how an order of a side fills in a bar, by the style of orders."""
    mid, open_ = market.open[bar], True
    if rules.order == "maker":
        if is_traded_through(market, side, bar):
            return Execution(mid, market.maker_fee_rate, True)
        mid, open_ = market.patience_close[bar], rules.maker_unfilled == "take"
    if rules.order == "limit":
        open_ = rules.slippage <= rules.limit_offset
    return Execution(slipped_price(rules, mid, side), market.fee_rate, open_)


def is_traded_through(market: Market, side: int, bar: int) -> bool:
    """Say whether the price went beyond the open, at which an order rests: to touch it is not enough."""
    open_ = market.open[bar]
    return market.patience_low[bar] < open_ if side > 0 else market.patience_high[bar] > open_


def closing_units(bot: Bot, share: Share) -> int:
    """Give how many units of an order end the position it goes against; with them what would open only dust."""
    ordered, held = abs(share.units), abs(bot.units)
    if bot.direction * sign(share.units) >= 0:
        return 0
    return held if ordered - held >= bot.measure.min_units else ordered


def _leg(
    world: World, market: Market, share: Share, leg: Leg, units: int, crossed: int, bar: int, sent: Execution
) -> Fill:
    side, rest = sign(share.units), units - crossed
    price = leg_price(market.open[bar], sent.price, crossed, rest)
    fee = market.measure.base(rest) * sent.price * sent.fee_rate
    return Fill(world.open_ms[bar], share.bot, leg, share.trigger, side * units, price, fee, crossed)


def slipped_price(rules: Rules, price: float, side: int) -> float:
    """Move a price against an order: up for a buy, down for a sell."""
    return price * (1.0 + rules.slippage) if side > 0 else price * (1.0 - rules.slippage)


def leg_price(mid: float, slipped: float, crossed: int, sent: int) -> float:
    """Give the average price of a leg: exactly the mid where all crossed, exactly the slipped price where none did."""
    if not sent:
        return mid
    return slipped if not crossed else (mid * crossed + slipped * sent) / (crossed + sent)
