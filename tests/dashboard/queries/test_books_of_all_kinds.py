"""Every query on books that are empty, just opened, halted, of 500 bots, and full of hostile text."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame
from sqlalchemy import Connection, Engine, event

from dashboard.queries.bots import load_bots
from dashboard.queries.control import load_commands
from dashboard.queries.equity import load_equity
from dashboard.queries.events import load_events
from dashboard.queries.fleet import load_portfolios
from dashboard.queries.levels import load_levels, load_scopes
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BOT, ID, MAYBE, SLEEVE, queries
from tests.dashboard.queries.conftest import connected

# Queries whose columns depend on the bots there are.
SQUARE = {"correlations", "correlations of a period"}


def kinds(table: DataFrame) -> dict[str, str]:
    """Give the kind of each column: a missing whole number may make one of floats."""
    return {name: "number" if kind.kind in "if" else str(kind) for name, kind in table.dtypes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("make", [seeding.empty, seeding.opened])
def test_books_without_history_give_the_same_columns(
    make: Callable[[Path], seeding.Books], folder: Path, connection: Connection
) -> None:
    for bare in connected(make(folder)):
        for name, load in queries().items():
            full, nothing = load(connection), load(bare)
            if not isinstance(full, DataFrame) or name in SQUARE:
                continue
            assert list(nothing.columns) == list(full.columns), name
            if not len(nothing) and name not in ("facts", "facts filtered"):
                assert kinds(nothing) == kinds(full), name


def test_a_person_who_halted_is_named(folder: Path) -> None:
    for connection in connected(seeding.halted(folder)):
        held = load_levels(connection, ID)
        portfolio = held[(held["scope_kind"] == "PORTFOLIO") & (held["cause"] == "PERSON")].iloc[0]
        assert (portfolio["level"], portfolio["who"], portfolio["reason"]) == ("HALTED", "bea", "the exchange is down")
        assert portfolio["since_ms"] > 0
        paused = held[held["scope"] == seeding.PAUSED_BOT].iloc[0]
        assert (paused["level"], paused["cause"], paused["who"]) == ("NO_ENTRIES", "PERSON", "ann")
        tripped = held[held["cause"] == "DRAWDOWN"]
        assert len(tripped) and (tripped["who"] == "").all() and tripped["reason"].str.contains("drawdown").all()
        scopes = load_scopes(connection, ID)
        assert (scopes["level"] == "HALTED").all()
        whole = scopes[scopes["scope_kind"] == "PORTFOLIO"].iloc[0]
        assert whole["unprotected"] == pytest.approx(whole["notional"]) and whole["notional"] > 0.0
        assert scopes.loc[scopes["scope_kind"] == "BOT", "notional"].sum() == pytest.approx(whole["notional"])


def test_hostile_text_comes_out_as_it_went_in(folder: Path) -> None:
    for connection in connected(seeding.hostile(folder)):
        evil = seeding.HOSTILE
        assert load_portfolios(connection)["name"].tolist() == [evil]
        table = load_bots(connection, ID)
        assert table["bot"].str.endswith(evil).all() and table["sleeve"].str.endswith(evil).all()
        assert (load_commands(connection, ID)["reason"] == evil).all()
        assert (load_events(connection, ID)["message"] == evil).all()
        for name, load in queries(BOT + evil, SLEEVE + evil).items():
            given = load(connection)
            assert given is not None or name in MAYBE, name
            if name in ("fills of a bot", "decisions", "candles", "protection"):
                assert len(given), name


@pytest.mark.slow
def test_five_hundred_bots_cost_little(folder: Path) -> None:
    engine = seeding.large().reader()
    asked = Counted(engine)
    with engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT name FROM bot LIMIT 1").scalar_one()
        for what, load in queries(name).items():
            asked.statements = 0
            assert load(connection) is not None or what in MAYBE, what
            assert asked.statements <= 30, f"{what} took {asked.statements} statements"
        assert len(load_bots(connection, ID)) == 504
    engine.dispose()


class Counted:
    """Counts statements: a query that asks once per bot gives itself away."""

    def __init__(self, engine: Engine) -> None:
        self.statements = 0
        event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.statements += 1


def test_curves_stay_small_however_many_are_asked_for(connection: Connection) -> None:
    from dashboard.queries.equity import Scope
    from shared.enums import ScopeKind

    names = connection.exec_driver_sql("SELECT name FROM bot").scalars().all()
    scopes = tuple(Scope(ScopeKind.BOT, name) for name in names)
    many = load_equity(connection, ID, scopes)
    assert 0 < len(many) <= 2_000
    assert set(many["scope"]) == set(names)
    # However few points, the first and the last mark stay, and so does the deepest drawdown.
    few, all_ = load_equity(connection, ID, max_points=10), load_equity(connection, ID)
    assert len(few) == 10 < len(all_)
    for at in (0, -1):
        assert few["time_ms"].iloc[at] == all_["time_ms"].iloc[at]
        assert few["equity"].iloc[at] == all_["equity"].iloc[at]
    assert few["drawdown_fraction"].max() == all_["drawdown_fraction"].max() > 0.0
    assert few["low_equity"].min() == all_["low_equity"].min()


def test_records_of_one_row_have_no_missing_number(connection: Connection) -> None:
    for name in ("overview", "win rate", "newest"):
        record = queries()[name](connection)
        assert is_dataclass(record)
        for field in fields(record):
            value = getattr(record, field.name)
            assert value == value, f"{name}.{field.name} must be a number, was {value}"
