"""The fleet's names: which bot of the settings is which bot of the books.

A bot is known by what it does (strategy, symbol, timeframe, parameters), not by its place in the settings: the same
again is the same bot, other parameters are a new bot under the next free number, what is no longer asked for retires.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from shared.enums import BotStatus
from shared.errors import ConfigurationError
from shared.installation import new_installation
from shared.tables import Bot, BotState, Portfolio, PortfolioState, Sleeve
from shared.units import timeframe_name
from worker.store.rows import load_rows, record_columns

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class PortfolioIdentity:
    """What a portfolio is; once there were steps, only `broker_label` may change."""

    name: str
    quote: str
    step_ms: int
    market_label: str
    broker_label: str


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """A bot as the settings ask for it; `name` is the one it gets where it is new and the name is free."""

    name: str
    sleeve: str
    strategy: str
    symbol: str
    timeframe: str
    parameters: tuple[float, ...]
    account: str


@dataclass(frozen=True, slots=True)
class RegisteredSleeve:
    """A sleeve of the books."""

    id: int
    name: str
    strategy: str
    account: str


@dataclass(frozen=True, slots=True)
class RegisteredBot:
    """A bot of the books; `is_new` where this registration made it."""

    id: int
    sleeve_id: int
    name: str
    sleeve: str
    strategy: str
    symbol: str
    timeframe: str
    parameters: tuple[float, ...]
    account: str
    status: BotStatus
    is_new: bool


@dataclass(frozen=True, slots=True)
class RegisteredFleet:
    """The fleet of the books: bots as asked for, in that order, then those that retire, or have and hold dust."""

    portfolio_id: int
    sleeves: tuple[RegisteredSleeve, ...]
    bots: tuple[RegisteredBot, ...]
    installation: str


@dataclass(frozen=True, slots=True)
class FleetChange:
    """What taking over settings would do, by bot names."""

    added: tuple[str, ...]
    retiring: tuple[str, ...]
    returning: tuple[str, ...]


@dataclass(slots=True)
class _KnownBot:
    id: int
    sleeve_id: int
    name: str
    strategy: str
    symbol: str
    timeframe: str
    parameters: str
    status: BotStatus

    @property
    def identity(self) -> Identity:
        return self.strategy, self.symbol, self.timeframe, self.parameters


def parameters_text(parameters: Sequence[float]) -> str:
    """Write parameters so that equal ones are equal text: 20 and 20.0 are the same."""
    return json.dumps([float(value) for value in parameters])


def find_portfolio(connection: Connection, name: str) -> int | None:
    """Give the id of a portfolio by name; none where the books do not have it."""
    return connection.execute(select(Portfolio.id).where(Portfolio.name == name)).scalar()


def installation_of(connection: Connection, portfolio_id: int) -> str | None:
    """Give the id that a portfolio's orders are known by; none in books that never had one."""
    return connection.execute(select(Portfolio.installation).where(Portfolio.id == portfolio_id)).scalar() or None


def register_fleet(
    connection: Connection, portfolio: PortfolioIdentity, wanted: Sequence[BotIdentity], now_ms: int
) -> RegisteredFleet:
    """Take the fleet of the settings into the books and give the fleet to run, ids and names included.

    `now_ms` is wall time. Raises ConfigurationError where the quote currency or, once there were steps, the timeframe
    of the portfolio changed, or the account of a sleeve whose bots hold positions.
    """
    portfolio_id = _register_portfolio(connection, portfolio, now_ms)
    sleeves = _register_sleeves(connection, portfolio_id, wanted, now_ms)
    known = _known_bots(connection, portfolio_id)
    names = assign_names(known, wanted)
    by_identity = {bot.identity: bot for bot in known}
    fresh = [bot for bot in wanted if _identity(bot) not in by_identity]
    for bot in fresh:
        row = {
            "portfolio_id": portfolio_id,
            "sleeve_id": sleeves[bot.sleeve].id,
            "name": names[_identity(bot)],
            "strategy": bot.strategy,
            "symbol": bot.symbol,
            "timeframe": bot.timeframe,
            "parameters": parameters_text(bot.parameters),
            "status": BotStatus.ACTIVE.name,
            "created_ms": now_ms,
        }
        connection.execute(insert(Bot), row)
    asked_for = {_identity(bot) for bot in wanted}
    for bot in known:
        if bot.identity in asked_for and bot.status in (BotStatus.RETIRING, BotStatus.RETIRED):
            set_bot_status(connection, bot.id, BotStatus.ACTIVE, None, now_ms)
        elif bot.identity not in asked_for and bot.status in (BotStatus.ACTIVE, BotStatus.FAILED):
            set_bot_status(connection, bot.id, BotStatus.RETIRING, "no longer in the settings", now_ms)
    return _registered(connection, portfolio_id, wanted, {_identity(bot) for bot in fresh})


