"""Downloads: GET /export/{kind}.{csv|json}, the columns of `flotilla export`, as a stream.

Rows are read and written out in threads, a batch at a time and no faster than the browser takes them, so a million rows
need the memory of a few thousand and no page waits for them.
"""

import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.place import Place
from dashboard.serving.sending import MEDIA_TYPES, Sending, file_headers, sentence
from shared.database import open_reader, sqlite_path, translated
from shared.enums import Resolution
from shared.errors import ConfigurationError, DatabaseError, FlotillaError
from shared.tables import Portfolio
from shared.tables.export_filters import Filters
from shared.tables.exports import KINDS, check_names, csv_chunks, json_chunks
from shared.units import format_time, parse_time_ms, to_datetime, to_ms

EXPORTS_AT_ONCE = 4
# Downloads that follow each other without end would let the log grow without end: where it is long, there is a pause
# between two in which the worker's beat, every 5 s, lets it begin anew.
LONGEST_LOG_BYTES = 256 * 2**20
PAUSE_SECONDS = 7.0
NAMES = ("sleeve", "bot", "symbol")
VOCABULARIES = ("side", "exit_reason", "scope_kind")
# Pages call them so; either will do.
SINGULAR = {f"{name}s": name for name in (*NAMES, *VOCABULARIES)}
TIMES = {"from": "start_ms", "to": "end_ms"}
# A year alone is no time in ms, nor is what no calendar has.
MILLISECONDS = re.compile(r"[0-9]{9,15}")
LATEST_MS = to_ms(datetime(9000, 1, 1, tzinfo=UTC))
_END = object()

Chunks = Callable[[Connection, str, int, Filters], Iterator[str]]
CHUNKS: dict[str, Chunks] = {"csv": csv_chunks, "json": json_chunks}


class Exports:
    """The downloads of one portfolio."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._engine: Engine | None = None
        self._opening = Lock()
        self._counting = Lock()
        self._under_way = 0
        self._free_at = 0.0

    def routes(self) -> list[Route]:
        """Give the routes, for `st.App`."""
        return [Route("/export/{kind}.{form}", self._export, methods=["GET"])]

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    async def _export(self, request: Request) -> Response:
        kind, form = request.path_params["kind"], request.path_params["form"]
        if kind not in KINDS or form not in CHUNKS:
            known = ", ".join(f"{name}.csv" for name in KINDS)
            return sentence(f"A download is one of {known}, or the same as .json.", 404)
        try:
            filters = parse_filters(request.query_params)
        except ConfigurationError as error:
            return sentence(str(error), 400)
        if not self._admitted():
            return sentence("Too many downloads at once; try again in some seconds.", 503, {"Retry-After": "10"})
        chunks = self._chunks(kind, form, filters)
        try:
            # Whatever is wrong with names or database shows here, while there is still a status to say it with.
            first = await run_in_threadpool(next, chunks)
        except ConfigurationError as error:
            return sentence(str(error), 400)
        except FlotillaError as error:
            return sentence(str(error), 503)
        headers = file_headers(self._file_name(kind, form, filters))
        if request.method == "HEAD":
            chunks.close()
            return Response(media_type=MEDIA_TYPES[form], headers=headers)
        # A read transaction must not outlive its browser.
        return Sending(_stream(first, chunks), MEDIA_TYPES[form], headers, chunks.close)

    def _admitted(self) -> bool:
        """Take a place; where the log has grown long there is but one, and a pause before it is taken again."""
        with self._counting:
            if self._log_bytes() <= LONGEST_LOG_BYTES:
                admitted = self._under_way < EXPORTS_AT_ONCE
            else:
                admitted = self._under_way == 0 and monotonic() >= self._free_at
            self._under_way += admitted
        return admitted

    def _leave(self, has_streamed: bool) -> None:
        with self._counting:
            self._under_way -= 1
            if has_streamed:
                self._free_at = monotonic() + PAUSE_SECONDS

    def _log_bytes(self) -> int:
        """Give how long SQLite's log is: it begins anew only in a moment in which nobody reads what is in it."""
        url = self._place.settings.database.url
        if not url.is_sqlite:
            return 0
        try:
            return Path(f"{sqlite_path(url, self._place.root)}-wal").stat().st_size
        except OSError:
            return 0

    def _chunks(self, kind: str, form: str, filters: Filters) -> Generator[str, None, None]:
        """Its end, however it comes, gives back connection and place."""
        chunks = 0
        try:
            with self._books() as (connection, portfolio_id):
                check_names(connection, portfolio_id, filters)
                for chunk in CHUNKS[form](connection, kind, portfolio_id, filters):
                    yield chunk
                    chunks += 1
        finally:
            # One whose head alone was asked for has taken no time.
            self._leave(has_streamed=chunks > 0)

    @contextmanager
    def _books(self) -> Iterator[tuple[Connection, int]]:
        engine, own = self._opened(), Portfolio.__table__.c
        name = self._place.settings.portfolio.name
        with translated(engine), engine.connect() as connection:
            portfolio_id = connection.execute(select(own.id).where(own.name == name)).scalar_one_or_none()
            if portfolio_id is None:
                raise DatabaseError(f"the books must hold portfolio {name!r}, which the worker makes; they do not")
            yield connection, portfolio_id

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = open_reader(self._place.settings.database.url, self._place.root)
            return self._engine

    def _file_name(self, kind: str, form: str, filters: Filters) -> str:
        words = [self._place.settings.portfolio.name, kind]
        words += [_day(time_ms) for time_ms in (filters.start_ms, filters.end_ms) if time_ms is not None]
        return f"{'-'.join(words)}.{form}"


