"""The commands a person types. Each lives in a module of `worker/terminal`, imported only when it is called."""

import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from shared.errors import FlotillaError
from shared.printable import one_line
from shared.private_files import private_files
from shared.unexpected import telling


class Command(NamedTuple):
    """Where a command is (`module` or `module:attribute`, a `typer.Typer`; `app` by default) and its line of help.

    `parsing` goes to the context its arguments are read in.
    """

    place: str
    help: str
    parsing: Mapping[str, Any] = MappingProxyType({})


# So that `deposit -5` is refused as the amount it is, not as an option nobody knows.
SIGNED = MappingProxyType({"ignore_unknown_options": True})
# Typer adds these to each command that is a typer.Typer of its own.
COMPLETION = ("install_completion", "show_completion")


COMMANDS = {
    "run": Command("worker.terminal.run", "Step the fleet at each bar close until told to stop."),
    "status": Command("worker.terminal.status", "Show equity, level, brakes, positions, age of the last step."),
    "pause": Command("worker.terminal.controls:pause", "Open nothing new; exits go on."),
    "flatten": Command("worker.terminal.controls:flatten", "Close every position at once and stay flat."),
    "close": Command("worker.terminal.controls:close", "Close one bot's position at the next open."),
    "halt": Command("worker.terminal.controls:halt", "Send no order at all; positions stay open without stops."),
    "release": Command("worker.terminal.controls:release", "Take a level back, a person's or a brake's."),
    "explain": Command("worker.terminal.explain", "Say what every row of the gate says of a bot."),
    "deposit": Command("worker.terminal.controls:deposit", "Put money in.", SIGNED),
    "withdraw": Command("worker.terminal.controls:withdraw", "Take free money out.", SIGNED),
    "write-off": Command("worker.terminal.controls:write_off", "Book a position that can be sold no more as gone."),
    "reconcile": Command("worker.terminal.reconcile", "Say what a difference on an account is."),
    "export": Command("worker.terminal.export", "Write fills, orders, round trips and the rest as CSV or JSON."),
    "doctor": Command("worker.terminal.doctor", "Say whether the books are whole and sum."),
    "config": Command("worker.terminal.config", "Say what changed settings would do."),
    "dashboard": Command("worker.terminal.dashboard", "Say who may sign in to the dashboard; print a link to it."),
    "db": Command("worker.terminal.database", "Look after the database."),
    "backtest": Command("worker.terminal.backtest", "Run the configured fleet over months of candles."),
    "candles": Command("worker.terminal.candles", "Say what is in a folder of candles, and bring it to one form."),
}


class LazyCommands(MutableMapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        module, _, attribute = COMMANDS[name].place.partition(":")
        command = typer.main.get_command(getattr(import_module(module), attribute or "app"))
        command.params = [parameter for parameter in command.params if parameter.name not in COMPLETION]
        command.context_settings = {**command.context_settings, **COMMANDS[name].parsing}
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError(f"command {name} must be entered in COMMANDS")

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"command {name} must be taken out of COMMANDS")


class LazyGroup(TyperGroup):
    """A group that imports the command that is called, and none to list them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands by their lines of help."""
        self.commands = {name: TyperCommand(name, help=command.help) for name, command in COMMANDS.items()}
        super().format_help(ctx, formatter)


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def flotilla() -> None:
    """Run a fleet of trading bots on one account, under one set of brakes."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command (that of the process by default); a failure is one sentence and its exit code."""
    with telling("worker"), private_files():
        try:
            app(arguments, prog_name="flotilla")
        except FlotillaError as error:
            sys.stderr.write(f"flotilla: {one_line(error)}\n")
            sys.exit(error.exit_code)
