"""The lease, renewed by a thread and a connection of its own, however long the worker's own thread takes."""

import logging
import threading

from sqlalchemy import Connection, Engine

from shared.clock import Clock
from shared.database import translated
from shared.errors import DatabaseError, LeaseError
from worker.store import lease

RENEW_SECONDS = 2.0

log = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews a lease every 2 s from when it is started until it is stopped, or another worker has taken the lease.

    It only keeps others away: the worker itself finds out at its next transaction that the lease is not its own.
    """

    def __init__(self, engine: Engine, clock: Clock, every_seconds: float = RENEW_SECONDS) -> None:
        self._engine = engine
        self._clock = clock
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, portfolio_id: int, token: int) -> None:
        """Begin to renew."""
        self._thread = threading.Thread(target=self._run, args=(portfolio_id, token), name="lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; returns once nothing is under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, portfolio_id: int, token: int) -> None:
        is_over = False
        while not is_over and not self._stopped.is_set():
            try:
                # Opened now and kept: a connection that is opened later may be to another file of the same name.
                with translated(self._engine), self._engine.connect() as connection:
                    self._renew(connection, portfolio_id, token)
                is_over = True
            except DatabaseError as error:
                log.warning("the lease could not be renewed, which is tried again: %s", error)
                self._stopped.wait(self._every_seconds)

    def _renew(self, connection: Connection, portfolio_id: int, token: int) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                with translated(self._engine), connection.begin():
                    lease.renew(connection, portfolio_id, token, self._clock.now_ms())
            except LeaseError as error:
                log.error("%s", error)
                return
            except DatabaseError as error:
                log.warning("the lease could not be renewed, which is tried again: %s", error)
