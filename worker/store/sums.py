"""What the append-only tables say of each bot, for the identities of the ledger."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from shared.tables import Fill, Funding, Portfolio, RoundTrip, Transfer


@dataclass(slots=True)
class BotSums:
    """Sums over one bot's whole history: whole units of the asset that its fills come to, the rest quote.

    `traded` is what fills changed cash by without fees (sold less bought); `profit` is that of closed round trips,
    `moved` the money of all transfers whatever their direction.
    """

    fills: int = 0
    units: int = 0
    traded: float = 0.0
    fees: float = 0.0
    saved: float = 0.0
    funding: float = 0.0
    transfers: float = 0.0
    round_trips: int = 0
    profit: float = 0.0
    moved: float = 0.0

    @property
    def cash(self) -> float:
        """What cash must be."""
        return self.transfers + self.traded - self.fees + self.funding


def bot_sums(connection: Connection, portfolio_id: int) -> dict[int | None, BotSums]:
    """Sum fills, fees, funding, transfers and round trips by bot id; none is the portfolio's own cash.

    Fees in another coin than the quote are not in `fees`.
    """
    quote = select(Portfolio.quote).where(Portfolio.id == portfolio_id).scalar_subquery()
    sums: dict[int | None, BotSums] = {}
    fills = select(
        Fill.bot_id,
        func.count(),
        func.sum(Fill.units),
        func.sum(-Fill.quantity * Fill.price),
        func.sum(Fill.fee).filter(Fill.fee_currency == quote),
        func.sum(Fill.saved),
    ).where(Fill.portfolio_id == portfolio_id)
    for bot_id, count, units, traded, fees, saved in connection.execute(fills.group_by(Fill.bot_id)):
        sums[bot_id] = BotSums(count, int(units), traded, fees or 0.0, saved)
    funding = select(Funding.bot_id, func.sum(Funding.amount)).where(Funding.portfolio_id == portfolio_id)
    for bot_id, amount in connection.execute(funding.group_by(Funding.bot_id)):
        sums.setdefault(bot_id, BotSums()).funding = amount
    transfers = select(Transfer.bot_id, func.sum(Transfer.amount), func.sum(func.abs(Transfer.amount)))
    transfers = transfers.where(Transfer.portfolio_id == portfolio_id).group_by(Transfer.bot_id)
    for bot_id, amount, moved in connection.execute(transfers):
        row = sums.setdefault(bot_id, BotSums())
        row.transfers, row.moved = amount, moved
    trips = select(RoundTrip.bot_id, func.count(), func.sum(RoundTrip.profit))
    trips = trips.where(RoundTrip.portfolio_id == portfolio_id).group_by(RoundTrip.bot_id)
    for bot_id, count, profit in connection.execute(trips):
        row = sums.setdefault(bot_id, BotSums())
        row.round_trips, row.profit = count, profit
    return sums
