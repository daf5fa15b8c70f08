"""GET /healthz, for whoever watches the page: whether it reaches the books, and how long ago the worker was heard."""

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
        self._heard_ms: int | None = None
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
        age_seconds = None if self._heard_ms is None else max(self._clock.now_ms() - self._heard_ms, 0) / 1000
        said = {"ok": self._ok, "database_age_seconds": age_seconds}
        return JSONResponse(said, 200 if self._ok else 503, {"Cache-Control": "no-store"})

    def _look(self) -> None:
        with self._asking:
            now_ms = self._clock.now_ms()
            if self._asked_ms is not None and 0 <= now_ms - self._asked_ms < KEPT_MS:
                return
            self._asked_ms = now_ms
            try:
                self._heard_ms, self._ok = self._patience.small("heard", self._last_heard), True
            except DatabaseError:
                self._ok = False

    def _last_heard(self) -> int | None:
        if self._engine is None:
            self._engine = open_reader(self._place.settings.database.url, self._place.root)
        with translated(self._engine), self._engine.connect() as connection:
            return _heard_ms(connection, self._place.settings.portfolio.name)


def _heard_ms(connection: Connection, portfolio: str) -> int | None:
    heartbeat, own = Heartbeat.__table__.c, Portfolio.__table__.c
    statement = (
        select(heartbeat.wall_ms, heartbeat.lease_renewed_ms)
        .join(Portfolio.__table__, own.id == heartbeat.portfolio_id)
        .where(own.name == portfolio)
    )
    row = connection.execute(statement).first()
    return max((time_ms for time_ms in row if time_ms), default=None) if row is not None else None
