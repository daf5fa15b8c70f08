"""B. Protective exits: stop, trailing stop and ladder within the bar, by what was known before it."""

from shared.enums import Leg, Trigger
from tests.oracle.books import Bot, Fill, Fleet, Position, book
from tests.oracle.fill import slipped_price
from tests.oracle.world import Market, Rules, World

# Rungs that take 0.33, 0.33 and 0.34 take all.
ALL_TAKEN = 1e-9


def protect(world: World, fleet: Fleet, bar: int) -> None:
    """Let every open position meet its levels; then its best price takes in the bar."""
    for place, bot in enumerate(fleet.bots):
        if bot.position is not None:
            market = world.markets[bot.world.market]
            position = bot.position
            raise_level(world.rules, position)
            _meet(world, fleet, place, market, bar)
            position.best = (max if position.direction > 0 else min)(position.best, _favourable(position, market, bar))


def _favourable(position: Position, market: Market, bar: int) -> float:
    return market.high[bar] if position.direction > 0 else market.low[bar]


def raise_level(rules: Rules, position: Position) -> None:
    """Move the level to the nearer of stop and trailing stop; it never goes back."""
    for price, trigger in (
        (stop_price(position), Trigger.STOP),
        (trailing_price(rules, position), Trigger.TRAILING_STOP),
    ):
        if price is not None and (position.level is None or position.direction * (price - position.level) > 0.0):
            position.level, position.level_trigger = price, trigger


def stop_price(position: Position) -> float | None:
    """Give the level of the stop; 0 switches it off."""
    return position.entry * (1.0 - position.direction * position.stop) if position.stop > 0.0 else None


def trailing_price(rules: Rules, position: Position) -> float | None:
    """Give the level of the trailing stop once it is armed; `trail_activate` 0 switches it off."""
    peak = position.direction * (position.best / position.entry - 1.0)
    if rules.trail_activate <= 0.0 or peak < rules.trail_activate:
        return None
    return position.entry * (1.0 + position.direction * peak * (1.0 - rules.trail_giveback))


def _meet(world: World, fleet: Fleet, place: int, market: Market, bar: int) -> None:
    # A stop and a rung inside one bar: the stop happened first.
    bot = fleet.bots[place]
    if is_stopped(bot.position, market, bar):
        _stop_out(world, fleet, place, market, bar)
    else:
        _climb(world, fleet, place, market, bar)


def is_stopped(position: Position, market: Market, bar: int) -> bool:
    """Say whether the bar reached the level; a touch is enough."""
    if position.level is None:
        return False
    return market.low[bar] <= position.level if position.direction > 0 else market.high[bar] >= position.level


def _stop_out(world: World, fleet: Fleet, place: int, market: Market, bar: int) -> None:
    bot, position = fleet.bots[place], fleet.bots[place].position
    side = -position.direction
    price = slipped_price(world.rules, stopped_at(position, market, bar), side)
    units = abs(bot.measure.whole_steps(bot.units))
    _exit(world, fleet, place, side * units, price, position.level_trigger, bar)


def stopped_at(position: Position, market: Market, bar: int) -> float:
    """Give the level, or the open where the bar opened beyond it."""
    return (min if position.direction > 0 else max)(position.level, market.open[bar])


def _climb(world: World, fleet: Fleet, place: int, market: Market, bar: int) -> None:
    bot = fleet.bots[place]
    while (position := bot.position) is not None and position.rungs_fired < len(position.rungs):
        profit, fraction = position.rungs[position.rungs_fired]
        rung = position.entry * (1.0 + position.direction * profit)
        if position.direction * (_favourable(position, market, bar) - rung) < 0.0:
            return
        units = rung_units(bot, position, fraction)
        position.rungs_fired += 1
        better = (max if position.direction > 0 else min)(rung, market.open[bar])
        if units >= bot.measure.min_units:
            _exit(world, fleet, place, -position.direction * units, better, Trigger.LADDER, bar)
            position.target_units = bot.units


def rung_units(bot: Bot, position: Position, fraction: float) -> int:
    """Give what a rung takes of the position as first opened; one that would leave dust, or nothing, takes all."""
    held = abs(bot.measure.whole_steps(bot.units))
    taken = bot.measure.toward_zero(fraction * bot.measure.base(position.opened_units))
    is_last = position.fraction_open - fraction <= ALL_TAKEN or held - taken < bot.measure.min_units
    return held if is_last else taken


def _exit(world: World, fleet: Fleet, place: int, units: int, price: float, trigger: Trigger, bar: int) -> None:
    bot = fleet.bots[place]
    direction = bot.direction
    fee = abs(bot.measure.base(units) * price) * world.markets[bot.world.market].fee_rate
    book(fleet, Fill(world.open_ms[bar] + world.rules.step_ms, place, Leg.CLOSE, trigger, units, price, fee, 0))
    if bot.position is None:
        bot.locked_sign = direction
