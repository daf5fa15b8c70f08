"""What people ask of a running fleet: levels, closes, money in and out, write-offs, each answered in a sentence.

A level is latched per scope under the cause PERSON. FLATTEN acts at once, between bars, at the last price.
"""

import json
import math

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import transaction, translated
from shared.enums import BotStatus, Cause, CommandKind, CommandStatus, Level, ScopeKind, Severity, TransferKind
from shared.errors import CommandRefused, FlotillaError
from shared.money import Money
from shared.words import many
from worker.allocation.transfers import MOST_GRAINS, free_cash
from worker.fleet.plan import FleetPlan
from worker.ledger.desk import Booked
from worker.live.books import Books
from worker.live.closing import close_position
from worker.live.explain import explain
from worker.live.flows import move_marks
from worker.live.resolution import resolve
from worker.live.stepper import Stepper, StepRows
from worker.live.write_off import write_off
from worker.orders.order_book import OrderRow
from worker.orders.under_way import UnderWay
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.risk.quantity import coins
from worker.step.rebalance import book_flow
from worker.step.records import Bot, Fleet
from worker.step.scopes import Portfolio, Sleeve
from worker.store import lease
from worker.store.commands import CommandRow, answer, pending, take
from worker.store.events import EventRow, save_events
from worker.store.fleet import set_bot_status
from worker.store.money import TransferRow, save_transfers

LEVELS = {
    CommandKind.PAUSE: Level.NO_ENTRIES,
    CommandKind.FLATTEN: Level.FLATTEN,
    CommandKind.HALT: Level.HALTED,
}
Scope = Portfolio | Sleeve | Bot


