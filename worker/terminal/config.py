"""`flotilla config diff`: what changed settings would do before they are taken over."""

import json as json_module
from typing import Any

import typer

from shared.database import open_reader, sqlite_path, translated
from worker.fleet.idle import idle_settings
from worker.fleet.plan import check_bounds, plan_fleet, planned_bots
from worker.live.identity import bot_identity
from worker.store.fleet import FleetChange, find_portfolio, fleet_change
from worker.store.overview import load_overview
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import print_json, print_line
from worker.terminal.place import Place, find_place, require_no_lost_books

app = typer.Typer(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Look at the settings."""


@app.command()
def diff(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Say what the settings as they are now would change in the running fleet; changes nothing."""
    place = find_place(config)
    wanted = planned_bots(place.settings)
    plan = plan_fleet(wanted)
    check_bounds(place.settings, plan)
    running, change = _compare(place, [bot_identity(bot, place.settings) for bot in wanted])
    values = _flat(place.settings.model_dump(mode="json"))
    before = _flat(running)
    changed = {name: [before.get(name), value] for name, value in values.items() if before.get(name) != value}
    changed |= {name: [value, None] for name, value in before.items() if name not in values}
    said = idle_settings(place.settings, plan)
    if json:
        print_json(
            {
                "settings": changed,
                "added": change.added,
                "retiring": change.retiring,
                "back": change.returning,
                "notes": said,
            }
        )
        return
    for name, (old, new) in sorted(changed.items()):
        print_line(f"{name}: {_word(old)} → {_word(new)}")
    lists = (("new", change.added), ("exits only, then retires", change.retiring), ("back", change.returning))
    for title, names in lists:
        if names:
            print_line(f"{title} ({len(names)}): {', '.join(names)}")
    if not changed and not any((change.added, change.retiring, change.returning)):
        print_line("nothing would change")
    for sentence in said:
        print_line(f"note: {sentence}")


def _compare(place: Place, wanted: list) -> tuple[dict[str, Any], FleetChange]:
    """Give the settings that ran last and what the wanted fleet would change; before the first start, all is new."""
    require_no_lost_books(place)
    if not _has_books(place):
        return {}, FleetChange(tuple(bot.name for bot in wanted), (), ())
    engine = open_reader(place.settings.database.url, place.root)
    try:
        with translated(engine), engine.connect() as connection:
            portfolio_id = find_portfolio(connection, place.settings.portfolio.name)
            overview = None if portfolio_id is None else load_overview(connection, portfolio_id)
            running = {} if overview is None else json_module.loads(overview.settings)
            return running, fleet_change(connection, portfolio_id, wanted)
    finally:
        engine.dispose()


def _has_books(place: Place) -> bool:
    """Say whether the worker has started here before; a database that cannot be read is not one that is not there."""
    url = place.settings.database.url
    return not url.is_sqlite or sqlite_path(url, place.root).exists()


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _word(value: Any) -> str:
    return "not set" if value is None else json_module.dumps(value)
