"""Folders a page can be opened on: books of every state, beside the settings that name them."""

from pathlib import Path

from shared.clock import SystemClock
from shared.units import HOUR_MS
from tests.dashboard import seeding

SETTINGS_FILE = f'[database]\nurl = "sqlite:///{seeding.FILE}"\n'
# Beside what may run as script: markdown that would fetch a picture from elsewhere, and make a link.
HOSTILE = f"![](http://elsewhere.invalid/x.png) [go](http://elsewhere.invalid) {seeding.HOSTILE}"
STATES = ("empty", "opened", "seeded", "stale", "halted", "large", "bitcoin", "live")


def make(state: str, root: Path) -> Path:
    """Make the folder of a state."""
    root.mkdir(parents=True, exist_ok=True)
    if state != "missing":
        books = {"seeded": seeding.living, "hostile": hostile}.get(state) or getattr(seeding, state)
        made = books(root)
        if state not in ("empty", "stale"):
            set_alive(made)
    (root / "flotilla.toml").write_text(SETTINGS_FILE)
    return root


def hostile(root: Path) -> seeding.Books:
    """Make books whose texts try to become markup; the name of the portfolio is that of the settings."""
    books = seeding.hostile(root)
    books.write("UPDATE portfolio SET name = 'flotilla', market_label = ?", HOSTILE)
    books.write("UPDATE bot SET name = ? WHERE id = 1", HOSTILE)
    books.write("UPDATE portfolio_state SET level = 'NO_ENTRIES', level_person = 'NO_ENTRIES'")
    books.write(
        "UPDATE command SET kind = 'PAUSE', scope_kind = 'PORTFOLIO', scope = '', status = 'DONE', reason = ?", HOSTILE
    )
    return books


def set_alive(books: seeding.Books) -> None:
    """Write the heartbeat of a worker that stepped now, and will be alive for as long as tests take."""
    now_ms = SystemClock().now_ms()
    seeding.beat(books, now_ms, due_ms=now_ms + HOUR_MS)
    # A worker whose steps take long is silent for long.
    books.write("UPDATE heartbeat SET duration_ms = ?", float(HOUR_MS))
