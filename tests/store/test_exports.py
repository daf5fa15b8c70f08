"""Exports equal the tables, in stable columns, without holding them in memory."""

import csv
import io
import json
import re
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from shared.database import open_reader, transaction
from shared.enums import BarStatus, CommandKind, Resolution, ScopeKind, Severity, Side, TransferKind
from shared.errors import ConfigurationError
from shared.printable import one_line
from shared.tables import Decision, EquityPoint, EquityRecent, Fill, OpenDecision
from shared.tables.commands import ask
from shared.tables.export_filters import EVERYTHING, Filters
from shared.tables.export_formats import harmless
from shared.tables.exports import KINDS, check_names, columns, csv_chunks, json_chunks, stream
from shared.units import HOUR_MS
from tests.store.fleets import START_MS, Books, make_fill, open_books
from tests.store.test_trading import ClosedRow, make_order
from worker.store.candles import save_bars
from worker.store.events import BarRow, EventRow, save_bar_records, save_events
from worker.store.money import (
    AllocationRow,
    FundingRow,
    TransferRow,
    save_allocations,
    save_funding,
    save_transfers,
)
from worker.store.orders import save_fills, save_orders
from worker.store.round_trips import save_round_trips

HOSTILE = '=1+1,"quoted"\nand <b>broken</b>'
DOCUMENT = Path(__file__).parents[2] / "docs" / "database.md"


@pytest.fixture
def books(engine: Engine) -> Books:
    """Books with something of every kind."""
    with transaction(engine) as connection:
        books = open_books(connection)
        bots = books.fleet.bots
        for _ in range(40):
            close_ms = books.step(fills=0.2)
            books.save(connection, close_ms)
        save_orders(connection, 1, [make_order(f"w{at}", decided_ms=START_MS + at) for at in range(5)])
        save_round_trips(
            connection,
            1,
            [
                ClosedRow(bots[at % 9].sleeve_id, bots[at % 9].id, bots[at % 9].symbol, at - 10.0, side=side)
                for at in range(20)
                for side in Side
            ],
        )
        save_transfers(connection, 1, [TransferRow(None, START_MS, 0, TransferKind.DEPOSIT, 9.0)])
        save_allocations(
            connection,
            1,
            [AllocationRow(kind, 1, START_MS, 5, 0.5, 100.0, 90.0) for kind in (ScopeKind.SLEEVE, ScopeKind.BOT)],
        )
        save_events(connection, 1, [EventRow(START_MS, START_MS, Severity.ERROR, "ODD", HOSTILE)])
        for scope_kind, scope in ((ScopeKind.PORTFOLIO, ""), (ScopeKind.BOT, bots[0].name)):
            ask(connection, 1, CommandKind.PAUSE, scope_kind, scope, HOSTILE, "ann", START_MS)
        save_funding(
            connection, 1, [FundingRow(bot.id, bot.symbol, START_MS + 5, 1, -1.0, 9.0, 1e-4, 9e-4) for bot in bots]
        )
        save_bar_records(connection, 1, [BarRow("C0/USDT", START_MS, 1, BarStatus.LATE, HOSTILE, 9)])
        kept = dict.fromkeys(("C0/USDT", "C1/USDT", "ELSEWHERE/USDT"), (1.0, 2.0, 0.5, 1.5, 10.0))
        for at in range(3):
            save_bars(connection, "sim", HOUR_MS, START_MS + at * HOUR_MS, kept)
    return books


def taken(engine: Engine, kind: str, filters: Filters = EVERYTHING) -> list[dict]:
    with transaction(engine) as connection:
        return [
            dict(zip(columns(kind), row, strict=True))
            for batch in stream(connection, kind, 1, filters)
            for row in batch
        ]


def count(engine: Engine, *models: type) -> int:
    with transaction(engine) as connection:
        return sum(connection.execute(select(func.count()).select_from(model)).scalar_one() for model in models)


def test_every_row_is_exported(engine: Engine, books: Books) -> None:
    assert len(taken(engine, "fills")) == count(engine, Fill) > 100
    assert len(taken(engine, "decisions")) == count(engine, Decision, OpenDecision) > 27
    every = [row for resolution in Resolution for row in taken(engine, "equity", Filters(resolution=resolution))]
    assert len(every) == count(engine, EquityPoint, EquityRecent)
    few = set(KINDS) - {"fills", "decisions", "equity"}
    assert {kind: len(taken(engine, kind)) for kind in few} == {
        "orders": 5,
        "round_trips": 40,
        "allocations": 2,
        "transfers": 1,
        "funding": 27,
        "events": 1,
        "commands": 2,
        "candles": 6,
        "bar_records": 1,
    }


