"""GET /healthz, for whoever watches the page: whether it reaches the books, and how long ago the worker was heard.

Where the clock of this machine was set back or is not the exchange's, it says so.
"""

from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection, Engine, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.patience import Patience
from dashboard.place import Place
from shared.clock import Clock
from shared.database import open_reader, translated
from shared.errors import DatabaseError
from shared.liveness import age_of, wrong_clock
from shared.tables import Heartbeat, Portfolio

# However many ask, the database is asked so often.
KEPT_MS = 1_000


class Health:
    """What is said without sign-in: nothing of the books but their age."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._engine: Engine | None = None
        self._patience = Patience()
        self._asking = Lock()
        self._asked_ms: int | None = None
        self._heard: Heard | None = None
        self._ok = False

    def route(self, path: str) -> Route:
        """Give the route, for `st.App`."""
        return Route(path, self._answer, methods=["GET"])

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    async def _answer(self, _request: Request) -> Response:
        await run_in_threadpool(self._look)
        now_ms, heard = self._clock.now_ms(), self._heard
        age_ms = None if heard is None else age_of(heard.last_ms, now_ms)
        clock = "" if heard is None else wrong_clock(heard, now_ms)
        age_seconds = None if age_ms is None else age_ms / 1000
        said = {"ok": self._ok, "database_age_seconds": age_seconds, "clock": clock or None}
        return JSONResponse(said, 200 if self._ok else 503, {"Cache-Control": "no-store"})

    def _look(self) -> None:
        with self._asking:
            now_ms = self._clock.now_ms()
            if self._asked_ms is not None and 0 <= now_ms - self._asked_ms < KEPT_MS:
                return
            self._asked_ms = now_ms
            try:
                self._heard, self._ok = self._patience.small("heard", self._last_heard), True
            except DatabaseError:
                self._ok = False

    def _last_heard(self) -> "Heard | None":
        if self._engine is None:
            self._engine = open_reader(self._place.settings.database.url, self._place.root)
        with translated(self._engine), self._engine.connect() as connection:
            return _heard(connection, self._place.settings.portfolio.name)


@dataclass(frozen=True, slots=True)
class Heard:
    """When the worker stepped and renewed its lease last, wall times, and how far the exchange's clock is ahead."""

    wall_ms: int
    lease_renewed_ms: int | None
    ahead_ms: int

    @property
    def last_ms(self) -> int:
        return max(self.wall_ms, self.lease_renewed_ms or 0)


def _heard(connection: Connection, portfolio: str) -> Heard | None:
    heartbeat, own = Heartbeat.__table__.c, Portfolio.__table__.c
    statement = (
        select(heartbeat.wall_ms, heartbeat.lease_renewed_ms, heartbeat.ahead_ms)
        .join(Portfolio.__table__, own.id == heartbeat.portfolio_id)
        .where(own.name == portfolio)
    )
    row = connection.execute(statement).first()
    return None if row is None else Heard(*row)
