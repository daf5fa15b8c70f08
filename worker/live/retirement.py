"""Taking leave of bots that are no longer asked for."""

from sqlalchemy import Connection

from shared.enums import BotStatus, TransferKind
from worker.allocation.transfers import free_cash, grain_in_force
from worker.live.books import Books
from worker.live.stepper import StepRows
from worker.risk.position import is_flat
from worker.step.rebalance import book_flow
from worker.step.records import Bot, Fleet, Market
from worker.store.fleet import set_bot_status
from worker.store.money import TransferRow, save_transfers

# What a retired bot may still hold when its money has been shared out: less than rounding moves.
RETIRED_GRAINS = 10.0


class Retirement:
    """Retires each bot once: when it is flat and its money has gone to the others. Dust stays in its books."""

    def __init__(self, books: Books) -> None:
        self._books = books
        bots = books.registered.bots
        self._retired = {b for b, bot in enumerate(bots) if bot.status is BotStatus.RETIRED}

    def settle(self, connection: Connection, fleet: Fleet, rows: StepRows, now_ms: int) -> None:
        """Retire the bots that are ready after a step; what rounding left of their money goes to the portfolio."""
        least = RETIRED_GRAINS * grain_in_force(fleet.rules.grain, fleet.portfolio.equity)
        for b, bot in enumerate(fleet.bots):
            market = fleet.markets[bot.market]
            if bot.retiring == 0 or bot.unresolved == 1 or not is_flat(bot, market) or not _is_marked(bot, market):
                continue
            free = _free(bot, market, fleet.rules.leverage)
            if free >= least:
                # Held as an allocation that is to go to 0, so that the next rebalance is worth it and moves it.
                bot.allocation = free
            elif b not in self._retired or bot.units == 0:
                # The portfolio's own cash lies in the first account, and money never crosses accounts by itself.
                if market.account_index == 0:
                    self._take_rest(connection, fleet, b, free, rows)
                self._retire(connection, b, now_ms)

    def _retire(self, connection: Connection, b: int, now_ms: int) -> None:
        if b not in self._retired:
            self._retired.add(b)
            note = "no longer in the settings, its money was shared out"
            set_bot_status(connection, self._books.bot_ids[b], BotStatus.RETIRED, note, now_ms)

    def _take_rest(self, connection: Connection, fleet: Fleet, b: int, amount: float, rows: StepRows) -> None:
        if amount == 0.0:
            return
        book_flow(fleet, fleet.bots[b], -amount)
        fleet.portfolio.cash += amount
        flows = ((self._books.bot_ids[b], -amount), (None, amount))
        moved = [TransferRow(id_, rows.close_ms, rows.step, TransferKind.REBALANCE, flow) for id_, flow in flows]
        save_transfers(connection, self._books.portfolio_id, moved)


def _is_marked(bot: Bot, market: Market) -> bool:
    """Say whether equity knows of the last fill."""
    return bot.equity == bot.cash + bot.quantity * market.close


def _free(bot: Bot, market: Market, leverage: float) -> float:
    """Give what is not needed for the dust that is left."""
    if bot.units == 0:
        return bot.cash
    return min(bot.cash, free_cash(bot.equity, bot.quantity, market.close, bot.reserved, leverage))