def fleet_change(connection: Connection, portfolio_id: int | None, wanted: Sequence[BotIdentity]) -> FleetChange:
    """Say what registering would do, without doing it."""
    known = [] if portfolio_id is None else _known_bots(connection, portfolio_id)
    names = assign_names(known, wanted)
    before = {bot.identity: bot for bot in known}
    asked_for = {_identity(bot) for bot in wanted}
    left = (BotStatus.RETIRING, BotStatus.RETIRED)
    return FleetChange(
        tuple(names[_identity(bot)] for bot in wanted if _identity(bot) not in before),
        tuple(bot.name for bot in known if bot.identity not in asked_for and bot.status not in left),
        tuple(bot.name for bot in known if bot.identity in asked_for and bot.status in left),
    )


def assign_names(known: Sequence[_KnownBot], wanted: Sequence[BotIdentity]) -> dict[Identity, str]:
    """Give each wanted bot its name: its old one, the one asked for where that is free, else the next number."""
    names = {bot.identity: bot.name for bot in known}
    taken = {bot.name for bot in known}
    for bot in wanted:
        if _identity(bot) not in names:
            name = bot.name if bot.name not in taken else _next_name(bot.name, taken)
            names[_identity(bot)] = name
            taken.add(name)
    return {_identity(bot): names[_identity(bot)] for bot in wanted}


def set_broker_label(connection: Connection, portfolio_id: int, label: str) -> None:
    """Write where the orders go from now on, as every page says it."""
    connection.execute(update(Portfolio).where(Portfolio.id == portfolio_id).values(broker_label=label))


def set_bot_status(connection: Connection, bot_id: int, status: BotStatus, note: str | None, now_ms: int) -> None:
    """Write what became of a bot and why."""
    retired_ms = now_ms if status is BotStatus.RETIRED else None
    connection.execute(update(Bot).where(Bot.id == bot_id).values(status=status.name, note=note, retired_ms=retired_ms))


def _next_name(name: str, taken: set[str]) -> str:
    stem = re.sub(r"\d+$", "", name)
    numbers = [int(other[len(stem) :]) for other in taken if other.startswith(stem) and other[len(stem) :].isdigit()]
    return f"{stem}{max(numbers, default=0) + 1}"


def _identity(bot: BotIdentity) -> Identity:
    return bot.strategy, bot.symbol, bot.timeframe, parameters_text(bot.parameters)


def _register_portfolio(connection: Connection, portfolio: PortfolioIdentity, now_ms: int) -> int:
    values = {name: getattr(portfolio, name) for name in ("quote", "step_ms", "market_label", "broker_label")}
    row = connection.execute(
        select(Portfolio.id, Portfolio.quote, Portfolio.step_ms, Portfolio.market_label).where(
            Portfolio.name == portfolio.name
        )
    ).first()
    if row is None:
        own = {"name": portfolio.name, "installation": new_installation(), "created_ms": now_ms}
        made = connection.execute(insert(Portfolio), {**values, **own})
        return int(made.inserted_primary_key[0])
    if row.quote != portfolio.quote:
        raise ConfigurationError(
            f"portfolio.quote must stay {row.quote} in the books of {portfolio.name}, was {portfolio.quote}"
        )
    has_steps = connection.execute(
        select(PortfolioState.step).where(PortfolioState.portfolio_id == row.id, PortfolioState.step > 0)
    ).first()
    if has_steps and row.step_ms != portfolio.step_ms:
        raise ConfigurationError(
            f"portfolio.timeframe must stay {timeframe_name(row.step_ms)} in the books of {portfolio.name}, "
            f"was {timeframe_name(portfolio.step_ms)}; another timeframe needs another portfolio.name"
        )
    if has_steps and row.market_label != portfolio.market_label:
        raise ConfigurationError(
            f"the books of {portfolio.name} are of the {row.market_label}, was {portfolio.market_label}: other prices "
            "need another database.url or portfolio.name"
        )
    connection.execute(update(Portfolio).where(Portfolio.id == row.id).values(**values))
    return int(row.id)


