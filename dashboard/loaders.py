"""The one place that opens the database for reading, and the one place that caches.

How far the books are is looked up every second, once for all sessions. The policies, by what a figure depends on:
`live` (read again when the books went on, at the latest after half a minute; `of_beat` also when the worker is heard
of), `of_books` (kept as long as the books
stand where they stood) and `history` (kept for a while: dear to make, slow to change). What is kept is shared by all
sessions and handed out as it is, for Streamlit's own cache writes it down and reads it again for each of them: each
gets a frame of its own over the same columns, which pandas copies when one is written to.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Condition
from typing import Any, NamedTuple

import streamlit as st
from cachetools import TTLCache, cached
from pandas import DataFrame
from sqlalchemy import Engine
from streamlit.runtime.scriptrunner_utils.script_run_context import get_run_yield_check

from dashboard.patience import IsWanted, Patience, Size
from dashboard.place import Place, find_place
from dashboard.queries.control import load_command
from dashboard.queries.fleet import Newest, load_newest, load_portfolios, load_pulse
from dashboard.queries.overview import Overview, load_overview
from shared.database import BUSY_SECONDS, open_reader, sqlite_path, translated
from shared.errors import DatabaseError
from shared.money import Money
from shared.secret_url import SecretUrl

LOOK_SECONDS = 1.0
WAIT_SECONDS = 0.1
WRITE_SECONDS = BUSY_SECONDS + 2.0
LIVE_SECONDS = 30.0
BOOKS_SECONDS = 300.0
HISTORY_SECONDS = 60.0
# A page asks for some ten things, and people choose some ten scopes and ranges.
ENTRIES = 200
# What is live is asked for by all alike, and each step brings all of it anew.
LIVE_ENTRIES = 100

Query = Callable[..., Any]
_SEEN: dict["Source", Newest] = {}
_PATIENCE = Patience()


class _Waiting(Condition):
    """Waits for what another session reads; a run ends here when its person has asked for something else meanwhile.

    Whoever wants to stop everything must not stand behind a slow query.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Wait a moment; whoever waits looks again whether there is something."""
        came = super().wait(WAIT_SECONDS)
        _let_go()
        return came


def _let_go() -> None:
    """End this run here if its person has asked for something else meanwhile."""
    ask = get_run_yield_check()
    if ask is not None:
        ask()


class Source(NamedTuple):
    """A database and a portfolio in it; `file` changes where another file took the place of the one that was open."""

    url: SecretUrl
    root: str
    portfolio: str
    file: int


def place() -> Place:
    """Give the folder the page was started in and the settings there."""
    return _place(str(Path.cwd()))


def refresh_seconds() -> float:
    """Give how often live parts are drawn again."""
    return place().settings.dashboard.refresh_seconds


def portfolio_id() -> int:
    """Give the id of the portfolio of the settings; raises DatabaseError before the worker has made it."""
    return _portfolio_id(_source())


def overview() -> Overview | None:
    """Give the portfolio as of its last step; None before the worker has opened its books."""
    return of_beat(load_overview)


def counted() -> Money:
    """Give the money that is counted in and how it is written; of no name before the worker has opened its books."""
    found = overview()
    return found.counted if found is not None else Money()


def write(ask: Callable[[IsWanted], Any]) -> Any:
    """Run what writes to the database; raises DatabaseError where it takes longer than the lock of another writer.

    It must ask before it commits whether it is still wanted. Reads that hang do not keep it from being tried.
    """
    return _PATIENCE.write(ask, WRITE_SECONDS)


def newest() -> Newest:
    """Give how far the books are."""
    found, source = _look(load_newest), _source()
    if _SEEN.get(source) != found:
        # Nobody asks for what stood there before: it would only fill the memory until its time is over.
        _SEEN[source] = found
        _live.cache_clear()
        _of_books.cache_clear()
    return found


def command(command_id: int) -> dict[str, Any] | None:
    """Give a command as it is this moment: a person waits for its answer."""
    source = _source()

    def ask() -> Any:
        engine = _engine(source)
        with translated(engine), engine.connect() as connection:
            return load_command(connection, command_id)

    return _PATIENCE.small((load_command, source, command_id), ask, _let_go)


def live(query: Query, *arguments: Any) -> Any:
    """Run `query(connection, portfolio_id, *arguments)`, once for each state of the books for all sessions together."""
    return _own(_live(query, _source(), newest(), arguments))


def of_beat(query: Query, *arguments: Any) -> Any:
    """Run a query as `live` does, and anew whenever the worker has renewed its lease, as it does between steps, too."""
    return _own(_live(query, _source(), (newest(), _look(load_pulse)), arguments))


def of_books(query: Query, *arguments: Any) -> Any:
    """Run a query once for each state of the books: it is asked again when a step or a command has written to them."""
    return _own(_of_books(query, _source(), newest(), arguments))


def history(query: Query, *arguments: Any) -> Any:
    """Run a query that is dear, and keep what it gave for a minute whatever the books do meanwhile."""
    return _own(_history(query, _source(), arguments))


def database_file() -> int:
    """Tell apart the files that stood at the same path one after another: an open one outlives its name."""
    path = _file(str(Path.cwd()))
    try:
        return path.stat().st_ino if path is not None else 0
    except OSError:
        return 0


def forget() -> None:
    """Read everything anew from now on."""
    for kept in (_looked, _live, _of_books, _history, _place, _file):
        kept.cache_clear()


@cache
def _file(root: str) -> Path | None:
    found = _place(root)
    url = found.settings.database.url
    return sqlite_path(url, found.root) if url.is_sqlite else None


@cache
def _place(root: str) -> Place:
    return find_place(Path(root))


def _source() -> Source:
    found = place()
    return Source(found.settings.database.url, str(found.root), found.settings.portfolio.name, database_file())


@st.cache_resource(
    show_spinner=False, max_entries=8, on_release=lambda engine: engine.dispose(), hash_funcs={SecretUrl: hash}
)
def _engine(source: Source) -> Engine:
    return open_reader(source.url, Path(source.root))


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs={SecretUrl: hash})
def _portfolio_id(source: Source) -> int:
    engine = _engine(source)
    with translated(engine), engine.connect() as connection:
        known = load_portfolios(connection)
    found = known.loc[known["name"] == source.portfolio, "portfolio_id"]
    if found.empty:
        raise DatabaseError(
            f"the books must hold portfolio {source.portfolio!r}, which the worker makes at its first start; "
            "they do not"
        )
    return int(found.iloc[0])


def _run(query: Query) -> Query:
    def run(source: Source, arguments: tuple[Any, ...]) -> Any:
        engine = _engine(source)
        with translated(engine), engine.connect() as connection:
            return query(connection, _portfolio_id(source), *arguments)

    return run


def _small(query: Query, source: Source) -> Any:
    return _PATIENCE.small((query, source), partial(_run(query), source, ()), _let_go)


def _ask(size: Size, query: Query, source: Source, arguments: tuple[Any, ...], version: Any = None) -> Any:
    probe = (load_newest, source), partial(_run(load_newest), source, ())
    key = (query, source, version, arguments)
    # Whoever asks first waits to the end, so that nobody has more than one query under way.
    return _PATIENCE.ask(size, key, partial(_run(query), source, arguments), probe)


def _own(value: Any) -> Any:
    if isinstance(value, DataFrame):
        return value.copy(deep=False)
    return dict(value) if isinstance(value, dict) else value


def _look(query: Query) -> Any:
    return _looked(query, _source())


@cached(TTLCache(ENTRIES, LOOK_SECONDS), condition=_Waiting())
def _looked(query: Query, source: Source) -> Any:
    return _small(query, source)


@cached(TTLCache(LIVE_ENTRIES, LIVE_SECONDS), condition=_Waiting())
def _live(query: Query, source: Source, version: Any, arguments: tuple[Any, ...]) -> Any:
    return _ask(Size.LIVE, query, source, arguments, version)


@cached(TTLCache(ENTRIES, BOOKS_SECONDS), condition=_Waiting())
def _of_books(query: Query, source: Source, version: Newest, arguments: tuple[Any, ...]) -> Any:
    return _ask(Size.LARGE, query, source, arguments, version)


@cached(TTLCache(ENTRIES, HISTORY_SECONDS), condition=_Waiting())
def _history(query: Query, source: Source, arguments: tuple[Any, ...]) -> Any:
    return _ask(Size.LARGE, query, source, arguments)