class CommandDesk:
    """Takes commands from the table and answers each in a transaction of its own."""

    def __init__(
        self, fleet: Fleet, plan: FleetPlan, books: Books, stepper: Stepper, money: Money, under_way: UnderWay
    ) -> None:
        self.fleet = fleet
        self._plan = plan
        self._books = books
        self._stepper = stepper
        self._money = money
        self._under_way = under_way
        self._to_leave: list[OrderRow] = []

    def answer_pending(self, engine: Engine, token: int, clock: Clock, market_ms: int) -> int:
        """Answer every command that waits, levels first, and give how many there were."""
        with translated(engine), engine.connect() as connection:
            commands = pending(connection, self._books.portfolio_id)
            connection.rollback()
        for command in commands:
            with transaction(engine) as connection:
                lease.renew(connection, self._books.portfolio_id, token, clock.now_ms())
                take(connection, command.id, clock.now_ms())
            try:
                with transaction(engine) as connection:
                    lease.renew(connection, self._books.portfolio_id, token, clock.now_ms())
                    self._answer(connection, command, clock, market_ms)
                self._leave()
            except FlotillaError:
                raise
            except Exception as error:
                # Answered, or it would fail again at every start; the worker then starts again from its books.
                with transaction(engine) as connection:
                    said = f"failed and changed nothing: {type(error).__name__}: {error}"
                    answer(connection, command.id, CommandStatus.REFUSED, said, clock.now_ms())
                raise
        return len(commands)

    def _leave(self) -> None:
        """Let the orders leave that a command made, once they are committed."""
        orders, self._to_leave = self._to_leave, []
        if orders:
            self._under_way.leave(orders)
            self._under_way.mark(self.fleet)

    def _answer(self, connection: Connection, command: CommandRow, clock: Clock, market_ms: int) -> None:
        try:
            status, sentence = CommandStatus.DONE, self._do(connection, command, market_ms)
        except CommandRefused as refusal:
            status, sentence = CommandStatus.REFUSED, str(refusal)
        now_ms = clock.now_ms()
        answer(connection, command.id, status, sentence, now_ms)
        if command.kind is CommandKind.EXPLAIN:
            return
        if status is CommandStatus.DONE:
            self._books.save_states(connection)
        said = f"{command.who}: {command.kind.lower()} {_where(command)} ({command.reason}): {sentence}"
        # What a person wanted is no warning, whatever it does.
        event = EventRow(
            market_ms, now_ms, Severity.INFO, f"{command.kind}_{status}", said, command.scope_kind, command.scope
        )
        save_events(connection, self._books.portfolio_id, [event])

    def _do(self, connection: Connection, command: CommandRow, market_ms: int) -> str:
        if command.kind in LEVELS:
            sentence = self._raise_level(connection, command, market_ms)
            if command.kind is CommandKind.FLATTEN:
                sentence = self._flatten(connection, market_ms)
            return sentence
        if command.kind is CommandKind.RELEASE:
            return self._release(connection, command)
        if command.kind is CommandKind.EXPLAIN:
            return self._explain(command)
        if command.kind is CommandKind.CLOSE:
            return close_position(connection, self._stepper, self._books, command, market_ms)
        if command.kind is CommandKind.WRITE_OFF:
            return write_off(connection, self._stepper, self._books, command, market_ms, self._money)
        if command.kind is CommandKind.RECONCILE:
            return resolve(connection, self._under_way, self._stepper, self._books, command, market_ms)
        if command.scope_kind is not ScopeKind.PORTFOLIO:
            raise CommandRefused(f"{command.kind.lower()} must be for the portfolio, was for {_where(command)}")
        smallest = self._money.smallest
        if command.amount is None or not smallest <= command.amount < math.inf:
            raise CommandRefused(f"amount must be at least {self._money.amount(smallest)}, was {command.amount}")
        if command.kind is CommandKind.DEPOSIT:
            return self._deposit(connection, command, command.amount, market_ms)
        return self._withdraw(connection, command, command.amount, market_ms)

    def _scope(self, command: CommandRow) -> Scope:
        if command.scope_kind is ScopeKind.PORTFOLIO:
            return self.fleet.portfolio
        registered = self._books.registered
        is_sleeve = command.scope_kind is ScopeKind.SLEEVE
        names = [scope.name for scope in (registered.sleeves if is_sleeve else registered.bots)]
        if command.scope not in names:
            known = f"one of {', '.join(names)}" if is_sleeve else "a running bot"
            raise CommandRefused(f"{command.scope_kind.lower()} must be {known}, was {command.scope!r}")
        return (self.fleet.sleeves if is_sleeve else self.fleet.bots)[names.index(command.scope)]

    def _raise_level(self, connection: Connection, command: CommandRow, market_ms: int) -> str:
        scope, level = self._scope(command), LEVELS[command.kind]
        # Out of a halt, closing everything is the way; every other step down is a release.
        if scope.level_person > level and command.kind is not CommandKind.FLATTEN:
            held = Level(scope.level_person).name
            raise CommandRefused(f"{_where(command)} is at {held} already, which is more; release it first")
        scope.level_person = int(level)
        set_levels(self.fleet.portfolio, self.fleet.sleeves, self.fleet.bots)
        rows = self._stepper.take_back(market_ms)
        if rows.settled_orders or rows.new_orders:
            self._books.save_orders(connection, rows)
        still_open = sum(not is_flat(bot, self.fleet.markets[bot.market]) for bot in self._bots_at(level))
        kept = f"; {many(still_open, 'position')} without stops" if level is Level.HALTED and still_open else ""
        return f"{_where(command)} is at {level.name}{kept}"

    def _bots_at(self, level: Level) -> list[Bot]:
        return [bot for bot in self.fleet.bots if bot.level == level]

    def _flatten(self, connection: Connection, market_ms: int) -> str:
        if not self.fleet.portfolio.time_ms:
            return "nothing is open before the first bar"
        before = [abs(bot.quantity) for bot in self.fleet.bots]
        rows = self._stepper.close_positions(market_ms)
        self._save(connection, rows)
        if self._stepper.broker.keeps_shares:
            return f"{many(len(rows.new_orders), 'order')} to close what is open on the way"
        traded = sum(abs(fill.quantity) * fill.price for fill in rows.fills)
        closed = sum(quantity > abs(bot.quantity) for quantity, bot in zip(before, self.fleet.bots, strict=True))
        held = [
            self._books.registered.bots[b].name
            for b, bot in enumerate(self.fleet.bots)
            if bot.level >= Level.FLATTEN and not is_flat(bot, self.fleet.markets[bot.market])
        ]
        left = f"; still open: {', '.join(held)}" if held else ""
        return f"closed {many(closed, 'position')} worth {self._money.amount(traded)} at the last price{left}"

    def _save(self, connection: Connection, rows: StepRows) -> None:
        booked: Booked = self._books.book(rows.fills)
        self._books.save_step(connection, rows, booked, [], [])
        self._under_way.save(connection, rows.new_orders)
        self._to_leave += rows.new_orders

    def _release(self, connection: Connection, command: CommandRow) -> str:
        scope = self._scope(command)
        cause = self._cause(command, scope)
        if cause is Cause.DAILY_LOSS:
            raise CommandRefused("the daily loss brake releases itself at 00:00 UTC; it is not released by hand")
        setattr(scope, f"level_{cause.name.lower()}", int(Level.RUNNING))
        if cause is Cause.DRAWDOWN:
            scope.high_water = scope.equity
            scope.warned_drawdown = 0
        if cause is Cause.FIRST_ORDERS:
            self._under_way.confirm(connection)
        if cause in (Cause.CRASHES, Cause.BANKRUPT):
            self._take_part_again(connection, cause, scope)
        set_levels(self.fleet.portfolio, self.fleet.sleeves, self.fleet.bots)
        left = f"; it stays at {Level(scope.level).name} for another cause or scope" if scope.level else ""
        return f"{_where(command)} released, cause {cause.name}{left}"

    def _take_part_again(self, connection: Connection, cause: Cause, scope: Scope) -> None:
        """Let the bots of a scope that had failed run again, where nothing else holds them."""
        for registered, bot in zip(self._books.registered.bots, self.fleet.bots, strict=True):
            if scope is not bot and scope is not self.fleet.portfolio:
                continue
            had_failed = bot.failed or scope is bot
            bot.failed = 0 if cause is Cause.CRASHES else bot.failed
            if had_failed and not bot.failed and not bot.level_bankrupt:
                set_bot_status(connection, registered.id, BotStatus.ACTIVE, None, 0)

    def _explain(self, command: CommandRow) -> str:
        """Give the verdict of every row of the gate on a bot, as JSON."""
        bot, fleet = self._scope(command), self.fleet
        if not isinstance(bot, Bot):
            raise CommandRefused(f"explain must be for a bot, was for {_where(command)}")
        market, signal = fleet.markets[bot.market], fleet.signals[bot.signal]
        verdicts = explain(fleet.rules, fleet.portfolio, bot, market, signal)
        rows = [
            {
                "reason": verdict.reason.name,
                "stops": bool(verdict.stops),
                "value": _finite(verdict.value),
                "limit": _finite(verdict.limit),
            }
            for verdict in verdicts
        ]
        return json.dumps({"step": fleet.portfolio.step, "confirmed": bot.confirmed, "rows": rows})

    def _cause(self, command: CommandRow, scope: Scope) -> Cause:
        """Find what to release: the cause asked for, else the person's, else the only one there is."""
        held = [cause for cause in Cause if getattr(scope, f"level_{cause.name.lower()}")]
        if command.cause is not None:
            if command.cause not in held:
                raise CommandRefused(f"{_where(command)} is not held by {command.cause.name}")
            return command.cause
        if not held:
            raise CommandRefused(f"{_where(command)} is held by nothing of its own")
        if Cause.PERSON in held or len(held) == 1:
            return held[0]
        names = ", ".join(cause.name.lower() for cause in held)
        raise CommandRefused(f"{_where(command)} is held by {names}: say which with --cause")

    def _deposit(self, connection: Connection, command: CommandRow, amount: float, market_ms: int) -> str:
        largest, after = MOST_GRAINS * self.fleet.rules.grain, self.fleet.portfolio.equity + amount
        if after > largest:
            most, wanted = self._money.amount(largest), self._money.amount(after)
            raise CommandRefused(f"equity must stay below {most}, for books that sum exactly; was to become {wanted}")
        move_marks(self.fleet.portfolio, amount)
        self.fleet.portfolio.cash += amount
        self._save_transfers(connection, command, TransferKind.DEPOSIT, [(None, amount)], market_ms)
        return (
            f"{self._money.amount(amount)} is in the portfolio's cash; bots get it at the first rebalance "
            "that moves an allocation by more than the band"
        )

    def _withdraw(self, connection: Connection, command: CommandRow, amount: float, market_ms: int) -> str:
        """Take from the portfolio's own cash first, then from what the bots hold free, in proportion."""
        portfolio = self.fleet.portfolio
        free = [self._free(bot) for bot in self.fleet.bots]
        own = max(portfolio.cash, 0.0)
        if amount > own + sum(free):
            most, asked = self._money.amount(own + sum(free)), self._money.amount(amount)
            raise CommandRefused(f"withdrawal must be at most the free {most}, was {asked}")
        from_bots = max(amount - own, 0.0)
        move_marks(portfolio, -amount)
        portfolio.cash -= amount - from_bots
        flows: list[tuple[int | None, float]] = [(None, from_bots - amount)] if amount > from_bots else []
        for b, bot in enumerate(self.fleet.bots):
            share = from_bots * (free[b] / sum(free)) if from_bots else 0.0
            if share > 0.0:
                book_flow(self.fleet, bot, -share)
                flows.append((self._books.bot_ids[b], -share))
        self._save_transfers(connection, command, TransferKind.WITHDRAWAL, flows, market_ms)
        taken, bots_gave = self._money.amount(amount), self._money.amount(from_bots)
        return f"{taken} taken out, {bots_gave} of it from free cash of bots"

    def _free(self, bot: Bot) -> float:
        """Give what a bot could do without: nothing that its position, or an entry that waits for its price, needs."""
        rules, market = self.fleet.rules, self.fleet.markets[bot.market]
        close = market.close
        worth = bot.cash + bot.quantity * close
        growth = max(abs(bot.units + bot.order_units) - abs(bot.units), 0)
        waiting = coins(market, growth) * close * (1.0 + market.fee_rate + rules.slippage) / rules.leverage
        return max(min(free_cash(worth, bot.quantity, close, bot.reserved, rules.leverage), worth) - waiting, 0.0)

    def _save_transfers(
        self,
        connection: Connection,
        command: CommandRow,
        kind: TransferKind,
        flows: list[tuple[int | None, float]],
        market_ms: int,
    ) -> None:
        step = self.fleet.portfolio.step
        rows = [TransferRow(bot_id, market_ms, step, kind, amount, command.id) for bot_id, amount in flows]
        save_transfers(connection, self._books.portfolio_id, rows)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _where(command: CommandRow) -> str:
    return f"{command.scope_kind.lower()} {command.scope}".strip()
