"""Rows ↔ records, by name: a field of a record goes into the column of the same name, and comes back from it.

Rows go to the driver as plain tuples: a thousand bots are written at every step. Members of enums are written by name;
NaN is NULL, so that a NaN in a column that must have a number is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import Enum, IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, Double, Select, Table
from sqlmodel import SQLModel

from shared.errors import DatabaseError

Record = TypeVar("Record")
Model = type[SQLModel]


def insert_rows(connection: Connection, model: Model, rows: Sequence[Any], **same: Any) -> None:
    """Append one row per record; `same` are columns with one value for all."""
    _write(connection, model, rows, same, "")


def upsert_rows(connection: Connection, model: Model, rows: Sequence[Any], **same: Any) -> None:
    """Write one row per record over the row of the same primary key, if there is one."""
    _write(connection, model, rows, same, "update")


def insert_missing_rows(connection: Connection, model: Model, rows: Sequence[Any], **same: Any) -> None:
    """Append one row per record where there is none of the same primary key."""
    _write(connection, model, rows, same, "ignore")


def upsert_keyed(
    connection: Connection, model: Model, keys: Sequence[tuple], records: Sequence[Any], scratch: frozenset[str]
) -> None:
    """Write records that do not know their own primary key, which `keys` holds in the order of the table's.

    Fields in `scratch` are not kept; every other must have a column.
    """
    if not records:
        return
    names = tuple(column.name for column in table_of(model).primary_key)
    form = _form(model, type(records[0]), names, scratch)
    values = form.values(records, connection.dialect.name)
    sql = write_sql(model, form.columns, connection, "update")
    connection.exec_driver_sql(sql, [(*key, *row) for key, row in zip(keys, values, strict=True)])


def load_rows(connection: Connection, statement: Select, model: Model, record: type[Record]) -> list[Record]:
    """Give the rows of a statement as records; it must select `record_columns(model, record)`."""
    names = stored_names(model, record)
    restore = restorer(model, record)
    return [record(**dict(zip(names, restore(row), strict=True))) for row in connection.execute(statement)]


def record_columns(model: Model, record: type) -> list[Any]:
    """Give the columns that hold a record's fields, in their order."""
    return [table_of(model).c[name] for name in stored_names(model, record)]


@cache
def stored_names(model: Model, record: type) -> tuple[str, ...]:
    """Give the fields of a record that have a column."""
    columns = table_of(model).c
    return tuple(field.name for field in fields(record) if field.name in columns)


@cache
def restorer(model: Model, record: type) -> Callable[[Iterable[Any]], list[Any]]:
    """Give the function that turns the values of a row back into those of the record's fields."""
    table, names = table_of(model), stored_names(model, record)
    kinds = {field.name: str(field.type) for field in fields(record)}
    members = [(at, _members(table.c[name].info.get("enum"), kinds[name])) for at, name in enumerate(names)]
    members = [(at, lookup) for at, lookup in members if lookup]
    numbers = [at for at, name in enumerate(names) if kinds[name] in ("float", "<class 'float'>")]

    def restore(row: Iterable[Any]) -> list[Any]:
        values = list(row)
        for at, lookup in members:
            values[at] = lookup[values[at]]
        for at in numbers:
            if values[at] is None:
                values[at] = float("nan")
        return values

    return restore


def table_of(model: Model) -> Table:
    """Give the table of a model."""
    return model.__table__


@cache
def _write_sql(model: Model, columns: tuple[str, ...], paramstyle: str, conflict: str) -> str:
    table = table_of(model)
    keys = [column.name for column in table.primary_key]
    marker = "?" if paramstyle == "qmark" else "%s"
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join([marker] * len(columns))})'
    if conflict == "ignore":
        sql += " ON CONFLICT DO NOTHING"
    elif conflict in ("update", "add"):
        target = ", ".join(f'"{name}"' for name in keys)
        change = '"{1}" = excluded."{1}"' if conflict == "update" else '"{1}" = "{0}"."{1}" + excluded."{1}"'
        changes = ", ".join(change.format(table.name, name) for name in columns if name not in keys)
        sql += f" ON CONFLICT ({target}) DO UPDATE SET {changes}"
    return sql


def write_sql(model: Model, columns: tuple[str, ...], connection: Connection, conflict: str = "") -> str:
    """Give the INSERT for the connection's driver; `conflict` is `update`, `add`, `ignore` or nothing."""
    return _write_sql(model, columns, connection.dialect.paramstyle, conflict)


@dataclass(frozen=True)
class _Form:
    """How records of one class become rows of one table."""

    columns: tuple[str, ...]
    getter: Callable[[Any], tuple]
    names: tuple[tuple[int, dict[Any, str | None]], ...]
    numbers: tuple[int, ...]

    def values(self, records: Iterable[Any], dialect: str) -> list[tuple] | list[list]:
        rows = [list(self.getter(record)) for record in records]
        for at, lookup in self.names:
            for row in rows:
                row[at] = lookup[row[at]]
        if dialect != "sqlite":
            # SQLite has no NaN and stores NULL by itself.
            for at in self.numbers:
                for row in rows:
                    if row[at] is not None and row[at] != row[at]:
                        row[at] = None
        return rows


def _write(connection: Connection, model: Model, rows: Sequence[Any], same: dict[str, Any], conflict: str) -> None:
    if not rows:
        return
    form = _form(model, type(rows[0]), tuple(same), frozenset())
    constant = tuple(value.name if isinstance(value, Enum) else value for value in same.values())
    values = [(*constant, *row) for row in form.values(rows, connection.dialect.name)]
    connection.exec_driver_sql(write_sql(model, form.columns, connection, conflict), values)


@cache
def _form(model: Model, record: type, leading: tuple[str, ...], scratch: frozenset[str]) -> _Form:
    table = table_of(model)
    names = tuple(field.name for field in fields(record) if field.name not in scratch)
    unknown = [name for name in (*leading, *names) if name not in table.c]
    if unknown:
        raise DatabaseError(f"every field of {record.__name__} must have a column in {table.name}, had not: {unknown}")
    # A getter of one name would give the bare value.
    getter = attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)
    enums = [(at, table.c[name].info.get("enum")) for at, name in enumerate(names)]
    lookups = tuple((at, _names(enum)) for at, enum in enums if enum)
    numbers = tuple(at for at, name in enumerate(names) if isinstance(table.c[name].type, Double))
    return _Form((*leading, *names), getter, lookups, numbers)


@cache
def _names(enum: type[Enum]) -> dict[Any, str | None]:
    lookup: dict[Any, str | None] = {None: None}
    for member in enum:
        lookup[member.value] = lookup[member.name] = member.name
    return lookup


def _members(enum: type[Enum] | None, kind: str) -> dict[Any, Any] | None:
    if enum is None:
        return None
    plain = issubclass(enum, IntEnum) and kind in ("int", "<class 'int'>")
    members: dict[Any, Any] = {member.name: int(member.value) if plain else member for member in enum}
    return {None: None, **members}
