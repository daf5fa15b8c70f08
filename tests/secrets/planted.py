"""A project whose database has secrets in its address, and how they are looked for in what comes out of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.dashboard import seeding
from tests.dashboard.views.books import set_alive

# Each would be told from the others by where it was put. SQLite takes no notice of them.
USER, IN_USERINFO, IN_QUERY, IN_OPTIONS = "planteduser", "plantedpassword", "plantedquery", "plantedoptions"
IN_ENVIRONMENT = "plantedenvironment"
URL = f"sqlite://{USER}:{IN_USERINFO}@/{seeding.FILE}?password={IN_QUERY}&sslpassword=%70lantedescaped&options={IN_OPTIONS}"
OF_ENVIRONMENT = f"sqlite://{USER}:{IN_ENVIRONMENT}@/{seeding.FILE}?password={IN_ENVIRONMENT}"
# All begin alike, so that what is cut short or written in capitals is found, too.
TELLTALES = ("planted", "%70lanted")
OVERRIDES = (f"database.url={URL}", "risk.stop=0.03")


def make(folder: Path) -> Path:
    """Make a project that a worker has run in for days, with changed settings and people's commands."""
    folder.mkdir(parents=True, exist_ok=True)
    first = seeding.Books(folder, seeding.settings_of(*OVERRIDES, days=2))
    seeding.run(first, lambda session: session.step(24))
    changed = seeding.Books(folder, seeding.settings_of(*OVERRIDES, "risk.cooldown=600.0", days=2))

    def go_on(session: seeding.Session) -> None:
        session.ask(seeding.CommandKind.DEPOSIT, amount=5_000.0, reason="more of the same")
        session.step(24)

    seeding.run(changed, go_on)
    set_alive(changed)
    (folder / "flotilla.toml").write_text(f'[database]\nurl = "{URL}"\n[risk]\nstop = 0.03\n')
    return folder


def leaks(text: str | bytes) -> list[str]:
    """Give what of the planted secrets is in a text or in the bytes of a file."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [telltale for telltale in TELLTALES if telltale in said.lower()]


def sent(app: AppTest) -> bytes:
    """Give all that a page sends to a browser: words, tables, charts, addresses."""
    return b"\n".join(node.proto.SerializeToString() for node in _nodes(app._tree) if getattr(node, "proto", None))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)
