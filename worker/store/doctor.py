"""Whether the books sum: every identity of the contract, from the tables alone."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, case, func, select

from shared.enums import Purpose, Side, Trigger
from shared.metrics.round_trips import open_profit
from shared.tables import (
    Bot,
    BotState,
    Decision,
    Fill,
    Lot,
    MarketState,
    OpenRoundTrip,
    Order,
    PortfolioState,
    ReasonTotal,
    Sleeve,
    Trade,
    Transfer,
)
from worker.ledger import identities
from worker.store.integrity import damage
from worker.store.steps import missing_steps
from worker.store.sums import BotSums, bot_sums


@dataclass(frozen=True, slots=True)
class Finding:
    """One identity held against the books: `gap` is by how much it fails, `size` what was summed.

    `words` say what was found where that is no number.
    """

    identity: str
    of: str
    gap: float
    size: float
    is_exact: bool = False
    words: str = ""

    @property
    def holds(self) -> bool:
        """Say whether what is left is float noise, or nothing where it must be exact."""
        return self.gap == 0.0 if self.is_exact else identities.is_noise(self.gap, self.size)


@dataclass(slots=True)
class _BotBooks:
    id: int
    name: str
    account: str
    symbol: str
    cash: float
    units: int
    quantity: float
    close: float


def examine_file(connection: Connection, lost: str) -> list[Finding]:
    """Read every page and row, and take `lost`, what is known of steps that the books do not have."""
    return [
        *_found("every page and every row can be read", damage(connection)),
        *_found("the books end with the last step committed", [lost] if lost else []),
    ]


def _found(identity: str, sentences: Sequence[str]) -> Iterator[Finding]:
    for words in sentences or [""]:
        gap = 1.0 if words else 0.0
        yield Finding(identity, "the database", gap, gap, True, words)


def examine(connection: Connection, portfolio_id: int) -> list[Finding]:
    """Hold every identity against a portfolio's books; reads the whole history."""
    sums = bot_sums(connection, portfolio_id)
    bots = _bots(connection, portfolio_id)
    return [
        *_cash(bots, sums),
        *_quantities(bots, sums),
        *_transfers(connection, portfolio_id),
        *_accounts(connection, portfolio_id, bots),
        *_equity(connection, portfolio_id, bots, sums),
        *_profits(connection, bots, sums),
        *_reasons(connection, bots),
        *_found("no step is missing", missing_steps(connection, portfolio_id)),
    ]


def _bots(connection: Connection, portfolio_id: int) -> list[_BotBooks]:
    market = (
        (MarketState.portfolio_id == Bot.portfolio_id)
        & (MarketState.account == Sleeve.account)
        & (MarketState.symbol == Bot.symbol)
    )
    statement = (
        select(
            Bot.id,
            Bot.name,
            Sleeve.account,
            Bot.symbol,
            BotState.cash,
            BotState.units,
            BotState.quantity,
            MarketState.close,
        )
        .join(BotState, BotState.bot_id == Bot.id)
        .join(Sleeve, Sleeve.id == Bot.sleeve_id)
        .join(MarketState, market)
        .where(Bot.portfolio_id == portfolio_id)
        .order_by(Bot.id)
    )
    return [_BotBooks(*row) for row in connection.execute(statement)]


def _cash(bots: Sequence[_BotBooks], sums: dict[int | None, BotSums]) -> Iterator[Finding]:
    for bot in bots:
        of = sums.get(bot.id, BotSums())
        gap = identities.cash_gap(bot.cash, of.transfers, -of.traded, of.fees, -of.funding)
        size = of.moved + of.fees
        yield Finding("cash follows from fills, fees, funding and transfers", bot.name, gap, size)


def _quantities(bots: Sequence[_BotBooks], sums: dict[int | None, BotSums]) -> Iterator[Finding]:
    for bot in bots:
        of = sums.get(bot.id, BotSums())
        gap = identities.units_gap(bot.units, [of.units])
        yield Finding("quantity is the sum of fills", bot.name, gap, 0.0, is_exact=True)


def _transfers(connection: Connection, portfolio_id: int) -> Iterator[Finding]:
    """Rebalances move money and make none; sums in SQL are exact, for the amounts are whole grains."""
    rows = connection.execute(
        select(Transfer.step, func.sum(Transfer.amount))
        .where(Transfer.portfolio_id == portfolio_id, Transfer.kind == "REBALANCE")
        .group_by(Transfer.step)
    )
    off = [(step, amount) for step, amount in rows if amount != 0.0]
    if not off:
        yield Finding("transfers of each rebalance sum to exactly 0", "portfolio", 0.0, 0.0, is_exact=True)
    for step, amount in off:
        yield Finding("transfers of each rebalance sum to exactly 0", f"step {step}", amount, 0.0, is_exact=True)


def _accounts(connection: Connection, portfolio_id: int, bots: Sequence[_BotBooks]) -> Iterator[Finding]:
    signed = case((Order.side == Side.BUY.name, Order.filled_units), else_=-Order.filled_units)
    rows = connection.execute(
        select(Order.account, Order.symbol, func.sum(signed))
        .where(Order.portfolio_id == portfolio_id, Order.purpose != Purpose.RECONCILE.name)
        .group_by(Order.account, Order.symbol)
    )
    gone = _without_orders(connection, portfolio_id)
    for account, symbol, units in rows:
        held = [bot.units for bot in bots if (bot.account, bot.symbol) == (account, symbol)]
        gap = identities.account_gap(int(units) + gone.get((account, symbol), 0), held)
        yield Finding("bots hold what the account holds", f"{account} {symbol}", gap, 0.0, is_exact=True)


