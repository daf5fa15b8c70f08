"""GET /report.html: the report of what an address asks for, as a file.

It is made in a thread, two at once at most; whatever is wrong is said before the first byte, as a sentence.
"""

from collections.abc import AsyncIterator
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.place import Place
from dashboard.serving.exports import parse_filters
from dashboard.serving.sending import Sending, file_headers, sentence
from shared.clock import Clock
from shared.errors import ConfigurationError, FlotillaError
from shared.tables.export_filters import Filters

if TYPE_CHECKING:
    from dashboard.report.books import ReportBooks

PATH = "/report.html"
MEDIA_TYPE = "text/html; charset=utf-8"
REPORTS_AT_ONCE = 2
PIECE_BYTES = 1 << 18


class Reports:
    """The reports of one portfolio."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._books: ReportBooks | None = None
        self._beginning = Lock()
        self._places = BoundedSemaphore(REPORTS_AT_ONCE)

    def routes(self) -> list[Route]:
        """Give the routes, for `st.App`."""
        return [Route(PATH, self._report, methods=["GET"])]

    def close(self) -> None:
        """Let go of the database."""
        if self._books is not None:
            self._books.close()

    async def _report(self, request: Request) -> Response:
        try:
            asked = parse_filters(request.query_params)
        except ConfigurationError as error:
            return sentence(str(error), 400)
        if not self._places.acquire(blocking=False):
            return sentence("Too many reports at once; try again in a moment.", 503, {"Retry-After": "5"})
        sending = False
        try:
            name, made = await run_in_threadpool(self._make, asked, request.method == "HEAD")
            headers = file_headers(name)
            if made is None:
                return Response(media_type=MEDIA_TYPE, headers=headers)
            sending = True
            length = {"Content-Length": str(sum(map(len, made)))}
            return Sending(_pieces(made), MEDIA_TYPE, headers | length, self._places.release)
        except ConfigurationError as error:
            return sentence(str(error), 400)
        except FlotillaError as error:
            return sentence(str(error), 503)
        finally:
            if not sending:
                self._places.release()

    def _make(self, asked: Filters, is_head: bool) -> tuple[str, list[bytes] | None]:
        """Give the name of the file and the file, or None where only its head is wanted."""
        books = self._begun()
        name = books.file_name(asked)
        if not is_head:
            return name, books.make(asked)
        books.check(asked)
        return name, None

    def _begun(self) -> "ReportBooks":
        # Imported here: figures that cannot be drawn must not take the whole page, and the kill switch, with them.
        from dashboard.report.books import ReportBooks

        with self._beginning:
            if self._books is None:
                self._books = ReportBooks(self._place, self._clock)
            return self._books


async def _pieces(made: list[bytes]) -> AsyncIterator[bytes]:
    for part in made:
        for at in range(0, len(part), PIECE_BYTES):
            yield part[at : at + PIECE_BYTES]
