"""The commands that ask something of a running worker: levels, releases, closes, money in and out, write-offs."""

import getpass
import math
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from sqlalchemy import Engine, select

from shared.clock import SystemClock
from shared.database import open_commands, transaction
from shared.enums import Cause, CommandKind, CommandStatus, ScopeKind
from shared.errors import CommandRefused, ConfigurationError, FlotillaError
from shared.money import price_text
from shared.tables import Bot, Command, MarketState, Sleeve
from shared.tables.commands import ask
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import print_json, print_line
from worker.terminal.place import find_place, portfolio_of, require_no_lost_books

ANSWER_SECONDS = 5.0
POLL_SECONDS = 0.05
# A write-off above so many times the last price asks for --yes.
PLAUSIBLE_TIMES = 2.0

ScopeOption = Annotated[str, typer.Option("--scope", help="portfolio, sleeve:NAME or bot:NAME.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it goes into the audit trail.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="Which account, where there are several.")]
AmountArgument = Annotated[float, typer.Argument(metavar="AMOUNT", help="Quote currency.")]


class NoAnswer(FlotillaError):
    """The worker did not answer in time; what was asked stays asked."""

    exit_code = 75


class Scope(NamedTuple):
    kind: ScopeKind
    name: str


def parse_scope(text: str) -> Scope:
    """Read `portfolio`, `sleeve:NAME` or `bot:NAME`."""
    kind, _, name = text.partition(":")
    if text == "portfolio":
        return Scope(ScopeKind.PORTFOLIO, "")
    if kind in ("sleeve", "bot") and name:
        return Scope(ScopeKind[kind.upper()], name)
    raise ConfigurationError(f"scope must be portfolio, sleeve:NAME or bot:NAME, was {text!r}")


def parse_cause(text: str | None) -> Cause | None:
    """Read the name of a cause."""
    if text is None:
        return None
    try:
        return Cause[text.upper()]
    except KeyError:
        names = ", ".join(cause.name.lower() for cause in Cause)
        raise ConfigurationError(f"cause must be one of {names}, was {text!r}") from None


def request(
    kind: CommandKind,
    scope: str,
    reason: str,
    config: Path | None,
    as_json: bool,
    amount: float | None = None,
    cause: str | None = None,
    detail: str | None = None,
) -> None:
    """Ask the worker, wait for its answer and print it.

    Raises CommandRefused with the worker's sentence, NoAnswer where it does not answer in time.
    """
    outcome = ask_worker(kind, parse_scope(scope), reason, config, amount, parse_cause(cause), detail)
    _report(kind, outcome, as_json)


class Outcome(NamedTuple):
    """What became of a command: its id, status and the worker's answer, None where there is none yet."""

    id: int
    status: str
    answer: str | None


def ask_worker(
    kind: CommandKind,
    where: Scope,
    reason: str,
    config: Path | None,
    amount: float | None = None,
    cause: Cause | None = None,
    detail: str | None = None,
) -> Outcome:
    """Write a command and wait for the worker's answer, a few seconds at most."""
    if not reason.strip():
        raise ConfigurationError("reason must say why, was empty")
    place = find_place(config)
    require_no_lost_books(place)
    engine = open_commands(place.settings.database.url, place.root)
    try:
        with transaction(engine) as connection:
            portfolio_id = portfolio_of(connection, place.settings)
            _check_scope(connection, portfolio_id, where)
            now_ms = SystemClock().now_ms()
            who = getpass.getuser()
            given = (where.kind, where.name, reason, who, now_ms, amount, cause)
            id_ = ask(connection, portfolio_id, kind, *given, detail=detail)
        return _wait(engine, id_)
    finally:
        engine.dispose()


def _check_scope(connection, portfolio_id: int, where: Scope) -> None:  # noqa: ANN001
    """Refuse a name the books do not have, before anything is asked."""
    if where.kind is ScopeKind.PORTFOLIO:
        return
    table = Sleeve if where.kind is ScopeKind.SLEEVE else Bot
    names = connection.execute(select(table.name).where(table.portfolio_id == portfolio_id)).scalars().all()
    if where.name not in names:
        known = ", ".join(sorted(names)[:30])
        raise ConfigurationError(f"{where.kind.lower()} must be one of {known}, was {where.name!r}")


def _wait(engine: Engine, id_: int) -> Outcome:
    give_up = time.monotonic() + ANSWER_SECONDS
    while True:
        with transaction(engine) as connection:
            status, said = connection.execute(select(Command.status, Command.answer).where(Command.id == id_)).one()
        if status in (CommandStatus.DONE.name, CommandStatus.REFUSED.name) or time.monotonic() > give_up:
            return Outcome(id_, status, said)
        time.sleep(POLL_SECONDS)


def _report(kind: CommandKind, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json({"kind": kind.name, **outcome._asdict()})
    said = answer_of(kind, outcome)
    if not as_json:
        print_line(said)


def answer_of(kind: CommandKind, outcome: Outcome) -> str:
    """Give the worker's answer; raises CommandRefused with its sentence, NoAnswer where there is none in time."""
    if outcome.status == CommandStatus.REFUSED.name:
        raise CommandRefused(outcome.answer or "refused")
    if outcome.status != CommandStatus.DONE.name:
        latched = " It counts already: no order leaves that it forbids." if kind in _STOPS else ""
        raise NoAnswer(
            f"the worker did not answer within {ANSWER_SECONDS:.0f} s; command {outcome.id} waits for it.{latched} "
            "`supervisorctl status worker` says whether it runs"
        )
    return outcome.answer or ""


_STOPS = (CommandKind.PAUSE, CommandKind.FLATTEN, CommandKind.HALT)


def _level_app(kind: CommandKind, said: str) -> typer.Typer:
    app = typer.Typer()

    def command(
        reason: ReasonOption, scope: ScopeOption = "portfolio", config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        request(kind, scope, reason, config, json)

    command.__doc__ = said
    app.command()(command)
    return app


pause = _level_app(CommandKind.PAUSE, "Open nothing new; exits and stops go on. Latched until released.")
halt = _level_app(
    CommandKind.HALT, "Send no order at all, no stops either: positions stay open. Latched until released."
)

flatten = typer.Typer()


@flatten.command("flatten")
def _flatten(
    reason: ReasonOption,
    scope: ScopeOption = "portfolio",
    direct: Annotated[
        bool, typer.Option("--direct", help="Without worker and database: straight to the exchanges, whatever is ours.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Close every position at once and stay flat. Latched until released."""
    if not direct:
        request(CommandKind.FLATTEN, scope, reason, config, json)
        return
    if scope != "portfolio":
        raise ConfigurationError(f"scope must be portfolio with --direct, was {scope!r}")
    from worker.terminal.break_glass import flatten_directly

    flatten_directly(find_place(config), reason)


release = typer.Typer()


@release.command("release")
def _release(
    reason: ReasonOption,
    scope: ScopeOption = "portfolio",
    cause: Annotated[
        str | None, typer.Option("--cause", help="person, drawdown, crashes, first_orders …; where several hold.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a level back: a person's, or a brake's. Releasing a drawdown brake resets its high-water mark."""
    request(CommandKind.RELEASE, scope, reason, config, json, cause=cause)


close = typer.Typer()


@close.command("close")
def _close(
    bot: Annotated[str, typer.Argument(help="The bot whose position is to be closed.")],
    reason: ReasonOption,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Close a bot's position at the next open; it stays out of that side until its signal has left it."""
    request(CommandKind.CLOSE, f"bot:{bot}", reason, config, json)


write_off = typer.Typer()


@write_off.command("write-off")
def _write_off(
    bot: Annotated[str, typer.Argument(help="The bot whose position can be sold no more.")],
    reason: ReasonOption,
    price: Annotated[float, typer.Option("--price", help="What one unit is worth by now, 0 for nothing.")],
    yes: Annotated[bool, typer.Option("--yes", help="Also far above the last price.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Book a position as gone at a price, where its symbol has no bars any more; no fee, no order."""
    if not 0.0 <= price < math.inf:
        raise ConfigurationError(f"price must be 0 or more, was {price:g}")
    if not yes:
        _check_price(bot, price, config)
    request(CommandKind.WRITE_OFF, f"bot:{bot}", reason, config, json, amount=price)


def _check_price(bot: str, price: float, config: Path | None) -> None:
    """Refuse what is worth far more than the symbol last was: it is rather a slip of the hand."""
    last = _last_price(bot, config)
    if price > PLAUSIBLE_TIMES * last > 0.0:
        raise CommandRefused(
            f"price must be at most {PLAUSIBLE_TIMES:g} times the last price {price_text(last)}, "
            f"was {price_text(price)}; with --yes it is taken nevertheless"
        )


def _last_price(bot: str, config: Path | None) -> float:
    """Give the price at which the books value what a bot holds, 0 where they know none."""
    place = find_place(config)
    require_no_lost_books(place)
    engine = open_commands(place.settings.database.url, place.root)
    try:
        with transaction(engine) as connection:
            portfolio_id = portfolio_of(connection, place.settings)
            market = (
                (MarketState.portfolio_id == Bot.portfolio_id)
                & (MarketState.account == Sleeve.account)
                & (MarketState.symbol == Bot.symbol)
            )
            statement = (
                select(MarketState.close)
                .select_from(Bot)
                .join(Sleeve, Sleeve.id == Bot.sleeve_id)
                .join(MarketState, market)
                .where(Bot.portfolio_id == portfolio_id, Bot.name == bot)
            )
            return connection.execute(statement).scalar() or 0.0
    finally:
        engine.dispose()


deposit, withdraw = typer.Typer(), typer.Typer()


@deposit.command("deposit")
def _deposit(
    amount: AmountArgument, reason: ReasonOption, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Put money in; it changes no drawdown."""
    _request_flow(CommandKind.DEPOSIT, amount, reason, config, json)


@withdraw.command("withdraw")
def _withdraw(
    amount: AmountArgument,
    reason: ReasonOption,
    account: AccountOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take free money out of an account; it changes no drawdown and closes nothing."""
    _request_flow(CommandKind.WITHDRAW, amount, reason, config, json, account)


def _request_flow(
    kind: CommandKind, amount: float, reason: str, config: Path | None, as_json: bool, account: str | None = None
) -> None:
    if not amount > 0.0:
        raise ConfigurationError(f"amount must be more than 0, was {amount:g}")
    request(kind, "portfolio", reason, config, as_json, amount=amount, detail=account)