def test_an_export_says_what_the_table_says(engine: Engine, books: Books) -> None:
    with transaction(engine) as connection:
        rows = connection.execute(select(Fill.__table__).order_by(Fill.time_ms, Fill.id)).all()
    names = {bot.id: bot.name for bot in books.fleet.bots}
    for row, fill in zip(rows, taken(engine, "fills"), strict=True):
        assert (fill["time_ms"], fill["bot"], fill["quantity"], fill["price"], fill["fee"]) == (
            row.time_ms,
            names[row.bot_id],
            row.quantity,
            row.price,
            row.fee,
        )
    assert re.fullmatch(
        r"2026-01-0\d\dT\d\d:00:00\.000Z|2026-01-0\dT\d\d:00:00\.000Z", taken(engine, "fills")[0]["time"]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_csv_and_json_are_the_same_rows(engine: Engine, books: Books, kind: str) -> None:
    with transaction(engine) as connection:
        table = list(csv.DictReader(io.StringIO("".join(csv_chunks(connection, kind, 1)))))
        objects = json.loads("".join(json_chunks(connection, kind, 1)))
    assert len(objects) > 0 and tuple(objects[0]) == columns(kind) == tuple(table[0])

    def said(value: object) -> str:
        return "" if value is None else harmless(value) if isinstance(value, str) else str(value)

    assert [{name: said(value) for name, value in row.items()} for row in objects] == table


@pytest.mark.parametrize(("kind", "column"), [("events", "message"), ("commands", "reason"), ("bar_records", "reason")])
def test_text_is_no_formula_in_csv_and_exact_in_json(engine: Engine, books: Books, kind: str, column: str) -> None:
    with transaction(engine) as connection:
        row = next(csv.DictReader(io.StringIO("".join(csv_chunks(connection, kind, 1)))))
        (found, *_) = json.loads("".join(json_chunks(connection, kind, 1)))
    assert row[column] == f"'{one_line(HOSTILE)}"
    # What people and exchanges say is kept as one line.
    assert found[column] == (HOSTILE if kind == "bar_records" else one_line(HOSTILE))


def test_no_rows_are_a_header_and_an_empty_list(engine: Engine, books: Books) -> None:
    nothing = Filters(end_ms=0)
    with transaction(engine) as connection:
        assert "".join(json_chunks(connection, "fills", 1, nothing)) == "[]\n"
        assert "".join(csv_chunks(connection, "fills", 1, nothing)).count("\n") == 1


@pytest.mark.parametrize("kind", ["fills", "round_trips", "decisions"])
def test_filters_take_exactly_the_rows_they_name(engine: Engine, books: Books, kind: str) -> None:
    bot = books.fleet.bots[4]
    every = taken(engine, kind)
    assert taken(engine, kind, Filters(bot=bot.name)) == [row for row in every if row["bot"] == bot.name] != []
    assert taken(engine, kind, Filters(sleeve=bot.sleeve)) == [row for row in every if row["sleeve"] == bot.sleeve]
    assert taken(engine, kind, Filters(symbol=bot.symbol)) == [row for row in every if row["symbol"] == bot.symbol]
    start_ms, end_ms = START_MS + 10 * HOUR_MS, START_MS + 20 * HOUR_MS
    within = taken(engine, kind, Filters(start_ms, end_ms))
    if kind == "decisions":
        assert within == [row for row in every if row["to_ms"] >= start_ms and row["from_ms"] < end_ms] != []
    else:
        time = columns(kind)[1]
        assert within == [row for row in every if start_ms <= row[time] < end_ms]


def test_round_trips_are_filtered_by_side_and_exit(engine: Engine, books: Books) -> None:
    assert len(taken(engine, "round_trips", Filters(side="SELL"))) == 20
    assert len(taken(engine, "round_trips", Filters(side="SELL", exit_reason="TRAILING_STOP"))) == 20
    assert taken(engine, "round_trips", Filters(exit_reason="STOP")) == []


def test_equity_is_filtered_by_scope_and_resolution(engine: Engine, books: Books) -> None:
    bot, sleeve = books.fleet.bots[3], books.fleet.sleeves[1]
    hours = taken(engine, "equity", Filters(bot=bot.name))
    assert len(hours) == 40 and {row["scope"] for row in hours} == {bot.name}
    rows = taken(engine, "equity", Filters(sleeve=sleeve.name, resolution=Resolution.STEP))
    assert len(rows) == 40 and {row["scope"] for row in rows} == {sleeve.name}
    assert len(taken(engine, "equity", Filters(resolution=Resolution.STEP))) == 160


def test_kinds_of_scopes_are_taken_beside_names(engine: Engine, books: Books) -> None:
    bot, sleeve = books.fleet.bots[3].name, books.fleet.sleeves[0].name

    def scopes(kind: str, **filters: object) -> set[tuple[str, str]]:
        return {(row["scope_kind"], row["scope"]) for row in taken(engine, kind, Filters(**filters))}

    (whole,) = scopes("equity", scope_kind="PORTFOLIO")
    assert whole[0] == "PORTFOLIO"
    assert scopes("equity", scope_kind=("PORTFOLIO",), bot=(bot,)) == {whole, ("BOT", bot)}
    assert scopes("equity", bot=bot, sleeve=sleeve) == {("BOT", bot), ("SLEEVE", sleeve)}
    assert len(scopes("equity", scope_kind="SLEEVE")) == len(books.fleet.sleeves) == 3
    assert len(scopes("equity")) == 1 + 3 + 27
    assert {kind for kind, _ in scopes("allocations", scope_kind="BOT")} == {"BOT"}
    assert len(scopes("allocations")) == 2
    assert scopes("commands", scope_kind="PORTFOLIO") == {("PORTFOLIO", "")}
    assert scopes("commands", bot=books.fleet.bots[0].name) == {("BOT", books.fleet.bots[0].name)}
    assert scopes("events", bot=bot) == set()


def test_the_exit_reason_of_a_fill_is_its_trigger(engine: Engine, books: Books) -> None:
    every = taken(engine, "fills")
    wanted = every[0]["trigger"]
    assert taken(engine, "fills", Filters(exit_reason=wanted)) == [row for row in every if row["trigger"] == wanted]
    assert taken(engine, "fills", Filters(exit_reason="LADDER")) == []


def test_fills_that_are_equal_are_told_apart(engine: Engine, books: Books) -> None:
    with engine.connect() as connection:
        rows = [row for batch in stream(connection, "fills", 1) for row in batch]
        kept = connection.execute(select(Fill.id).order_by(Fill.time_ms, Fill.id)).scalars().all()
    assert columns("fills")[-1] == "id"
    assert [row[-1] for row in rows] == kept and len(set(kept)) == len(rows) > 1


def test_candles_are_those_of_the_symbols_of_the_bots(engine: Engine, books: Books) -> None:
    bot = books.fleet.bots[0]
    assert {row["symbol"] for row in taken(engine, "candles")} == {"C0/USDT", "C1/USDT"}
    of_one = taken(engine, "candles", Filters(START_MS + HOUR_MS, bot=bot.name))
    assert [(row["symbol"], row["open_ms"]) for row in of_one] == [
        (bot.symbol, START_MS + at * HOUR_MS) for at in (1, 2)
    ]


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (Filters(bot="nobody"), "bot must be one of .*, was 'nobody'"),
        (Filters(sleeve=("momentum",)), "sleeve must be one of .*, was 'momentum'"),
        (Filters(symbol="X/Y"), "symbol must be one of C0/USDT, C1/USDT, C2/USDT, was 'X/Y'"),
        (Filters(side=("BUY", "LONG")), "side must be one of BUY, SELL, was 'LONG'"),
        (Filters(exit_reason="TARGET"), "exit reason must be one of SIGNAL, STOP, .*, was 'TARGET'"),
        (Filters(scope_kind="FLEET"), "scope kind must be one of PORTFOLIO, SLEEVE, BOT, was 'FLEET'"),
    ],
)
def test_names_that_are_not_there_are_refused(engine: Engine, books: Books, filters: Filters, sentence: str) -> None:
    known = Filters(sleeve=books.fleet.sleeves[0].name, bot=(books.fleet.bots[0].name,), side="BUY", exit_reason="STOP")
    with transaction(engine) as connection:
        check_names(connection, 1, known)
        with pytest.raises(ConfigurationError, match=sentence):
            check_names(connection, 1, filters)


