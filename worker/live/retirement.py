"""Taking leave of bots that are no longer asked for."""

from sqlalchemy import Connection

from shared.enums import BotStatus, TransferKind
from worker.allocation.transfers import grain_in_force
from worker.live.books import Books
from worker.live.stepper import StepRows
from worker.step.rebalance import book_flow
from worker.step.records import Fleet
from worker.store.fleet import set_bot_status
from worker.store.money import TransferRow, save_transfers

# What a retired bot may still hold when its money has been shared out: less than rounding moves.
RETIRED_GRAINS = 10.0


class Retirement:
    """Retires each bot once: when it holds nothing and its money has gone to the others."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._retired: set[int] = set()

    def settle(self, connection: Connection, fleet: Fleet, rows: StepRows, now_ms: int) -> None:
        """Retire the bots that are ready after a step; what rounding left of their money goes to the portfolio."""
        least = RETIRED_GRAINS * grain_in_force(fleet.rules.grain, fleet.portfolio.equity)
        for b, bot in enumerate(fleet.bots):
            if bot.retiring == 0 or b in self._retired or bot.quantity != 0.0 or bot.equity != bot.cash:
                continue
            if bot.cash >= least:
                # Held as an allocation that is to go to 0, so that the next rebalance is worth it and moves it.
                bot.allocation = bot.cash
                continue
            self._retired.add(b)
            self._take_rest(connection, fleet, b, rows)
            note = "no longer in the settings, its money was shared out"
            set_bot_status(connection, self._books.bot_ids[b], BotStatus.RETIRED, note, now_ms)

    def _take_rest(self, connection: Connection, fleet: Fleet, b: int, rows: StepRows) -> None:
        bot = fleet.bots[b]
        amount = bot.cash
        book_flow(fleet, bot, -amount)
        fleet.portfolio.cash += amount
        flows = ((self._books.bot_ids[b], -amount), (None, amount))
        kind = TransferKind.REBALANCE
        moved = [TransferRow(id_, rows.close_ms, rows.step, kind, flow) for id_, flow in flows if flow != 0.0]
        save_transfers(connection, self._books.portfolio_id, moved)
