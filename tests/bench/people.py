"""People who do something while others look on: one asks the worker for things, others download."""

import itertools
import threading
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from sqlalchemy import select

from shared.clock import SystemClock
from shared.database import open_commands, open_reader, transaction
from shared.enums import CommandKind, ScopeKind
from shared.errors import DatabaseError
from shared.settings import FILE_NAME, load_settings
from shared.tables import Bot, Portfolio
from shared.tables.commands import ask
from shared.tables.exports import KINDS
from tests.dashboard.local import cookie

BOT, ALL = ScopeKind.BOT, ScopeKind.PORTFOLIO
# Nothing here stops the fleet for long: it is to go on trading.
TURNS = (
    (CommandKind.PAUSE, BOT, None),
    (CommandKind.EXPLAIN, BOT, None),
    (CommandKind.RELEASE, BOT, None),
    (CommandKind.DEPOSIT, ALL, 100.0),
    (CommandKind.FLATTEN, BOT, None),
    (CommandKind.WITHDRAW, ALL, 50.0),
    (CommandKind.RELEASE, BOT, None),
)
CHUNK = 1 << 16
# Between two downloads: people read what they have.
PAUSE_SECONDS = 2.0
WHO = "soak"


class Person(threading.Thread):
    """Somebody who goes on until stopped, and keeps what failed as sentences."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.failures: list[str] = []
        self._stopped = stop


class Asker(Person):
    """Writes commands as the page does, one after another over all bots, without waiting for answers."""

    def __init__(self, root: Path, seconds: float, stop: threading.Event) -> None:
        super().__init__(stop)
        self.asked = 0
        self._root, self._seconds = root, seconds
        self._settings = load_settings(root / FILE_NAME)

    def run(self) -> None:
        """Ask until stopped."""
        engine = open_commands(self._settings.database.url, self._root)
        portfolio_id, bots = self._fleet()
        # A bot gets all of its commands before the next one has its turn.
        turns = itertools.cycle((bot, *turn) for bot in bots for turn in TURNS)
        while not self._stopped.wait(self._seconds):
            bot, kind, scope_kind, amount = next(turns)
            scope = bot if scope_kind is BOT else ""
            try:
                with transaction(engine) as connection:
                    now_ms = SystemClock().now_ms()
                    ask(connection, portfolio_id, kind, scope_kind, scope, "soak", WHO, now_ms, amount)
                self.asked += 1
            except DatabaseError as error:
                self.failures.append(str(error))
        engine.dispose()

    def _fleet(self) -> tuple[int, list[str]]:
        engine = open_reader(self._settings.database.url, self._root)
        portfolio, bot = Portfolio.__table__.c, Bot.__table__.c
        with engine.connect() as connection:
            own = select(portfolio.id).where(portfolio.name == self._settings.portfolio.name)
            portfolio_id = int(connection.execute(own).scalar_one())
            names = select(bot.name).where(bot.portfolio_id == portfolio_id).order_by(bot.id)
            bots = list(connection.execute(names).scalars())
        engine.dispose()
        return portfolio_id, bots


class Downloader(Person):
    """Downloads every kind in both forms, again and again.

    `done` counts those that came whole, `sent_away` how often it was told to come later, as it does.
    """

    def __init__(self, url: str, stop: threading.Event, at: int) -> None:
        super().__init__(stop)
        self.done = self.bytes = self.sent_away = 0
        self._cookie = cookie()
        kinds = [f"{kind}.{form}" for kind in KINDS for form in ("csv", "json")]
        self._addresses = itertools.cycle(f"{url}/export/{kind}" for kind in (*kinds[3 * at :], *kinds[: 3 * at]))

    def run(self) -> None:
        """Download until stopped; what is under way then is left."""
        while not self._stopped.wait(PAUSE_SECONDS):
            address = next(self._addresses)
            try:
                asked = urllib.request.Request(address, headers={"Cookie": self._cookie})
                with urllib.request.urlopen(asked, timeout=60.0) as answer:
                    while (chunk := answer.read(CHUNK)) and not self._stopped.is_set():
                        self.bytes += len(chunk)
                self.done += not self._stopped.is_set()
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in error.headers:
                    self.sent_away += 1
                    continue
                self.failures.append(f"{address}: {error.code} {error.read(500).decode(errors='replace')}")
            except OSError as error:
                self.failures.append(f"{address}: {error}")