def _register_sleeves(
    connection: Connection, portfolio_id: int, wanted: Sequence[BotIdentity], now_ms: int
) -> dict[str, RegisteredSleeve]:
    known = {sleeve.name: sleeve for sleeve in _sleeves(connection, portfolio_id)}
    for bot in {bot.sleeve: bot for bot in wanted}.values():
        sleeve = known.get(bot.sleeve)
        if sleeve is None:
            row = {
                "portfolio_id": portfolio_id,
                "name": bot.sleeve,
                "strategy": bot.strategy,
                "account": bot.account,
                "created_ms": now_ms,
            }
            connection.execute(insert(Sleeve), row)
        elif sleeve.account != bot.account:
            _refuse_held(connection, sleeve, bot.account)
            connection.execute(update(Sleeve).where(Sleeve.id == sleeve.id).values(account=bot.account))
    return {sleeve.name: sleeve for sleeve in _sleeves(connection, portfolio_id)}


def _refuse_held(connection: Connection, sleeve: RegisteredSleeve, account: str) -> None:
    held = select(Bot.name).join(BotState, BotState.bot_id == Bot.id)
    name = connection.execute(held.where(Bot.sleeve_id == sleeve.id, BotState.units != 0)).scalar()
    if name is not None:
        raise ConfigurationError(
            f"strategies.{sleeve.name}.account must stay {sleeve.account} while its bots hold positions ({name} does), "
            f"was {account}"
        )


def _sleeves(connection: Connection, portfolio_id: int) -> list[RegisteredSleeve]:
    statement = select(*record_columns(Sleeve, RegisteredSleeve)).where(Sleeve.portfolio_id == portfolio_id)
    return load_rows(connection, statement.order_by(Sleeve.id), Sleeve, RegisteredSleeve)


def _known_bots(connection: Connection, portfolio_id: int) -> list[_KnownBot]:
    statement = select(*record_columns(Bot, _KnownBot)).where(Bot.portfolio_id == portfolio_id).order_by(Bot.id)
    return load_rows(connection, statement, Bot, _KnownBot)


def _registered(
    connection: Connection, portfolio_id: int, wanted: Sequence[BotIdentity], fresh: set[Identity]
) -> RegisteredFleet:
    known = _known_bots(connection, portfolio_id)
    place = {_identity(bot): at for at, bot in enumerate(wanted)}
    held = select(BotState.bot_id).where(BotState.units != 0)
    holding = set(connection.execute(held).scalars())
    running = [bot for bot in known if bot.status is not BotStatus.RETIRED or bot.id in holding]
    running.sort(key=lambda bot: (place.get(bot.identity, len(place)), bot.id))
    used = {bot.sleeve_id for bot in running}
    sleeves = {sleeve.id: sleeve for sleeve in _sleeves(connection, portfolio_id) if sleeve.id in used}
    bots = tuple(
        RegisteredBot(
            id=bot.id,
            sleeve_id=bot.sleeve_id,
            name=bot.name,
            sleeve=sleeves[bot.sleeve_id].name,
            strategy=bot.strategy,
            symbol=bot.symbol,
            timeframe=bot.timeframe,
            parameters=tuple(json.loads(bot.parameters)),
            account=sleeves[bot.sleeve_id].account,
            status=bot.status,
            is_new=bot.identity in fresh,
        )
        for bot in running
    )
    order = dict.fromkeys(bot.sleeve_id for bot in bots)
    drawn = connection.execute(select(Portfolio.installation).where(Portfolio.id == portfolio_id)).scalar_one()
    return RegisteredFleet(portfolio_id, tuple(sleeves[sleeve_id] for sleeve_id in order), bots, drawn)