def _without_orders(connection: Connection, portfolio_id: int) -> dict[tuple[str, str], int]:
    """Give the units that left each account, or came to it, without an order."""
    rows = connection.execute(
        select(Sleeve.account, Fill.symbol, func.sum(Fill.units))
        .join(Sleeve, Sleeve.id == Fill.sleeve_id)
        .where(Fill.portfolio_id == portfolio_id, Fill.trigger.in_((Trigger.WRITE_OFF.name, Trigger.ADOPT.name)))
        .group_by(Sleeve.account, Fill.symbol)
    )
    units = {(account, symbol): int(units) for account, symbol, units in rows}
    for key, taken in _base_fees(connection, portfolio_id).items():
        units[key] = units.get(key, 0) - taken
    return units


def _base_fees(connection: Connection, portfolio_id: int) -> dict[tuple[str, str], int]:
    """Give the units that fees in the coin itself took."""
    own, state = Trade.__table__.c, MarketState.__table__.c
    of_market = (state.portfolio_id == own.portfolio_id) & (state.account == own.account) & (state.symbol == own.symbol)
    rows = connection.execute(
        select(own.account, own.symbol, own.fee, state.coins_per_unit, state.units_per_coin)
        .join(MarketState, of_market)
        .where(own.portfolio_id == portfolio_id, own.symbol.startswith(own.fee_coin + "/"))
    )
    taken: dict[tuple[str, str], int] = {}
    for account, symbol, fee, coins_per_unit, units_per_coin in rows:
        units = round(Decimal(fee) * Decimal(units_per_coin) / Decimal(coins_per_unit))
        taken[account, symbol] = taken.get((account, symbol), 0) + units
    return taken


def _equity(
    connection: Connection, portfolio_id: int, bots: Sequence[_BotBooks], sums: dict[int | None, BotSums]
) -> Iterator[Finding]:
    """Hold the last mark against what lies in the books; what was filled after it cost its fees and slippage."""
    cash = connection.execute(
        select(PortfolioState.cash).where(PortfolioState.portfolio_id == portfolio_id)
    ).scalar_one()
    own = sums.get(None, BotSums())
    size = math.fsum(abs(bot.cash) for bot in bots) + own.moved
    yield Finding("the portfolio's own cash follows from transfers", "portfolio", cash - own.transfers, size)
    states = select(BotState.equity).join(Bot, Bot.id == BotState.bot_id).where(Bot.portfolio_id == portfolio_id)
    equities = [equity for (equity,) in connection.execute(states)]
    equity = connection.execute(
        select(PortfolioState.equity).where(PortfolioState.portfolio_id == portfolio_id)
    ).scalar_one()
    gap = identities.equity_gap(equity, cash, equities)
    size = math.fsum(map(abs, [equity, cash, *equities]))
    yield Finding("portfolio equity is the sum of bots and own cash", "portfolio", gap, size)


def _profits(connection: Connection, bots: Sequence[_BotBooks], sums: dict[int | None, BotSums]) -> Iterator[Finding]:
    lots: dict[int, list] = {}
    for row in connection.execute(select(Lot.bot_id, Lot.units, Lot.quantity, Lot.price, Lot.fee)):
        lots.setdefault(row.bot_id, []).append(row)
    under_way: dict[int, float] = dict(connection.execute(select(OpenRoundTrip.bot_id, OpenRoundTrip.profit)).all())
    for bot in bots:
        of = sums.get(bot.id, BotSums())
        held = lots.get(bot.id, [])
        unrealised = math.fsum(open_profit(lot.quantity, lot.price, lot.fee, bot.close) for lot in held)
        worth = bot.cash + bot.quantity * bot.close
        realised = of.profit + under_way.get(bot.id, 0.0)
        gap = identities.profit_gap(worth, of.transfers, realised, unrealised, -of.funding)
        size = abs(worth) + of.moved + of.fees
        yield Finding("profit is realised and unrealised less funding", bot.name, gap, size)
        lot_gap = identities.units_gap(bot.units, [lot.units for lot in held])
        yield Finding("open lots are the position", bot.name, lot_gap, 0.0, is_exact=True)


def _reasons(connection: Connection, bots: Sequence[_BotBooks]) -> Iterator[Finding]:
    steps = func.sum(Decision.to_step - Decision.from_step + 1)
    counted = select(Decision.bot_id, Decision.reason, steps, func.sum(Decision.ordered))
    said = select(ReasonTotal.bot_id, ReasonTotal.reason, ReasonTotal.steps, ReasonTotal.ordered)
    gaps: Counter[tuple[int, str, str]] = Counter()
    sizes: Counter[int] = Counter()
    for statement, sign in ((counted.group_by(Decision.bot_id, Decision.reason), 1), (said, -1)):
        for bot_id, reason, steps_of, ordered in connection.execute(statement):
            gaps[bot_id, reason, "steps"] += sign * int(steps_of)
            gaps[bot_id, reason, "ordered"] += sign * int(ordered)
            sizes[bot_id] += max(0, sign * int(steps_of))
    off: Counter[int] = Counter()
    for (bot_id, *_), gap in gaps.items():
        off[bot_id] += abs(gap)
    for bot in bots:
        yield Finding(
            "totals of reasons are those of the decisions", bot.name, off[bot.id], sizes[bot.id], is_exact=True
        )