def test_another_portfolios_rows_stay_out(engine: Engine, books: Books) -> None:
    with transaction(engine) as connection:
        assert [row for kind in KINDS for batch in stream(connection, kind, 2) for row in batch] == []


def test_an_unknown_kind_is_refused(engine: Engine) -> None:
    with (
        transaction(engine) as connection,
        pytest.raises(ConfigurationError, match="must be one of fills, .* was 'bots'"),
    ):
        list(stream(connection, "bots", 1))


def test_a_reader_may_export(engine: Engine, books: Books, url: str) -> None:
    reader = open_reader(url)
    assert len(taken(reader, "fills")) == count(engine, Fill)
    reader.dispose()


@pytest.mark.slow
def test_a_long_export_fits_in_little_memory(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        bots = open_books(connection).fleet.bots
        rows = [make_fill(bots[at % 27], START_MS + at) for at in range(200_000)]
        save_fills(connection, 1, rows)
    del rows
    with transaction(sqlite_engine) as connection:
        tracemalloc.start()
        length = sum(len(chunk) for chunk in csv_chunks(connection, "fills", 1))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert length > 20_000_000 and peak < 10_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_an_export_are_documented(kind: str) -> None:
    (line,) = re.findall(rf"^\| `{kind}` \|(.*)\|$", DOCUMENT.read_text(), re.M)
    assert re.findall(r"`(\w+)`", line) == list(columns(kind))