def parse_filters(query: QueryParams) -> Filters:
    """Read the filters of an address.

    `from` and `to` are ISO times or milliseconds, `[from, to)`; `sleeve`, `bot`, `symbol`, `side`, `exit_reason` and
    `scope_kind` may come several times, with an s or without; `resolution` is for equity. Raises ConfigurationError for
    anything else, but whether names exist is for `check_names`.
    """
    wanted: dict[str, Any] = {}
    for written in query:
        name = SINGULAR.get(written, written)
        values = tuple(value for key in (name, f"{name}s") for value in query.getlist(key) if value)
        if name in NAMES:
            wanted |= {name: values} if values else {}
        elif name in VOCABULARIES:
            wanted |= {name: tuple(value.upper() for value in values)} if values else {}
        elif name in TIMES:
            wanted |= {TIMES[name]: _time_ms(values[-1])} if values else {}
        elif name == "resolution":
            wanted["resolution"] = _resolution(values[-1] if values else "")
        else:
            known = ", ".join([*TIMES, *NAMES, *VOCABULARIES, "resolution"])
            raise ConfigurationError(f"a filter must be one of {known}, was {name!r}")
    filters = Filters(**wanted)
    if filters.start_ms is not None and filters.end_ms is not None and filters.start_ms >= filters.end_ms:
        raise ConfigurationError(
            f"from must be before to {format_time(filters.end_ms)}, was {format_time(filters.start_ms)}"
        )
    return filters


async def _stream(first: str, chunks: Generator[str, None, None]) -> AsyncIterator[bytes]:
    chunk: object = first
    while isinstance(chunk, str):
        yield chunk.encode()
        chunk = await run_in_threadpool(next, chunks, _END)


def _time_ms(text: str) -> int:
    if not MILLISECONDS.fullmatch(text):
        return parse_time_ms(text)
    time_ms = int(text)
    if time_ms > LATEST_MS:
        raise ConfigurationError(f"time must be at most {LATEST_MS} ms, was {text}")
    return time_ms


def _resolution(text: str) -> Resolution:
    try:
        return Resolution[text.upper()]
    except KeyError:
        names = ", ".join(resolution.name.lower() for resolution in Resolution)
        raise ConfigurationError(f"resolution must be one of {names}, was {text!r}") from None


def _day(time_ms: int) -> str:
    return to_datetime(time_ms).strftime("%Y%m%d")
