"""`flotilla dashboard password NAME`, and who else may sign in."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.clock import SystemClock
from shared.cookie_secret import forget_secret, secret_path
from shared.errors import ConfigurationError
from shared.links import make_link, signs_in_by_name
from shared.own_page import find_own_page, page_address
from shared.passwords import (
    OPERATOR,
    Account,
    checked_name,
    checked_role,
    hash_password,
    is_guarded,
    load_accounts,
    password_path,
    remove_account,
    require_there,
    save_account,
    unguard,
)
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import print_json, print_line, say
from worker.terminal.place import find_place

app = typer.Typer(no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who; an e-mail address with --oidc.")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer sees everything; operator may also act.")]
OidcOption = Annotated[bool, typer.Option("--oidc", help="Signs in by an OIDC provider: no password is asked for.")]


@app.callback()
def dashboard() -> None:
    """Say who may sign in to the dashboard."""


@app.command()
def password(
    name: NameArgument, role: RoleOption = OPERATOR, oidc: OidcOption = False, config: ConfigOption = None
) -> None:
    """Set somebody's password and role, asked for twice or read from a pipe; ends the sessions of before."""
    path = _path(config)
    account = Account(checked_name(name), checked_role(role), None)
    if oidc and "@" not in account.name:
        raise ConfigurationError(f"a name must be an e-mail address with --oidc, was {name!r}")
    if not oidc:
        account = Account(account.name, account.role, hash_password(_asked()))
    save_account(path, account)
    print_line(f"{account.name} may sign in as {account.role}; kept in {path}")


@app.command()
def link(config: ConfigOption = None) -> None:
    """Print a link to the page, where it answers: it signs in once, as long as no password is set."""
    place = find_place(config)
    dashboard = place.settings.dashboard
    require_there(_path(config))
    page = find_own_page(place.root, dashboard)
    if signs_in_by_name(place.root, dashboard):
        say("Passwords are set, so everybody signs in by name.")
        print_line(page_address(dashboard.address, dashboard.port))
    else:
        print_line(make_link(place.root, page, SystemClock().now_ms()))


@app.command()
def remove(name: NameArgument, config: ConfigOption = None) -> None:
    """Let somebody sign in no more; ends the sessions at once."""
    path = _path(config)
    remove_account(path, checked_name(name))
    print_line(f"{checked_name(name)} may not sign in any more")


@app.command(name="unguard")
def take_back(
    yes: Annotated[bool, typer.Option("--yes", help="Do it: nobody is asked again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Delete all names and passwords, so that the page is opened by a link again; ends all sessions."""
    path = _path(config)
    if not yes:
        raise ConfigurationError(f"--yes must be given to delete the names and passwords in {path}, was not")
    if not is_guarded(path):
        raise ConfigurationError(f"password file {path} must be there to be deleted, and never was")
    # First, so that no cookie of a link that was opened before the passwords were set counts again.
    forget_secret(secret_path(path))
    unguard(path)
    print_line("nobody has a name any more; restart the page: `.venv/bin/supervisorctl restart dashboard`")


@app.command()
def people(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List who may sign in."""
    path = _path(config)
    try:
        accounts = load_accounts(path).values()
    except FileNotFoundError:
        require_there(path)
        accounts = {}.values()
    rows = [{"name": a.name, "role": a.role, "signs_in_by": "password" if a.password else "oidc"} for a in accounts]
    if json:
        print_json(rows)
        return
    for row in rows:
        print_line(f"{row['name']}: {row['role']}, by {row['signs_in_by']}")
    if not rows:
        print_line(f"nobody yet; {path} does not exist, so the page is opened by a link, on this machine alone")


def _asked() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _path(config: Path | None) -> Path:
    place = find_place(config)
    return password_path(place.settings.dashboard.password_file, place.root)
