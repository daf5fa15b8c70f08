"""A. Fill: what was decided at the last close trades at this bar's open."""

from shared.enums import BarStatus, Leg
from tests.oracle.books import Bot, Fill, Fleet, Share, book
from tests.oracle.quantities import sign
from tests.oracle.world import Market, Rules, World


def fill_orders(world: World, fleet: Fleet, bar: int) -> None:
    """Fill every order at the open; one whose bar is missing is cancelled."""
    for place, shares in fleet.orders.items():
        market = world.markets[place]
        if market.status[bar] != BarStatus.MISSING:
            for share in shares:
                _fill_share(world, fleet, market, share, bar)
    fleet.orders = {}


def _fill_share(world: World, fleet: Fleet, market: Market, share: Share, bar: int) -> None:
    closing = closing_units(fleet.bots[share.bot], share)
    # What crosses in house closes first.
    closing_crossed = min(share.crossed, closing)
    opening, opening_crossed = abs(share.units) - closing, share.crossed - closing_crossed
    for leg, units, crossed in ((Leg.CLOSE, closing, closing_crossed), (Leg.OPEN, opening, opening_crossed)):
        if units:
            fill = _leg(world, market, share, leg, units, crossed, bar)
            book(fleet, fill, share)


def closing_units(bot: Bot, share: Share) -> int:
    """Give how many units of an order end the position it goes against; with them what would open only dust."""
    ordered, held = abs(share.units), abs(bot.units)
    if bot.direction * sign(share.units) >= 0:
        return 0
    return held if ordered - held >= bot.measure.min_units else ordered


def _leg(world: World, market: Market, share: Share, leg: Leg, units: int, crossed: int, bar: int) -> Fill:
    side, mid, sent = sign(share.units), market.open[bar], units - crossed
    slipped = slipped_price(world.rules, mid, side)
    price = leg_price(mid, slipped, crossed, sent)
    fee = market.measure.base(sent) * slipped * market.fee_rate
    return Fill(world.open_ms[bar], share.bot, leg, share.trigger, side * units, price, fee, crossed)


def slipped_price(rules: Rules, price: float, side: int) -> float:
    """Move a price against an order: up for a buy, down for a sell."""
    return price * (1.0 + rules.slippage) if side > 0 else price * (1.0 - rules.slippage)


def leg_price(mid: float, slipped: float, crossed: int, sent: int) -> float:
    """Give the average price of a leg: exactly the mid where all crossed, exactly the slipped price where none did."""
    if not sent:
        return mid
    return slipped if not crossed else (mid * crossed + slipped * sent) / (crossed + sent)
