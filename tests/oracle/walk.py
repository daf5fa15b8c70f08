"""The order of a step: A to I for each bar."""

from shared.enums import Level, Reason, Trigger
from tests.oracle.allocate import allocate
from tests.oracle.books import Bot, Fleet, Run, Share, empty_run, open_fleet
from tests.oracle.brake import brake
from tests.oracle.confirm import confirm
from tests.oracle.fill import fill_orders
from tests.oracle.gate import Gross, gate, gross_exposure, is_increase, order_units, without_increase
from tests.oracle.mark import mark
from tests.oracle.net import net
from tests.oracle.protect import protect
from tests.oracle.size import stop_distance, target_units
from tests.oracle.world import World


def walk(world: World) -> Run:
    """Walk a fresh fleet over all bars."""
    fleet, run = open_fleet(world), empty_run(len(world.bots))
    for bar in range(len(world.open_ms)):
        fill_orders(world, fleet, bar)
        protect(world, fleet, bar)
        mark(world, fleet, bar)
        brake(world, fleet, bar)
        allocate(world, fleet, bar)
        reasons = decide(world, fleet, bar)
        run.portfolio_equity.append(fleet.portfolio.equity)
        for place, bot in enumerate(fleet.bots):
            run.note(place, reasons[place], bot.units, bot.cash, bot.scope.equity)
        for place in world.closes.get(bar, ()):
            ask_close(world, fleet, place, bar)
    run.fills, run.orders = fleet.fills, fleet.order_count
    return run


def ask_close(world: World, fleet: Fleet, place: int, bar: int) -> None:
    """Take down that a person wants a position closed; what would increase it waits no longer."""
    bot = fleet.bots[place]
    bot.is_closing = bot.position is not None
    shares = fleet.orders.get(bot.world.market, [])
    for share in shares:
        share.crossed = 0
        if share.bot == place and bot.is_closing and is_increase(bot, bot.units + share.units):
            share.units = order_units(bot, without_increase(bot, bot.units + share.units))
    market = world.markets[bot.world.market]
    fleet.orders[bot.world.market], _, _ = net(
        world.rules, market, [share for share in shares if share.units], market.close[bar]
    )


def decide(world: World, fleet: Fleet, bar: int) -> list[Reason]:
    """Confirm, size, gate and net; the orders are those of the next open."""
    rules, reasons = world.rules, []
    is_capped = rules.max_portfolio_exposure is not None or rules.max_symbol_exposure is not None
    gross = gross_exposure(world, fleet, bar) if is_capped else None
    wishes: dict[int, list[Share]] = {}
    for place, bot in enumerate(fleet.bots):
        confirm(world, bot, bar)
        reason, units = _wish(world, fleet, bot, gross, bar)
        reasons.append(reason)
        if units:
            wishes.setdefault(bot.world.market, []).append(_share(world, fleet, place, units, bar))
    for market in sorted(wishes):
        _net_market(world, fleet, market, wishes[market], reasons, bar)
    return reasons


def _wish(world: World, fleet: Fleet, bot: Bot, gross: Gross | None, bar: int) -> tuple[Reason, int]:
    close = world.markets[bot.world.market].close[bar]
    atr_fraction = world.signals[bot.world.signal].atr_fraction[bar]
    is_sizeable = close > 0.0 and atr_fraction == atr_fraction
    target = target_units(world, fleet, bot, bar) if is_sizeable else bot.units
    reason, units = gate(world, fleet, bot, target, gross, bar)
    if units and bot.position is not None:
        _refreeze(bot, bot.units + units)
    if units and gross is not None:
        added = abs(bot.measure.base(bot.units + units)) - abs(bot.measure.base(bot.units))
        gross.move(bot.world.market, max(added, 0.0) * close)
    return reason, units


def _refreeze(bot: Bot, target: int) -> None:
    # A target is frozen when it is decided, for the exposure it was decided at; a close leaves nothing to freeze.
    bot.position.target_units, bot.position.exposure = target, bot.confirmed if target else 0.0


def _share(world: World, fleet: Fleet, place: int, units: int, bar: int) -> Share:
    bot, signal = fleet.bots[place], world.signals[fleet.bots[place].world.signal]
    own_target = signal.target[bar]
    return Share(
        bot=place,
        units=units,
        target_units=bot.units + units,
        trigger=_trigger(fleet, bot),
        exposure=bot.confirmed,
        stop=stop_distance(world.rules, signal.stop[bar]),
        rungs=((own_target, 1.0),) if own_target > 0.0 else world.rules.ladder,
    )


def _trigger(fleet: Fleet, bot: Bot) -> Trigger:
    if fleet.level(bot) == Level.FLATTEN:
        return Trigger.FLATTEN
    return Trigger.CLOSE if bot.is_closing else Trigger.SIGNAL


def _net_market(world: World, fleet: Fleet, place: int, shares: list[Share], reasons: list[Reason], bar: int) -> None:
    market = world.markets[place]
    trading, dropped, orders = net(world.rules, market, shares, market.close[bar])
    fleet.orders[place] = trading
    fleet.order_count += orders
    for share in dropped:
        if share.trigger == Trigger.SIGNAL:
            reasons[share.bot] = Reason.MIN_NOTIONAL
